package apply

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/plan"
)

// handover is what one change of a binding gives and takes away, seen beside the other changes of its plan.
type handover struct {
	gives bool     // somebody becomes a subject
	moves []moving // who stop being one
}

// moving is a subject that gets something else instead of what it loses: that has to be there first.
type moving struct {
	subject plan.Subject
	heirs   []int // the changes that give it something as far-reaching; none where what it is given is less, or given to its groups
}

// handovers looks for the subjects that are taken out of one binding and put into another, in one namespace or in the
// whole cluster, themselves or through the groups in certificates. All others lose at once what they are to lose.
func handovers(p plan.Plan) []handover {
	type place struct {
		namespace string
		subject   plan.Subject
	}
	list := make([]handover, len(p.Bindings))
	given, anywhere := map[place][]int{}, map[plan.Subject][]int{}
	for i, c := range p.Bindings {
		if c.Op != plan.Create && c.Op != plan.Update {
			continue
		}
		for _, s := range without(c.After.Subjects, c.Before) {
			list[i].gives = true
			given[place{c.After.Namespace, s}] = append(given[place{c.After.Namespace, s}], i)
			anywhere[s] = append(anywhere[s], i)
		}
		if c.Op == plan.Create { // also one that replaces another of the same name and subjects
			list[i].gives = true
		}
	}
	near := kin(p.Users)
	for i, c := range p.Bindings {
		if c.Op != plan.Delete && c.Op != plan.Update {
			continue
		}
		others := func(found ...int) []int {
			return slices.DeleteFunc(slices.Clone(found), func(other int) bool { return other == i })
		}
		heirs := func(s plan.Subject) []int {
			if c.Before.Namespace == "" {
				return others(given[place{"", s}]...)
			}
			return others(slices.Concat(given[place{c.Before.Namespace, s}], given[place{"", s}])...)
		}
		successor := func(s plan.Subject) bool {
			return len(heirs(s)) > 0 || c.Before.Namespace == "" && len(others(anywhere[s]...)) > 0
		}
		for _, s := range without(c.Before.Subjects, c.After) {
			if successor(s) || slices.ContainsFunc(near[s], successor) {
				list[i].moves = append(list[i].moves, moving{s, heirs(s)})
			}
		}
	}
	return list
}

// without returns the subjects that a binding, if there is one, does not have.
func without(subjects []plan.Subject, b *plan.Binding) []plan.Subject {
	if b == nil {
		return subjects
	}
	has := make(map[plan.Subject]bool, len(b.Subjects))
	for _, s := range b.Subjects {
		has[s] = true
	}
	return slices.DeleteFunc(slices.Clone(subjects), func(s plan.Subject) bool { return has[s] })
}

// kin says through which groups those who stay have rights, and through whom groups do.
func kin(users []plan.UserChange) map[plan.Subject][]plan.Subject {
	near := map[plan.Subject][]plan.Subject{}
	for _, u := range users {
		c := u.Certificate.After
		if c == nil {
			c = u.Certificate.Before
		}
		if c == nil || u.Kubeconfig.Op == plan.Remove {
			continue
		}
		user := plan.Subject{Kind: rbacv1.UserKind, Name: u.Name}
		for _, name := range c.Groups {
			group := plan.Subject{Kind: rbacv1.GroupKind, Name: name}
			near[user] = append(near[user], group)
			near[group] = append(near[group], user)
		}
	}
	return near
}
