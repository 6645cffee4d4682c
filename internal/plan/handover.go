package plan

import "slices"

// Handover is what one change of a binding gives and takes away, seen beside the other changes of its plan. A subject that
// leaves and is in neither list is followed by somebody in the same binding: one write does both.
type Handover struct {
	Gives  bool      // somebody becomes a subject, or the binding is a new one in the place of another
	Leaves []Subject // who lose it for good
	Moves  []Move    // who lose it once others, in other bindings, have what follows
	// Last is that what follows is all in bindings that are made anew. They wait for nothing, so this one can wait for them, and then
	// one write does all of it.
	Last bool
}

// Move is a subject that gets something else instead of what it loses: that has to be there first.
type Move struct {
	Subject Subject
	// Heirs are the changes that give what follows, by their place in the plan's Bindings. There are none where what follows reaches
	// less far (some namespaces, for the whole cluster) or is another role, through a group: then nothing that fails keeps the old right.
	Heirs []int
}

// Handovers returns one Handover for each of the plan's Bindings, in their order: an empty one for a binding that is kept. It looks
// for the subjects that are taken out of one binding and put into another, in one namespace or in the whole cluster, themselves or
// through the groups in certificates. All others lose at once what they are to lose.
func (p Plan) Handovers() []Handover {
	type place struct {
		namespace string
		subject   Subject
	}
	list := make([]Handover, len(p.Bindings))
	given, anywhere := map[place][]int{}, map[Subject][]int{}
	for i, c := range p.Bindings {
		if c.Op != Create && c.Op != Update {
			continue
		}
		for _, s := range c.Before.Lacks(c.After.Subjects) {
			list[i].Gives = true
			given[place{c.After.Namespace, s}] = append(given[place{c.After.Namespace, s}], i)
			anywhere[s] = append(anywhere[s], i)
		}
		if c.Op == Create { // also one that replaces another of the same name and subjects
			list[i].Gives = true
		}
	}
	near := p.kin()
	for i, c := range p.Bindings {
		if c.Op != Delete && c.Op != Update {
			continue
		}
		others := func(found ...int) []int {
			return slices.DeleteFunc(slices.Clone(found), func(other int) bool { return other == i })
		}
		heirs := func(s Subject) []int {
			if c.Before.Namespace == "" {
				return others(given[place{"", s}]...)
			}
			return others(slices.Concat(given[place{c.Before.Namespace, s}], given[place{"", s}])...)
		}
		successor := func(s Subject) bool {
			return len(heirs(s)) > 0 || c.Before.Namespace == "" && len(others(anywhere[s]...)) > 0
		}
		for _, s := range c.After.Lacks(c.Before.Subjects) {
			follows := heirs(s)
			for _, k := range near[s] { // the same role for the members, or for the group, of one that goes on in other bindings
				follows = append(follows, slices.DeleteFunc(heirs(k), func(other int) bool {
					after := p.Bindings[other].After
					return after.RoleRef != c.Before.RoleRef || after.Namespace != c.Before.Namespace
				})...)
			}
			slices.Sort(follows)
			here := func(k Subject) bool {
				return c.After != nil && slices.Contains(given[place{c.After.Namespace, k}], i)
			}
			switch {
			case successor(s) || slices.ContainsFunc(near[s], successor):
				list[i].Moves = append(list[i].Moves, Move{s, slices.Compact(follows)})
			case !slices.ContainsFunc(near[s], here):
				list[i].Leaves = append(list[i].Leaves, s)
			}
		}
		list[i].Last = list[i].Gives && len(list[i].Moves) > 0 && !slices.ContainsFunc(list[i].Moves, func(m Move) bool {
			return len(m.Heirs) == 0 || slices.ContainsFunc(m.Heirs, func(h int) bool { return p.Bindings[h].Op != Create })
		})
	}
	return list
}

// TakesAway reports whether a plan takes a right away from anybody, or a certificate that is still to come: what needs
// neither the lock nor the ledger.
func (p Plan) TakesAway() bool {
	for i, h := range p.Handovers() {
		c := p.Bindings[i]
		if len(h.Leaves) > 0 || c.Op == Create && c.Before != nil || c.Op == Delete && len(h.Moves) == 0 {
			return true
		}
	}
	loses := func(c Change[Role]) bool {
		_, _, ok := Lessened(c)
		return ok || c.Op == Delete
	}
	return p.blocksMore() || slices.ContainsFunc(p.Roles, loses) || len(p.Leavers()) > 0 || slices.ContainsFunc(p.Requests, p.Ends)
}

// Ends reports whether a request is deleted because its user leaves, and not for another.
func (p Plan) Ends(c Change[Request]) bool {
	return !slices.ContainsFunc(p.Users, func(u UserChange) bool { return u.Name == c.Before.User && u.Certificate.Op != Keep })
}

// Lessened is the role of an update without what it is to lose, whether it gains something beside, and whether it loses
// anything: if not, the role is empty. It is nothing of another change: a role that is deleted is not lessened.
func Lessened(c Change[Role]) (less Role, gains, loses bool) {
	if c.Op != Update || Covers(c.After.Rules, c.Before.Rules) {
		return Role{}, false, false
	}
	less = *c.After
	if gains = !Covers(c.Before.Rules, c.After.Rules); gains {
		less.Rules = Common(c.Before.Rules, c.After.Rules)
	}
	return less, gains, true
}
