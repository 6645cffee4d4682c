package draft

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"provision/internal/plan"
)

// FromBindings makes users of those whom bindings name, and groups of those of them who have the same. Above each stands by which
// binding they have it. Groups that are bound are noted, since no binding says who is in them; accounts of workloads and what
// belongs to Kubernetes itself are left out.
func FromBindings(bindings []plan.Binding) ([]Group, []User, []string) {
	type person struct {
		grants   []Grant
		evidence []string
	}
	people, groups := map[string]*person{}, map[string][]string{}
	for _, b := range bindings {
		g := Grant{ClusterRole: b.RoleRef.Name}
		if b.RoleRef.Kind == "Role" {
			g = Grant{Role: b.RoleRef.Name}
		}
		if b.Namespace != "" {
			g.Namespaces = []string{b.Namespace}
		}
		for _, s := range b.Subjects {
			switch {
			case strings.HasPrefix(s.Name, "system:") || strings.HasPrefix(s.Name, "kubeadm:"):
			case s.Kind == "Group":
				groups[s.Name] = append(groups[s.Name], fmt.Sprintf("%s (%s)", b.Object(), b.RoleRef.Name))
			case s.Kind == "User":
				p := people[s.Name]
				if p == nil {
					p = &person{}
					people[s.Name] = p
				}
				p.grants = append(p.grants, g)
				p.evidence = append(p.evidence, b.Object().String())
			}
		}
	}
	alike := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(people)) {
		p := people[name]
		p.grants = merged(p.grants)
		slices.Sort(p.evidence)
		p.evidence = slices.Compact(p.evidence)
		key := grants(p.grants)
		alike[key] = append(alike[key], name)
	}
	var list []Group
	var users []User
	taken := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(alike)) {
		names := alike[key]
		what := people[names[0]].grants
		group := ""
		if len(names) > 1 {
			group = groupName(what, taken)
			list = append(list, Group{Name: group, Grants: what, Evidence: []string{fmt.Sprintf("%d people have this", len(names))}})
		}
		for _, name := range names {
			u := User{Name: name, Evidence: []string{"by " + strings.Join(people[name].evidence, ", ")}}
			if group != "" {
				u.Settings = []Setting{{Field: "groups", List: []string{group}}}
			} else {
				u.Grants = what
			}
			users = append(users, u)
		}
	}
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		notes = append(notes, fmt.Sprintf("The group %q is bound too, and no binding says who is in it: %s", name, strings.Join(groups[name], ", ")))
	}
	return list, users, notes
}

// merged puts the namespaces of one role together.
func merged(list []Grant) []Grant {
	type role struct{ role, cluster string }
	namespaces, everywhere := map[role][]string{}, map[role]bool{}
	for _, g := range list {
		at := role{g.Role, g.ClusterRole}
		namespaces[at] = append(namespaces[at], g.Namespaces...)
		everywhere[at] = everywhere[at] || len(g.Namespaces) == 0
	}
	var all []Grant
	for at, in := range namespaces {
		if everywhere[at] {
			all = append(all, Grant{Role: at.role, ClusterRole: at.cluster})
		}
		slices.Sort(in)
		if in = slices.Compact(in); len(in) > 0 {
			all = append(all, Grant{Role: at.role, ClusterRole: at.cluster, Namespaces: in})
		}
	}
	return compact(all)
}

// longestGroup is the longest name that a group gets, in bytes: a certificate carries 64, and a number may come behind it.
const longestGroup = 56

// groupName names a group by the first of what it gives, as no other is named.
func groupName(what []Grant, taken map[string]bool) string {
	first := what[0]
	name := cmp.Or(first.ClusterRole, first.Role)
	if len(first.Namespaces) > 0 {
		name = first.Namespaces[0] + "-" + name
	}
	if name = strings.ReplaceAll(name, ":", "-"); len(name) > longestGroup {
		name = "people"
	}
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	taken[free] = true
	return free
}
