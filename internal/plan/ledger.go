package plan

import (
	"slices"
	"time"
)

// computeLedger brings the ledger to what the directory and the cluster know: certificates that were issued before a
// crash could be recorded, requests that can no longer be issued, and people who left. It returns the changes and the
// records as they will be, live ones only.
func computeLedger(desired Desired, observed Observed, at moment) ([]Change[Record], []Record, []Problem) {
	issued := issuedByKey(desired.Set, observed, at.now)
	void := map[string]bool{}
	for key, r := range requestsByKey(desired.Set, observed) {
		void[key] = r.State == Denied || r.State == Failed
	}
	named, given := desired.names(), map[string]int{}
	for _, u := range desired.Users {
		given[u.Certificate.User] = u.Generation
	}
	proofs, wanted := proofsIn(desired.Set, observed, at.now), desired.KeysWanted()
	var changes []Change[Record]
	var records []Record
	var problems []Problem
	var wrong []string
	known := map[string]bool{}
	for _, before := range observed.Ledger {
		known[before.KeyHash] = true
		after := before.completeFrom(issued) // which may well end later than was thought possible: clocks differ
		var reasons []Reason
		if right, edited := proofs[before.KeyHash].mend(after, at); edited {
			after = right
			if named[after.User] && !desired.RebuildLedger {
				wrong = append(wrong, after.User)
				records = append(records, after)
				continue
			}
			// Of people who go it is put right at once: their kubeconfigs, which tell of it, go too.
			reasons = append(reasons, Reason{Code: RecordWrong})
		}
		if proofs[before.KeyHash].owns(after) {
			after.Own = true
			if len(reasons) == 0 {
				reasons = append(reasons, Reason{Code: RecordWrong})
			}
		}
		if after.Issued() && !before.Issued() && !(wanted[after.KeyHash] && after.onWay(observed.Files[after.User])) {
			reasons = append(reasons, Reason{Code: OutcomeKnown})
		}
		if !after.Live(at.lives) {
			continue // dropped with a later write
		}
		if void[before.KeyHash] && !after.Issued() && !before.Resent {
			changes = append(changes, Change[Record]{Op: Delete, Before: &before, Reasons: []Reason{{Code: RequestDenied, To: before.Request}}})
			continue
		}
		if !named[after.User] && after.Removed.IsZero() {
			after.Removed = at.now.UTC().Truncate(time.Second)
			reasons = append(reasons, leftReason(desired.Over, after.User))
		}
		if marked, superseded := desired.supersede(after, given, at.now); superseded {
			after = marked
			reasons = append(reasons, Reason{Code: GenerationOver})
		}
		if right, noted := observed.adopt(after, at.now); noted {
			after = right
			reasons = append(reasons, Reason{Code: BlockKnown})
		}
		if len(reasons) > 0 {
			changes = append(changes, Change[Record]{Op: Update, Before: &before, After: &after, Reasons: reasons})
		}
		records = append(records, after)
	}
	for _, e := range observed.LedgersElsewhere {
		for _, r := range e.Records {
			known[r.KeyHash] = known[r.KeyHash] || e.Ours // it is to be moved, not recorded twice
		}
	}
	lost := unrecorded(desired, observed, known, func(name string) bool { return !named[name] }, at)
	if len(wrong) > 0 {
		problems = append(problems, Problem{Code: LedgerWrong, Name: desired.LedgerNamespace, Items: sortedOnce(wrong)})
	}
	if len(lost) > 0 && !desired.RebuildLedger {
		users := make([]string, 0, len(lost))
		for _, r := range lost {
			users = append(users, r.User)
		}
		// The kubeconfig of somebody who left goes now, and may be the last that tells of the certificate in it.
		lost = slices.DeleteFunc(lost, func(r Record) bool { return r.Removed.IsZero() })
		problems = append(problems, Problem{Code: LedgerIncomplete, Name: desired.LedgerNamespace, Items: sortedOnce(users)})
	}
	for _, r := range lost {
		r, _ = desired.supersede(r, given, at.now)
		reasons := []Reason{{Code: NotRecorded}}
		if right, noted := observed.adopt(r, at.now); noted {
			r = right
			reasons = append(reasons, Reason{Code: BlockKnown})
		}
		changes = append(changes, Change[Record]{Op: Create, After: &r, Reasons: reasons})
		records = append(records, r)
	}
	slices.SortFunc(changes, compareRecordChanges)
	slices.SortFunc(records, compareRecords)
	return changes, records, problems
}

// compareRecords orders by user and key.
func compareRecords(a, b Record) int { return compareKeys(a.User, a.KeyHash, b.User, b.KeyHash) }

func compareRecordChanges(a, b Change[Record]) int { return compareRecords(*a.Object(), *b.Object()) }

// LedgerProblems says why the ledger may not list every living certificate.
func LedgerProblems(desired Desired, observed Observed, now time.Time) []Problem {
	at := observed.at(now)
	_, _, problems := computeLedger(desired, observed, at)
	moved, _ := movedLedger(desired, observed, at)
	return slices.Concat(observed.LedgerProblems, moved, problems)
}

// unrecorded finds living certificates of the set that the ledger does not list: somebody has deleted or edited it. Of
// people who are gone, the records say so. That a user made the key, their kubeconfig says, or their request in the file.
func unrecorded(desired Desired, observed Observed, known map[string]bool, gone func(name string) bool, at moment) []Record {
	var lost []Record
	keys := desired.KeysWanted()
	news := func(c *Certificate) bool { return c != nil && !known[c.KeyHash] && c.NotAfter.After(at.lives) }
	add := func(c *Certificate, request string, own bool) {
		known[c.KeyHash] = true
		r := Record{User: c.User, Groups: c.Groups, KeyHash: c.KeyHash, Request: request, Duration: c.Duration, SealedTo: public(c.SealedTo), Own: own, Intended: c.NotBefore}.complete(c)
		if gone(r.User) {
			r.Removed = at.now.UTC().Truncate(time.Second)
		}
		lost = append(lost, r)
	}
	for name, f := range observed.Files {
		if news(f.Certificate) && observed.believed(name, nil, at.now) != nil {
			add(f.Certificate, "", f.Certificate.Key == KeyOwn)
		}
	}
	for _, r := range observed.Requests {
		if c := r.ownCertificate(); news(c) {
			add(c, r.Name, keys[c.KeyHash])
		}
	}
	return lost
}
