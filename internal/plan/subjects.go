package plan

import (
	"slices"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/usersfile"
)

// grantee is a subject with when what it has ends; zero: not by itself.
type grantee struct {
	subject Subject
	until   time.Time
}

// gathered is who is granted what, each with when that ends; zero: not by itself.
type gathered map[Grant]map[Subject]time.Time

// note adds a subject of a grant. Of several ends the last counts, and none is later than any.
func (g gathered) note(grant Grant, s Subject, until time.Time) {
	to := g[grant]
	if to == nil {
		to = map[Subject]time.Time{}
		g[grant] = to
	}
	if before, known := to[s]; known && (before.IsZero() || !until.IsZero() && until.Before(before)) {
		until = before
	}
	to[s] = until
}

// scopes are what a grant of the file is in the cluster: the role in each of its namespaces, or in the whole cluster. One with a selector that
// finds no namespace is nothing: least of all the whole cluster.
func scopes(g usersfile.Grant) []Grant {
	ref := RoleRef{Kind: "ClusterRole", Name: g.ClusterRole}
	if g.Role != "" {
		ref = RoleRef{Kind: "Role", Name: g.Role}
	}
	if len(g.Namespaces) == 0 && g.Selector == "" {
		return []Grant{{Role: ref}}
	}
	var list []Grant
	for _, namespace := range g.Namespaces {
		list = append(list, Grant{ref, namespace})
	}
	return list
}

// expandBindings gathers the subjects of every role and scope, from users and from groups: into Bindings what holds, with its end in
// Ends, and into Past what has ended.
func (d *Desired) expandBindings(set usersfile.Set, now time.Time, refs *references) {
	own := setOf(d.Roles, Role.Key)
	subjects, past := gathered{}, gathered{}
	grant := func(g usersfile.Grant, of time.Time, list ...grantee) {
		end := earliest(g.Until, of)
		over := ended(end, now)
		if !over && g.Role == "" && !own[ObjectKey{"", g.ClusterRole}] {
			refs.add(g.Pos, "ClusterRole", "", g.ClusterRole)
		}
		for _, scope := range scopes(g) {
			ns := scope.Namespace
			if !over && ns != "" {
				refs.add(g.NamespacesPos, "Namespace", "", ns)
			}
			if !over && g.Role != "" && !own[ObjectKey{ns, g.Role}] {
				refs.add(g.Pos, "Role", ns, g.Role)
			}
			for _, one := range list {
				if until := earliest(end, one.until); ended(until, now) {
					past.note(scope, one.subject, until)
				} else {
					subjects.note(scope, one.subject, until)
				}
			}
		}
	}

	members := map[string][]grantee{}
	for _, u := range set.Users {
		who := grantee{boundAs(set.Name, u), u.Until}
		for _, g := range u.Groups {
			members[g] = append(members[g], who)
		}
		for _, g := range u.Roles {
			grant(g, u.Until, who)
		}
	}
	for _, g := range set.Groups {
		for _, one := range g.Roles {
			if g.BindTo == usersfile.BindToMembers {
				grant(one, g.Until, members[g.Name]...)
				continue
			}
			grant(one, g.Until, grantee{subject: Subject{Kind: rbacv1.GroupKind, Name: g.Name}})
			if end := earliest(one.Until, g.Until); ended(end, now) { // revoke may have bound them in its place
				for _, scope := range scopes(one) {
					for _, m := range members[g.Name] {
						past.note(scope, m.subject, end)
					}
				}
			}
		}
	}
	d.Bindings, d.Ends, d.Past = subjects.bindings(set.Name), subjects.ends(), past.without(subjects)
}

// bindings are those of a set that grant what was gathered, sorted.
func (g gathered) bindings(set string) []Binding {
	var list []Binding
	for of, who := range g {
		b := Binding{Namespace: of.Namespace, Name: BindingName(set, of.Role), RoleRef: of.Role}
		for s := range who {
			b.Subjects = append(b.Subjects, s)
		}
		slices.SortFunc(b.Subjects, compareSubjects)
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Binding) int { return compareKeys(a.Namespace, a.Name, b.Namespace, b.Name) })
	return list
}

// ends leaves out what does not end by itself. Nil: nothing does.
func (g gathered) ends() map[Grant]map[Subject]time.Time {
	var list gathered
	for of, who := range g {
		for s, until := range who {
			if until.IsZero() {
				continue
			}
			if list == nil {
				list = gathered{}
			}
			list.note(of, s, until)
		}
	}
	return list
}

// without leaves out what others have too.
func (g gathered) without(others gathered) map[Grant]map[Subject]time.Time {
	for of, who := range g {
		for s := range who {
			if _, has := others[of][s]; has {
				delete(who, s)
			}
		}
		if len(who) == 0 {
			delete(g, of)
		}
	}
	return g
}
