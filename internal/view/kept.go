package view

import (
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Kept names the people to whom the sets of the run themselves still grant something that their certificates can use.
func (r Remainder) Kept() []string {
	var names []string
	for _, one := range r.People {
		if !one.Until.IsZero() && slices.ContainsFunc(one.Grants, func(a cluster.Access) bool { return a.Allowed && r.own(a.Set) }) {
			names = append(names, one.User)
		}
	}
	return names
}

// StillGranted is the error of a revoke after which its sets still grant something to people.
func StillGranted(users []string) error {
	return fmt.Errorf("what the sets of this run bind themselves still grants something to %s (above)", Users(users))
}

// whyKept says why a set still binds a group that it would not bind any more, and what to do; "": the group was to be taken out.
func (r Remainder) whyKept(set, group string) string {
	i := slices.IndexFunc(r.Plans, func(p plan.Proposal) bool { return p.Set == set })
	p := r.Plans[i]
	switch {
	case slices.ContainsFunc(p.Ended, func(e plan.Ending) bool { return e.Group == group }):
		return ""
	case p.Desired.Unfiled:
		return "with the users file, revoke binds the members of the group instead: provision revoke -f FILE"
	case slices.Contains(p.Desired.Groups, group):
		return "the users file says shared: true for the group: take that out, and revoke again"
	}
	return "the users file does not define the group: provision apply takes it out"
}

// keptGroup is whyKept of what a binding of a set of the run grants through a group, as a comment of a shell; "" of any other.
func (r Remainder) keptGroup(a cluster.Access) string {
	if !r.own(a.Set) || a.Subject.Kind != rbacv1.GroupKind || usersfile.IsGenerationGroup(a.Subject.Name) {
		return ""
	}
	if why := r.whyKept(a.Set, a.Subject.Name); why != "" {
		return wayLine("", why)
	}
	return ""
}

// stillBinds names the groups that a users file binds and that were taken out of the bindings, and what the next apply does with it.
func (r Remainder) stillBinds(p pen, set usersfile.Set) {
	for _, of := range r.Plans {
		if of.Set != set.Name {
			continue
		}
		names := plan.Noted(of.Desired, of.Observed) // already, or by this run
		for _, e := range of.Ended {
			_, whole := of.Desired.Whole[e.Group]
			kept := slices.ContainsFunc(r.People, func(one observe.Remainder) bool {
				return slices.ContainsFunc(one.Grants, func(a cluster.Access) bool { return a.Set == set.Name && a.Subject == e.Subject() })
			})
			if whole && !kept && !slices.Contains(names, e.Group) {
				names = append(names, e.Group)
			}
		}
		if len(names) > 0 {
			p.gap()
			p.line(0, "", fmt.Sprintf("%s says bindTo: Group for %s: write bindTo: Members, or the next apply binds the members all the same and ends with 1 (shared: true binds the group again)",
				set.Pos.File, r.names(each(names, plan.Quoted))))
		}
	}
}
