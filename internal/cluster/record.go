package cluster

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"provision/internal/plan"
)

// ledgerKey is the key of a record in a ConfigMap: the first 128 bits of the hash of the user's key, so that no two share one.
func ledgerKey(keyHash string) string { return keyHash[:min(len(keyHash), 32)] }

// recordOf reads the entry of a ConfigMap, and reports whether it is a record.
func recordOf(key, value string) (r plan.Record, ok bool) {
	err := r.UnmarshalJSON([]byte(value)) // json.Unmarshal would go through it once before
	return r, err == nil && r.User != "" && ledgerKey(r.KeyHash) == key
}

// recordsOf reads the entries of a ConfigMap in the order of their keys. unreadable are the keys of those that are no records.
func recordsOf(m *corev1.ConfigMap) (records []plan.Record, unreadable []string) {
	for _, key := range slices.Sorted(maps.Keys(m.Data)) {
		if r, ok := recordOf(key, m.Data[key]); ok {
			records = append(records, r)
		} else {
			unreadable = append(unreadable, key)
		}
	}
	return records, unreadable
}

// expired reports whether an entry is a record that may be dropped.
func expired(value string, now time.Time) bool {
	var r plan.Record
	return json.Unmarshal([]byte(value), &r) == nil && r.User != "" && r.Droppable(now)
}

// edit applies a change to a ConfigMap and drops what has expired.
func edit(m *corev1.ConfigMap, change map[string]string, now time.Time) {
	if m.Data == nil {
		m.Data = map[string]string{}
	}
	for key, value := range m.Data {
		if expired(value, now) {
			delete(m.Data, key)
		}
	}
	for key, value := range change {
		if value == "" {
			delete(m.Data, key)
		} else {
			m.Data[key] = grown(m.Data[key], value)
		}
	}
}

// grown is what is to be written over a record: value, with what somebody has added to the record since: that the request was
// sent again, what was issued, that it was refused, that its user left, or that its generation was taken back. A record that names another user is put right, and
// the leaving of that other user does not stay in it. was and value are JSON; was may be "".
func grown(was, value string) string {
	var old, r plan.Record
	if json.Unmarshal([]byte(was), &old) != nil || json.Unmarshal([]byte(value), &r) != nil || old.KeyHash != r.KeyHash {
		return value
	}
	before := r
	if old.Issued() && !r.Issued() {
		r.Serial, r.CredentialID, r.NotBefore, r.NotAfter = old.Serial, old.CredentialID, old.NotBefore, old.NotAfter
	}
	r.Resent, r.Own = r.Resent || old.Resent, r.Own || old.Own
	if old.Refused != "" && r.Refused == "" {
		r.Refused, r.Groups = old.Refused, old.Groups
	}
	if r.Removed.IsZero() && r.User == old.User {
		r.Removed = old.Removed
	}
	if r.Revoked.IsZero() && r.User == old.User {
		r.Revoked = old.Revoked
	}
	if r.User == old.User {
		r.Blocked, r.Unblocked = later(r.Blocked, old.Blocked), later(r.Unblocked, old.Unblocked)
	}
	if reflect.DeepEqual(before, r) {
		return value
	}
	data, err := json.Marshal(r)
	if err != nil {
		return value
	}
	return string(data)
}

// later is the later of two moments.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
