package plan

import (
	"maps"
	"slices"
	"time"
)

// Left are the people whom the plan takes out, and those who left earlier and whose certificates live, with the groups in
// their living certificates. Of those who are revoked it is told when that is done. A name that was left and that the file
// gives again is no exception until the plan believes the file.
func (p Plan) Left(desired Desired, observed Observed, now time.Time) map[string][]string {
	if desired.Revoke {
		return nil
	}
	stays := desired.names()
	for _, problem := range p.Problems {
		if problem.Code == NameReused {
			delete(stays, problem.User)
		}
	}
	names := p.Leavers()
	for _, r := range live(observed.Ledger, observed.Earliest(now)) {
		if !r.Removed.IsZero() {
			names = append(names, r.User)
		}
	}
	left, people := map[string][]string{}, PeopleOf(observed, now)
	for _, name := range names {
		if !stays[name] {
			_, left[name] = people.Remaining(name)
		}
	}
	return left
}

// StillBound are the subjects of the bindings with the set's label as they are once the plan is done.
func (p Plan) StillBound(observed Observed) map[Subject]bool {
	bound := map[Subject]bool{}
	for _, b := range p.bindingsAfter(observed) {
		for _, s := range b.Subjects {
			bound[s] = true
		}
	}
	return bound
}

// bindingsAfter are the bindings with the set's label as they are once the plan is done, in no order.
func (p Plan) bindingsAfter(observed Observed) []Binding {
	after := map[ObjectKey]Binding{}
	for _, b := range observed.Bindings {
		after[b.Key()] = b
	}
	for _, c := range p.Bindings {
		if c.Before != nil {
			delete(after, c.Before.Key())
		}
		if c.After != nil {
			after[c.After.Key()] = *c.After
		}
	}
	return slices.Collect(maps.Values(after))
}
