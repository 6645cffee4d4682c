package plan

import "slices"

// Target asks for what concerns these users of the file only. It returns the names that are not in the file.
func (d *Desired) Target(names []string) (unknown []string) {
	d.Targets = names
	known := d.names()
	for _, name := range names {
		if _, over := d.Over[name]; !known[name] && !over {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// onlyTargets leaves out of the plan what is for others than the users who were asked for, and makes Others of it. All that takes rights away
// stays, whomever it is about: nobody goes on having a right because somebody else was asked for. Likewise what gives a group something that
// one of these users is in.
func (p *Plan) onlyTargets(d Desired) {
	meant := setOf(d.Targets, itself)
	mine := map[Subject]bool{}
	for _, u := range d.Users {
		if name := u.Certificate.User; meant[name] {
			mine[u.Subject] = true
			for _, g := range slices.Concat(u.Groups, u.Certificate.Groups) {
				mine[Subject{"Group", g}] = true
			}
		}
	}
	near := p.kin()
	others := &Plan{Set: p.Set}
	waits := map[string]bool{}
	for i, u := range p.Users {
		if meant[u.Name] || u.Idle() || u.Kubeconfig.Op == Remove || u.Certificate.Op == Keep && u.Kubeconfig.Op == Keep { // the last only drops a key
			continue
		}
		others.Users = append(others.Users, u)
		waits[u.Name] = true
		p.Users[i] = u.kept()
	}
	p.Requests = slices.DeleteFunc(p.Requests, func(c Change[Request]) bool { return waits[c.Before.User] }) // they go with the next one
	p.holdBindings(others, near, func(s Subject) bool { return mine[s] })
	p.holdRoles(others)
	p.holdRules(others, mine)
	p.holdNamespaces(others, meant)
	if others.Changes() {
		p.Others = others
	}
}

// namedAfterEnd are those whom the command line names, and who have ended by the file: nothing can be given to them.
func (d Desired) namedAfterEnd() []Problem {
	var list []Problem
	for _, name := range sortedOnce(slices.Clone(d.Named)) {
		if until, over := d.Over[name]; over {
			list = append(list, Problem{Code: UserEnded, User: name, Until: until})
		}
	}
	return list
}

// holdRules moves to held what is new of the set's roles, but for those that a binding of these subjects refers to. Rules that only get
// fewer are no gift.
func (p *Plan) holdRules(held *Plan, of map[Subject]bool) {
	needed := map[ObjectKey]bool{}
	for _, c := range p.Bindings {
		if c.After != nil && slices.ContainsFunc(c.After.Subjects, func(s Subject) bool { return of[s] }) {
			needed[c.After.Role()] = true
		}
	}
	p.Roles = slices.DeleteFunc(p.Roles, func(c Change[Role]) bool {
		if c.Op != Create || needed[c.After.Key()] {
			return false
		}
		held.Roles = append(held.Roles, c)
		return true
	})
	for i, c := range p.Roles {
		if c.Op == Update && !needed[c.After.Key()] && !Covers(c.Before.Rules, c.After.Rules) {
			held.Roles = append(held.Roles, c)
			p.Roles[i] = Change[Role]{Op: Keep, Before: c.Before, After: c.Before}
		}
	}
}

// StillHeld are the names that go on having a right which the whole plan takes from them: something follows it that is left out. Sorted.
func (p Plan) StillHeld() []Subject {
	if p.Others == nil {
		return nil
	}
	after := map[ObjectKey]*Binding{} // by the part that is done
	for _, c := range p.Bindings {
		if c.Before != nil {
			after[ObjectKey{c.Before.Namespace, c.Before.Name}] = c.After
		}
	}
	var list []Subject
	for _, c := range p.Others.Bindings {
		if c.Before == nil {
			continue
		}
		stays := after[ObjectKey{c.Before.Namespace, c.Before.Name}]
		if stays == nil {
			continue
		}
		left := c.Before.Subjects
		if c.After != nil {
			left = absent(left, []Binding{*c.After})
		}
		for _, s := range left {
			if slices.Contains(stays.Subjects, s) {
				list = append(list, s)
			}
		}
	}
	slices.SortFunc(list, compareSubjects)
	return slices.Compact(list)
}

// LeavesOthers reports whether any of the plans leaves something out that is for others than the users who were asked for.
func (all Proposals) LeavesOthers() bool {
	return slices.ContainsFunc(all, func(p Proposal) bool { return p.Others != nil })
}
