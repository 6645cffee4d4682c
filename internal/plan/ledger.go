package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Record is one entry of the set's ledger: a certificate that was requested and has not expired. It is written
// before its request is sent, so that no certificate can exist that the ledger does not know, and completed once the
// certificate is issued. It holds no secret.
type Record struct {
	User     string        `json:"user"`
	Groups   []string      `json:"groups,omitempty"`
	KeyHash  string        `json:"keyHash"`  // hex SHA-256 of the public key
	Request  string        `json:"request"`  // name of the CertificateSigningRequest
	Duration time.Duration `json:"duration"` // in JSON expirationSeconds
	Intended time.Time     `json:"intended"`
	By       string        `json:"by"`               // who applied, as the API server calls him
	Digest   string        `json:"digest,omitempty"` // of the users file

	// Resent says that the request was sent more than once. What came of it the first time nobody saw, and a certificate
	// may live although the request was denied, or given up, later: the record stays until that would have ended.
	Resent bool `json:"resent,omitempty"`

	// Once issued.
	Serial       string    `json:"serial,omitempty"`
	CredentialID string    `json:"credentialID,omitempty"`
	NotBefore    time.Time `json:"notBefore,omitzero"`
	NotAfter     time.Time `json:"notAfter,omitzero"`

	// Removed is when the user left the file: the name may not be given again while a certificate of hers lives.
	Removed time.Time `json:"removed,omitzero"`
}

// pendingLife is how long a request can wait before the API server's cleaner removes it
// (pkg/controller/certificates/cleaner/cleaner.go).
const pendingLife = 24 * time.Hour

// Issued says whether the certificate is known to exist.
func (r Record) Issued() bool { return !r.NotAfter.IsZero() }

// Until is when the certificate ends; for one of which it is not known whether it was issued, the latest possible.
func (r Record) Until() time.Time {
	if r.Issued() {
		return r.NotAfter
	}
	return r.Intended.Add(pendingLife + r.Duration)
}

// Live says whether the certificate can still authenticate, or may yet be issued.
func (r Record) Live(now time.Time) bool { return now.Before(r.Until()) }

// clockMargin is how far the clock of an operator may be ahead without a record of a living certificate being lost for
// good.
const clockMargin = 24 * time.Hour

// Droppable says whether the record may go: it has been dead for long, whatever the clock here says.
func (r Record) Droppable(now time.Time) bool { return !r.Live(now.Add(-clockMargin)) }

// complete returns the record with what an issued certificate says.
func (r Record) complete(c *Certificate) Record {
	r.Serial, r.CredentialID, r.NotBefore, r.NotAfter = c.Serial, c.CredentialID, c.NotBefore, c.NotAfter
	return r
}

// completeFrom is complete for one that is not issued yet and whose certificate is there.
func (r Record) completeFrom(issued map[string]*Certificate) Record {
	if c := issued[r.KeyHash]; c != nil && c.User == r.User && !r.Issued() {
		return r.complete(c)
	}
	return r
}

// issuedByKey finds the certificates of a set, in requests and, for records that are still to be completed, in
// kubeconfigs.
func issuedByKey(set string, observed Observed) map[string]*Certificate {
	issued := map[string]*Certificate{}
	for key, r := range requestsByKey(set, observed) {
		if r.State == Issued && r.Certificate != nil {
			issued[key] = r.Certificate
		}
	}
	open := map[string]bool{}
	for _, r := range observed.Ledger {
		open[r.KeyHash] = !r.Issued()
	}
	for name, f := range observed.Files {
		if f.Certificate == nil || !open[f.Certificate.KeyHash] {
			continue
		}
		if c := observed.believed(name, nil); c != nil {
			issued[c.KeyHash] = c
		}
	}
	return issued
}

// computeLedger brings the ledger to what the directory and the cluster know: certificates that were issued before a
// crash could be recorded, requests that can no longer be issued, and people who left. It returns the changes and the
// records as they will be, live ones only.
func computeLedger(desired Desired, observed Observed, now time.Time) ([]Change[Record], []Record, []Problem) {
	issued := issuedByKey(desired.Set, observed)
	void := map[string]bool{}
	for key, r := range requestsByKey(desired.Set, observed) {
		void[key] = r.State == Denied || r.State == Failed
	}
	named := map[string]bool{}
	for _, u := range desired.Users {
		named[u.Certificate.User] = true
	}
	var changes []Change[Record]
	var records []Record
	known := map[string]bool{}
	for _, before := range observed.Ledger {
		known[before.KeyHash] = true
		after := before.completeFrom(issued) // which may well end later than was thought possible: clocks differ
		var reasons []Reason
		if after.Issued() && !before.Issued() {
			reasons = append(reasons, Reason{Code: OutcomeKnown})
		}
		if !after.Live(now) {
			continue // dropped with a later write
		}
		if void[before.KeyHash] && !after.Issued() && !before.Resent {
			changes = append(changes, Change[Record]{Op: Delete, Before: &before, Reasons: []Reason{{Code: RequestDenied, To: before.Request}}})
			continue
		}
		if !named[before.User] && before.Removed.IsZero() {
			after.Removed = now.UTC().Truncate(time.Second)
			reasons = append(reasons, Reason{Code: NotInFile})
		}
		if len(reasons) > 0 {
			changes = append(changes, Change[Record]{Op: Update, Before: &before, After: &after, Reasons: reasons})
		}
		records = append(records, after)
	}
	lost := unrecorded(observed, known, func(name string) bool { return !named[name] }, now)
	var problems []Problem
	if len(lost) > 0 && !desired.RebuildLedger {
		users := make([]string, 0, len(lost))
		for _, r := range lost {
			users = append(users, r.User)
		}
		slices.Sort(users)
		lost, problems = nil, []Problem{{Code: LedgerIncomplete, Name: desired.LedgerNamespace, Detail: strings.Join(slices.Compact(users), ", ")}}
	}
	for _, r := range lost {
		changes = append(changes, Change[Record]{Op: Create, After: &r, Reasons: []Reason{{Code: NotRecorded}}})
		records = append(records, r)
	}
	slices.SortFunc(changes, func(a, b Change[Record]) int {
		x, y := a.Object(), b.Object()
		return compareKeys(x.User, x.KeyHash, y.User, y.KeyHash)
	})
	slices.SortFunc(records, func(a, b Record) int { return compareKeys(a.User, a.KeyHash, b.User, b.KeyHash) })
	return changes, records, problems
}

// LedgerProblems says why the ledger may not list every living certificate.
func LedgerProblems(desired Desired, observed Observed, now time.Time) []Problem {
	_, _, problems := computeLedger(desired, observed, now)
	return append(slices.Clone(observed.LedgerProblems), problems...)
}

// unrecorded finds living certificates of the set that the ledger does not list: somebody has deleted or edited it. Of
// people who are gone, the records say so.
func unrecorded(observed Observed, known map[string]bool, gone func(name string) bool, now time.Time) []Record {
	var lost []Record
	news := func(c *Certificate) bool { return c != nil && !known[c.KeyHash] && c.NotAfter.After(now) }
	add := func(c *Certificate, request string) {
		known[c.KeyHash] = true
		r := Record{User: c.User, Groups: c.Groups, KeyHash: c.KeyHash, Request: request, Duration: c.Duration, Intended: c.NotBefore}.complete(c)
		if gone(r.User) {
			r.Removed = now.UTC().Truncate(time.Second)
		}
		lost = append(lost, r)
	}
	for name, f := range observed.Files {
		if news(f.Certificate) && observed.believed(name, nil) != nil {
			add(f.Certificate, "")
		}
	}
	for _, r := range observed.Requests {
		if c := r.ownCertificate(); news(c) {
			add(c, r.Name)
		}
	}
	return lost
}

// resent says whether one of a user's records is of a key whose request was sent more than once.
func resent(records []Record, keyHash string) bool {
	return slices.ContainsFunc(records, func(r Record) bool { return r.KeyHash == keyHash && r.Resent })
}

// live leaves out what has expired.
func live(records []Record, now time.Time) []Record {
	return slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return !r.Live(now) })
}

// byUser groups records.
func byUser(records []Record) map[string][]Record {
	m := map[string][]Record{}
	for _, r := range records {
		m[r.User] = append(m[r.User], r)
	}
	return m
}

// elsewhere finds a living certificate that is as the file wants it and whose kubeconfig is not here: another
// operator's, or one that was lost.
func elsewhere(want Certificate, records []Record, now time.Time) *Record {
	var found *Record
	for _, r := range records {
		if !r.Issued() || !r.Live(now) || !r.Removed.IsZero() || !slices.Equal(r.Groups, want.Groups) {
			continue
		}
		if found == nil || r.NotAfter.After(found.NotAfter) {
			found = &r
		}
	}
	return found
}

// reused says until when a name is taken by somebody who left, or the zero time. Once the name was given again, which
// reuse: true allowed, it is its new holder's.
func reused(records []Record, now time.Time) time.Time {
	var until time.Time
	for _, r := range records {
		switch {
		case !r.Live(now):
		case r.Removed.IsZero():
			return time.Time{}
		case r.Until().After(until):
			until = r.Until()
		}
	}
	return until
}

// TakenNames warns of names that a plan gives for the first time (names), by what other sets' ledgers say of them (by set).
// Who left another set holds a certificate for her name as much as who left this one; but people move from one team to
// another, so that it is no error. One warning tells of all sets: anybody who may write there can invent more.
func TakenNames(names map[string]bool, others map[string][]Record, now time.Time) []Warning {
	type about struct {
		code WarningCode
		user string
	}
	by := map[about]*Warning{}
	for _, set := range slices.Sorted(maps.Keys(others)) {
		for name, records := range byUser(live(others[set], now)) {
			if !names[name] {
				continue
			}
			until := reused(records, now)
			k := about{NameInOtherSet, name}
			if !until.IsZero() {
				k.code = NameAgain
			}
			if by[k] == nil {
				by[k] = &Warning{Code: k.code, User: name}
			}
			w := by[k]
			w.Items = append(w.Items, set)
			if until.After(w.Until) {
				w.Until = until
			}
		}
	}
	var list []Warning
	for _, w := range by {
		list = append(list, *w)
	}
	slices.SortStableFunc(list, func(a, b Warning) int { return cmp.Or(cmp.Compare(a.Code, b.Code), strings.Compare(a.User, b.User)) })
	return list
}
