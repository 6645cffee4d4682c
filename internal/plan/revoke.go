package plan

import (
	"maps"
	"slices"
	"time"
)

// Revoke plans to take people out of every grant of the set at once, whatever the users file says: their subjects
// leave the bindings, their kubeconfigs go, and the ledger notes that they left. Groups in their certificates leave the bindings too, and
// the members who stay are bound instead: see endGroups.
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
	held, byName := map[string]carried{}, byUser(observed.Ledger)
	seen := certificatesIn(observed, byName, at.lives)
	for _, name := range names {
		until, groups := remaining(byName[name], seen[name], at.lives)
		held[name] = carried{until, groups}
	}
	p.endGroups(desired, observed, held, at)
	p.withdraw(desired, observed, theirs)
	d := decision{observed: observed, records: byName, requests: requestsByKey(desired.Set, observed), moment: at}
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
	_, d.own = keysOf(Desired{}, observed, nil)
	maps.DeleteFunc(d.own, func(name string, _ []Record) bool { return !leaves(name) })
	p.Requests = append(d.superseded(p.Users), d.ownSuperseded(p.Users)...)
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
	for _, r := range unrecorded(desired, observed, known, leaves, at) {
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

// withdraw plans to take subjects out of every binding of the set, and the groups of p.Ended, whose members are bound instead in the
// same write. Of bindings that have lost the set's label it tells.
func (p *Plan) withdraw(desired Desired, observed Observed, theirs func(Subject) bool) {
	ended := map[Subject]Ending{}
	for _, e := range p.Ended {
		ended[e.Subject()] = e
	}
	goes := func(s Subject) bool { return theirs(s) || ended[s].Group != "" }
	from := func(b Binding) string { return b.copyOf(desired, observed) }
	// Into what the next apply deletes nobody is put.
	stays := func(b Binding) bool {
		return !b.Ending && from(b) == "" && isShard(b.Name, BindingName(desired.Set, b.RoleRef))
	}
	shards, taken := map[Grant][]Binding{}, map[ObjectKey]bool{} // of what somebody is to follow in
	for _, b := range observed.Bindings {
		if b.named(desired.Set) && stays(b) && slices.ContainsFunc(b.Subjects, func(s Subject) bool { return len(ended[s].Members) > 0 }) {
			shards[b.Grant()] = nil
		}
		taken[b.Key()] = b.Ending
	}
	for _, before := range observed.Bindings {
		if !before.named(desired.Set) {
			continue // nobody's: Remaining grants are shown all the same
		}
		if list, followed := shards[before.Grant()]; followed && stays(before) {
			shards[before.Grant()] = append(list, before)
			continue
		}
		after := before
		after.Subjects = slices.DeleteFunc(slices.Clone(before.Subjects), goes)
		after.Ended = desired.ending(before, ended)
		c := updated(before, after)
		if len(after.Subjects)+len(after.Ended) == 0 && len(before.Subjects) > 0 {
			c = Change[Binding]{Op: Delete, Before: &before}
		}
		if copied := from(before); copied != "" && c.Op != Keep {
			_, removed := difference(before.Subjects, after.Subjects)
			c.Reasons = append(c.Reasons, Reason{Code: Copied, From: copied, Leaves: removed})
		}
		p.takeBack(c, ended)
	}
	for grant, existing := range shards {
		want := Binding{Namespace: grant.Namespace, Name: BindingName(desired.Set, grant.Role), RoleRef: grant.Role}
		for _, b := range existing {
			want.Ended = append(want.Ended, desired.ending(b, ended)...)
			for _, s := range b.Subjects {
				if want.Subjects = append(want.Subjects, ended[s].Members...); !goes(s) {
					want.Subjects = append(want.Subjects, s)
				}
			}
		}
		slices.SortFunc(want.Subjects, compareSubjects)
		want.Subjects = slices.Compact(want.Subjects)
		for _, c := range spread(want, existing, taken) {
			p.takeBack(c, ended)
		}
	}
	sortChanges(p.Bindings)
	for _, b := range observed.Unlabelled {
		if slices.ContainsFunc(b.Subjects, goes) {
			p.Problems = append(p.Problems, Problem{Code: LabelGone, Object: b.Object(),
				Detail: observed.BindingOwners[b.Key()]})
		}
	}
	slices.SortFunc(p.Problems, func(a, b Problem) int { return compareObjects(a.Object, b.Object) })
}

// takeBack adds a change of a binding by which people are revoked, and who of them has which of the groups that leave.
func (p *Plan) takeBack(c Change[Binding], ended map[Subject]Ending) {
	switch c.Op {
	case Keep:
		return
	case Delete:
		c.Reasons = append([]Reason{{Code: RevokedNow}}, slices.DeleteFunc(c.Reasons, func(r Reason) bool { return r.Code != Copied })...)
	}
	if r := &c.Reasons[0]; r.Code == SubjectsChanged {
		for _, s := range r.Leaves {
			r.Leavers = append(r.Leavers, ended[s].Leavers...)
		}
		r.Leavers = sortedOnce(r.Leavers)
	}
	p.Bindings = append(p.Bindings, c)
}
