package plan

import (
	"cmp"
	"slices"
)

// Grant is a role and where it is granted: in one namespace, or ("") in the whole cluster.
type Grant struct {
	Role      RoleRef
	Namespace string
}

// Grant returns what the binding grants to its subjects.
func (b Binding) Grant() Grant { return Grant{b.RoleRef, b.Namespace} }

// in reports whether a list has the grant, or the same for the whole cluster.
func (g Grant) in(list []Grant) bool {
	return slices.Contains(list, g) || slices.Contains(list, Grant{Role: g.Role})
}

func compareGrants(a, b Grant) int {
	return cmp.Or(cmp.Compare(a.Role.Kind, b.Role.Kind), cmp.Compare(a.Role.Name, b.Role.Name), cmp.Compare(a.Namespace, b.Namespace))
}

// granted is what bindings grant, by subject.
type granted map[Subject][]Grant

// grantsIn reads what the bindings of a set grant.
func grantsIn(set string, bindings []Binding) granted {
	g := granted{}
	for _, b := range bindings {
		if !b.named(set) {
			continue // a copied label: the plan warns of it
		}
		for _, s := range b.Subjects {
			g[s] = append(g[s], b.Grant())
		}
	}
	return g
}

// of lists what a user with these groups is granted, each grant once.
func (g granted) of(user string, groups []string) []Grant {
	var list []Grant
	for _, s := range Identities(user, groups) {
		list = append(list, g[s]...)
	}
	slices.SortFunc(list, compareGrants)
	return slices.Compact(list)
}

// Given is what a file gives to each of its users.
type Given struct {
	by     granted
	groups map[string][]string
}

// Gives reads what the file gives.
func (d Desired) Gives() Given {
	g := Given{grantsIn(d.Set, d.Bindings), map[string][]string{}}
	for _, u := range d.Users {
		g.groups[u.Certificate.User] = u.Certificate.Groups
	}
	return g
}

// To lists what the file gives to a user of it, and to some groups, which may not be among the user's.
func (g Given) To(user string, groups []string) []Grant {
	return g.by.of(user, slices.Concat(g.groups[user], groups))
}
