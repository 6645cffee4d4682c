package plan

import (
	"slices"
	"time"
)

// Revoke plans to take people out of every grant of the set at once, whatever the users file says: their subjects
// leave the bindings, their kubeconfigs go, and the ledger notes that they left. Rights that are bound to a group stay with
// whoever has the group in a certificate.
//
// A ledger that was lost or damaged does not stand in the way. As the kubeconfigs that go may then be the last that tells
// of the certificates in them, those are recorded.
func Revoke(desired Desired, observed Observed, names []string, now time.Time) Plan {
	at := observed.at(now)
	p := Plan{Set: desired.Set, Digest: desired.Digest, Ledger: Ledger{Namespace: desired.LedgerNamespace, CreateNamespace: !observed.LedgerNamespace}}
	p.Warnings = slices.Concat(ClockWarnings(observed), damages(observed.LedgerProblems), awayWarnings(desired, observed, at))
	leaves := func(name string) bool { return slices.Contains(names, name) }
	p.Warnings = append(p.Warnings, slices.DeleteFunc(misplacedWarnings(nil, observed, now), func(w Warning) bool { return !leaves(w.User) })...)
	theirs := func(s Subject) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, ok := standsFor(desired.Set, name, s); return ok })
	}
	p.withdraw(desired, observed, theirs)
	d := decision{observed: observed, records: byUser(observed.Ledger), requests: requestsByKey(desired.Set, observed), moment: at}
	stays := map[string]bool{}
	for name := range observed.Files {
		stays[name] = !leaves(name)
	}
	for name := range observed.Keys {
		stays[name] = !leaves(name)
	}
	p.Users = d.left(stays)
	for i := range p.Users {
		if c := &p.Users[i].Kubeconfig; c.Op == Remove {
			c.Reasons = []Reason{{Code: RevokedNow}}
		}
	}
	p.Requests = d.superseded(p.Users)
	for i := range p.Requests {
		p.Requests[i].Reasons = []Reason{{Code: RevokedNow}}
	}
	known := map[string]bool{}
	var records []Record
	issued, proofs := issuedByKey(desired.Set, observed, at.now), proofsIn(desired.Set, observed, at.now)
	for _, before := range observed.Ledger {
		known[before.KeyHash] = true
		after, edited := proofs[before.KeyHash].mend(before.completeFrom(issued), at)
		if leaves(after.User) && after.Removed.IsZero() && after.Live(at.lives) {
			after.Removed = at.now.UTC().Truncate(time.Second)
			reasons := []Reason{{Code: RevokedNow}}
			if edited {
				reasons = append(reasons, Reason{Code: RecordWrong})
			}
			p.Ledger.Records = append(p.Ledger.Records, Change[Record]{Op: Update, Before: &before, After: &after, Reasons: reasons})
		}
		records = append(records, after)
	}
	for _, r := range unrecorded(observed, known, leaves, at) {
		if leaves(r.User) {
			records = append(records, r)
			p.Ledger.Records = append(p.Ledger.Records, Change[Record]{Op: Create, After: &r, Reasons: []Reason{{Code: NotRecorded}}})
		}
	}
	p.blockLeavers(desired, observed, names, records, at)
	p.noteBlocked(observed, func(r Record) bool { return leaves(r.User) }, records, at)
	slices.SortFunc(p.Ledger.Records, compareRecordChanges)
	p.Warnings = append(p.Warnings, reachWarnings(desired, observed, p)...)
	return p
}

// withdraw plans to take subjects out of every binding of the set. Of those that have lost its label it tells.
func (p *Plan) withdraw(desired Desired, observed Observed, theirs func(Subject) bool) {
	for _, before := range observed.Bindings {
		if !before.named(desired.Set) {
			continue // nobody's: Remaining grants are shown all the same
		}
		after := before
		after.Subjects = slices.DeleteFunc(slices.Clone(before.Subjects), theirs)
		_, removed := difference(before.Subjects, after.Subjects)
		c := Change[Binding]{Op: Update, Before: &before, After: &after, Reasons: []Reason{{Code: SubjectsChanged, Leaves: removed}}}
		switch {
		case len(removed) == 0:
			continue
		case len(after.Subjects) == 0:
			c = Change[Binding]{Op: Delete, Before: &before, Reasons: []Reason{{Code: RevokedNow}}}
		}
		if from := before.copyOf(desired, observed); from != "" {
			c.Reasons = append(c.Reasons, Reason{Code: Copied, From: from, Leaves: removed})
		}
		p.Bindings = append(p.Bindings, c)
	}
	sortChanges(p.Bindings)
	for _, b := range observed.Unlabelled {
		if slices.ContainsFunc(b.Subjects, theirs) {
			p.Problems = append(p.Problems, Problem{Code: LabelGone, Object: b.Object(),
				Detail: observed.BindingOwners[b.Key()]})
		}
	}
	slices.SortFunc(p.Problems, func(a, b Problem) int { return compareObjects(a.Object, b.Object) })
}
