package plan

import (
	"cmp"
	"slices"

	"provision/internal/usersfile"
)

// NewNames are the users who get their first certificate of the set, and the groups that a certificate has for the first
// time, with the users who get them.
func (p Plan) NewNames(observed Observed) map[Subject][]string {
	if !p.Issues() {
		return nil // without looking through the ledger
	}
	had := map[string][]string{} // user -> groups
	known := map[string]bool{}
	for _, r := range observed.Ledger {
		if r.Used() {
			had[r.User] = append(had[r.User], r.Groups...)
			known[r.User] = true
		}
	}
	who := map[Subject][]string{}
	for _, u := range p.Users {
		after, before := u.Certificate.After, u.Certificate.Before
		if u.Certificate.Op == Keep || after == nil {
			continue
		}
		groups := had[u.Name]
		if before != nil {
			groups = append(slices.Clone(groups), before.Groups...)
		} else if !known[u.Name] {
			who[Subject{Kind: "User", Name: u.Name}] = []string{u.Name}
		}
		for _, g := range after.Groups {
			if !slices.Contains(groups, g) {
				s := Subject{Kind: "Group", Name: g}
				who[s] = append(who[s], u.Name)
			}
		}
	}
	return who
}

// UnboundGroups doubts the groups that nobody in the set has had so far and that nothing is bound to, now or once the plan
// is done: they may be misspelt, and To is the group of the file that is like one. A group that the file defines is not
// among them, however it is bound. bound reports whether anything outside the set is bound to a group.
func (p Plan) UnboundGroups(desired Desired, observed Observed, bound func(Subject) bool) []Warning {
	known := map[string]bool{}
	for _, g := range desired.Groups {
		known[g] = true
	}
	meant := map[string]string{}
	for _, g := range desired.SimilarGroups {
		meant[g.Group] = g.Defined
	}
	for _, r := range observed.Ledger {
		for _, g := range r.Groups {
			known[g] = true
		}
	}
	for _, u := range p.Users {
		if c := u.Certificate.Before; c != nil {
			for _, g := range c.Groups {
				known[g] = true
			}
		}
	}
	stays := p.StillBound(observed)
	var list []Warning
	for s, users := range p.NewNames(observed) {
		if s.Kind == "Group" && !known[s.Name] && !usersfile.IsGenerationGroup(s.Name) && !stays[s] && !bound(s) {
			list = append(list, Warning{Code: UnboundGroup, Name: s.Name, To: meant[s.Name], Items: users})
		}
	}
	slices.SortFunc(list, func(a, b Warning) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
