package plan

import (
	"slices"
	"strings"

	"provision/internal/usersfile"
)

// Selection is what a selector of the file finds in the cluster.
type Selection struct {
	Selector   string        `json:"selector"` // as kubectl's --selector has it
	Pos        usersfile.Pos `json:"pos"`      // where the file has it first
	Namespaces []string      `json:"namespaces"`
}

// selections are the selectors of a set, each once, in the order of the file; nothing is found yet.
func selections(set usersfile.Set) []Selection {
	var list []Selection
	known := map[string]bool{}
	note := func(grants []usersfile.Grant) {
		for _, g := range grants {
			if g.Selector != "" && !known[g.Selector] {
				known[g.Selector] = true
				list = append(list, Selection{Selector: g.Selector, Pos: g.SelectorPos, Namespaces: []string{}})
			}
		}
	}
	for _, g := range set.Groups {
		note(g.Roles)
	}
	for _, u := range set.Users {
		note(u.Roles)
	}
	return list
}

// SelectsRoles reports whether the file grants Roles in namespaces that it selects by labels: which they are nobody knows beforehand.
func (d Desired) SelectsRoles() bool {
	roles := func(grants []usersfile.Grant) bool {
		return slices.ContainsFunc(grants, func(g usersfile.Grant) bool { return g.Selector != "" && g.Role != "" })
	}
	return d.Asked != nil && (slices.ContainsFunc(d.Asked.Groups, func(g usersfile.Group) bool { return roles(g.Roles) }) ||
		slices.ContainsFunc(d.Asked.Users, func(u usersfile.User) bool { return roles(u.Roles) }))
}

// selected is a set with the namespaces that its selectors find among some, beside those that it names. One that is being deleted is not
// found: nothing can be granted there. found are the selections with these namespaces.
func selected(set usersfile.Set, list []Selection, labels map[string]map[string]string) (_ usersfile.Set, found []Selection) {
	at := map[string][]string{}
	for _, s := range list {
		selects := usersfile.Selecting(s.Selector)
		s.Namespaces = []string{}
		for name, has := range labels {
			if selects(has) {
				s.Namespaces = append(s.Namespaces, name)
			}
		}
		slices.Sort(s.Namespaces)
		at[s.Selector] = s.Namespaces
		found = append(found, s)
	}
	fill := func(grants []usersfile.Grant) []usersfile.Grant {
		if !slices.ContainsFunc(grants, func(g usersfile.Grant) bool { return g.Selector != "" }) {
			return grants
		}
		grants = slices.Clone(grants)
		for i, g := range grants {
			if g.Selector == "" {
				continue
			}
			grants[i].Namespaces = sortedOnce(slices.Concat(g.Namespaces, at[g.Selector]))
			if g.NamespacesPos == (usersfile.Pos{}) {
				grants[i].NamespacesPos = g.SelectorPos
			}
		}
		return grants
	}
	set.Groups, set.Users = slices.Clone(set.Groups), slices.Clone(set.Users)
	for i := range set.Groups {
		set.Groups[i].Roles = fill(set.Groups[i].Roles)
	}
	for i := range set.Users {
		set.Users[i].Roles = fill(set.Users[i].Roles)
	}
	return set, found
}

// nothingSelected warns of selectors that find no namespace: nothing is granted by them.
func nothingSelected(list []Selection) []Warning {
	var none []Warning
	for _, s := range list {
		if len(s.Namespaces) == 0 {
			none = append(none, Warning{Code: NothingSelected, Name: s.Selector})
		}
	}
	return none
}

// inputsOf are what a saved plan was made from: the namespaces that each selector found.
func inputsOf(list []Selection, in map[string]string) {
	for _, s := range list {
		in["namespaces with "+s.Selector] = strings.Join(s.Namespaces, ", ")
	}
}
