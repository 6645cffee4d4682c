package cluster

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// The ledger of a set is a row of ConfigMaps, each with up to maxRecords records: one per key of data, as JSON. A
// record stays in the ConfigMap that has it, so that a change writes one object. An object may have 1 MiB: 1,000 usual
// records are about half of that, and new ones are put elsewhere from maxLedgerBytes on. The rest is for what an
// outcome adds to each record, less than 300 bytes.
const (
	ledgerLabel    = "provision/ledger"
	ledgerPage     = 20 // ConfigMaps in one answer: anybody may have put our labels on thousands of 1 MiB each
	maxRecords     = 1000
	maxLedgerBytes = 700 << 10
)

// ledgerName is the name of the n-th ConfigMap of a set.
func ledgerName(set string, n int) string {
	return "provision-" + set + "-" + strconv.Itoa(n)
}

// isLedgerName reports whether a ConfigMap has a name that ledgerName gives. Labels alone make nobody's ConfigMap a part of the
// ledger.
func isLedgerName(set, name string) bool {
	digits, _ := strings.CutPrefix(name, "provision-"+set+"-")
	n, err := strconv.Atoi(digits)
	return err == nil && n >= 0 && name == ledgerName(set, n)
}

// room is how much more fits into a ConfigMap.
type room struct{ records, bytes int }

// fits reports whether a new record of a size (key and value, in bytes) has room. An outcome, added once it is issued, needs none here:
// maxLedgerBytes keeps that back.
func (r room) fits(size int) bool { return r.records > 0 && r.bytes >= size }

// roomIn is the room that a ConfigMap would have without the entries that are gone, and how many those are. It drops none. The room
// is negative where others have put in too much. One that is immutable has no room.
func roomIn(s *corev1.ConfigMap, gone func(value string) bool) (room, int) {
	if s.Immutable != nil && *s.Immutable {
		return room{}, 0
	}
	r, old := room{maxRecords, maxLedgerBytes}, 0
	for key, value := range s.Data {
		if gone(value) {
			old++
			continue
		}
		r.records--
		r.bytes -= len(key) + len(value)
	}
	return r, old
}
