package plan

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// held is the part of the plan that is held back, to be added to.
func (p *Plan) held() *Plan {
	if p.Held == nil {
		p.Held = &Plan{Set: p.Set}
	}
	return p.Held
}

// holdGiving leaves of the plan only what takes away, and what gives nobody anything new: a kubeconfig that follows the
// cluster, and the rules of the set's own roles, which the file says and no name is concerned in. Nobody loses a right for
// which something is held back that would follow it; who leaves has nothing that follows.
func (p *Plan) holdGiving() {
	near := p.kin()
	p.holdCertificates()
	p.holdBindings(p.held(), near, func(Subject) bool { return false })
	p.holdRoles(p.Held)
	p.holdNamespaces(p.Held, nil)
	if !p.Held.Changes() {
		p.Held = nil
	}
}

// holdBindings moves to held what the bindings are to give, but for what these subjects get. Near are the subjects that stand for the
// same people.
func (p *Plan) holdBindings(held *Plan, near map[Subject][]Subject, gets func(Subject) bool) {
	heirs := map[Subject][]Binding{} // what is to be given to whom
	for _, c := range p.Bindings {
		var given []Subject
		switch c.Op {
		case Create:
			given = c.After.Subjects
		case Update:
			given = absent(c.After.Subjects, []Binding{*c.Before})
		}
		for _, s := range given {
			if !gets(s) {
				heirs[s] = append(heirs[s], *c.After)
			}
		}
	}
	followed := func(b Binding, s Subject) bool {
		return slices.ContainsFunc(append(slices.Clip(near[s]), s), func(k Subject) bool {
			return slices.ContainsFunc(heirs[k], func(heir Binding) bool { return p.follows(heir, b) })
		})
	}
	none := map[int]bool{} // nothing is left of these
	for i, c := range p.Bindings {
		if copied, _ := c.Copy(); copied {
			continue
		}
		switch c.Op {
		case Create:
			after := *c.After
			after.Subjects = slices.DeleteFunc(slices.Clone(c.After.Subjects), func(s Subject) bool { return !gets(s) })
			if len(after.Subjects) == len(c.After.Subjects) {
				continue
			}
			held.Bindings = append(held.Bindings, c)
			switch {
			case len(after.Subjects) > 0:
				p.Bindings[i].After = &after
			case c.Before != nil: // made anew by somebody for another role: it goes all the same
				p.Bindings[i] = Change[Binding]{Op: Delete, Before: c.Before, Reasons: c.Reasons}
			default:
				none[i] = true
			}
		case Update, Delete:
			var wanted []Subject
			if c.After != nil {
				wanted = c.After.Subjects
			}
			after := *c.Before
			after.Subjects = slices.DeleteFunc(slices.Clone(wanted), func(s Subject) bool { return !slices.Contains(c.Before.Subjects, s) && !gets(s) })
			for _, s := range absent(c.Before.Subjects, []Binding{{Subjects: wanted}}) {
				if followed(*c.Before, s) && !slices.Contains(after.Subjects, s) {
					after.Subjects = append(after.Subjects, s)
				}
			}
			slices.SortFunc(after.Subjects, compareSubjects)
			if slices.Equal(after.Subjects, wanted) {
				continue
			}
			held.Bindings = append(held.Bindings, c)
			p.Bindings[i] = updated(*c.Before, after)
		}
	}
	kept := p.Bindings[:0]
	for i, c := range p.Bindings {
		if !none[i] {
			kept = append(kept, c)
		}
	}
	p.Bindings = kept
}

// userFacing are the ClusterRoles of Kubernetes that aggregate each other, so that each allows all that those before it do
// (plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go).
var userFacing = []RoleRef{{"ClusterRole", "view"}, {"ClusterRole", "edit"}, {"ClusterRole", "admin"}, ClusterAdminRole}

// follows reports whether a binding gives, where another one does, at least as much as that. Of roles that are neither the
// set's nor well known it says no, unless it is the same one: nobody knows here what they allow.
func (p *Plan) follows(heir, b Binding) bool {
	less, more := slices.Index(userFacing, b.RoleRef), slices.Index(userFacing, heir.RoleRef)
	switch {
	case heir.Namespace != "" && heir.Namespace != b.Namespace:
		return false
	case heir.RoleRef == ClusterAdminRole, heir.RoleRef.Kind == b.RoleRef.Kind && heir.Role() == b.Role(), less >= 0 && less < more:
		return true
	}
	var rules, old []rbacv1.PolicyRule
	known := 0
	for _, c := range p.Roles {
		key := c.Object().Key()
		if key == heir.Role() && c.After != nil {
			rules = c.After.Rules
			known++
		}
		if key == b.Role() {
			old = c.Object().Rules
			known++
		}
	}
	return known == 2 && Covers(rules, old)
}

// holdRoles keeps the roles that would be deleted although a binding still needs them.
func (p *Plan) holdRoles(held *Plan) {
	needed := map[ObjectKey]bool{}
	for _, c := range p.Bindings {
		if c.After != nil {
			needed[c.After.Role()] = true
		}
	}
	for i, c := range p.Roles {
		if c.Op == Delete && needed[c.Before.Key()] {
			held.Roles = append(held.Roles, c)
			p.Roles[i] = Change[Role]{Op: Keep, Before: c.Before, After: c.Before}
		}
	}
}

// holdNamespaces moves to held the namespaces that are to be made and that nothing in the plan needs, for a role or a binding or for one of
// these users.
func (p *Plan) holdNamespaces(held *Plan, users map[string]bool) {
	needed := map[string]bool{}
	for _, c := range p.Roles {
		if c.Op == Create {
			needed[c.After.Namespace] = true
		}
	}
	for _, c := range p.Bindings {
		if c.Op == Create {
			needed[c.After.Namespace] = true
		}
	}
	for _, u := range p.Users {
		if users[u.Name] && u.Kubeconfig.After != nil {
			needed[u.Kubeconfig.After.Namespace] = true
		}
	}
	p.Namespaces = slices.DeleteFunc(p.Namespaces, func(c Change[Namespace]) bool {
		if needed[c.After.Name] {
			return false
		}
		held.Namespaces = append(held.Namespaces, c)
		return true
	})
}

// holdCertificates leaves out of the plan every certificate that is still to come, and returns for whom.
func (p *Plan) holdCertificates() map[string]bool {
	waits := map[string]bool{}
	for i, u := range p.Users {
		if u.Certificate.Op == Keep {
			continue
		}
		waits[u.Name] = true
		p.held().Users = append(p.held().Users, u)
		p.Users[i] = u.kept()
	}
	// A request of theirs that no longer fits goes with the next one.
	p.Requests = slices.DeleteFunc(p.Requests, func(c Change[Request]) bool { return waits[c.Before.User] })
	return waits
}

// holdTaking leaves of the plan what the file gives, and takes away only from names that the set does not know, from generations that
// are over, and what has ended as the file said: the file may have lost its half.
func (p *Plan) holdTaking() {
	known := p.known()
	leavers := setOf(p.leaversCounted(), itself)
	for _, u := range p.Users {
		if leavers[u.Name] {
			p.held().Users = append(p.held().Users, u)
		}
	}
	p.Users = slices.DeleteFunc(p.Users, func(u UserChange) bool { return leavers[u.Name] })
	p.Requests = slices.DeleteFunc(p.Requests, func(c Change[Request]) bool {
		if !leavers[c.Before.User] {
			return false
		}
		p.held().Requests = append(p.held().Requests, c)
		return true
	})
	p.Ledger.Records = slices.DeleteFunc(p.Ledger.Records, func(c Change[Record]) bool {
		if c.Op != Update || !leavers[c.After.User] {
			return false
		}
		p.held().Ledger.Records = append(p.held().Ledger.Records, c)
		return true
	})
	for i, c := range p.Roles {
		if copied, _ := c.Copy(); c.Op == Delete && !copied {
			p.held().Roles = append(p.held().Roles, c)
			p.Roles[i] = Change[Role]{Op: Keep, Before: c.Before, After: c.Before}
		}
	}
	for i, c := range p.Bindings {
		if copied, _ := c.Copy(); copied || c.Op != Update && c.Op != Delete {
			continue
		}
		after := *c.Before
		if after.Subjects = nil; c.After != nil {
			after.Subjects = slices.Clone(c.After.Subjects)
		}
		stay, ended := false, p.agreed(c)
		for _, s := range c.Before.Subjects {
			if known[s] && !slices.Contains(after.Subjects, s) && !slices.Contains(ended, s) {
				after.Subjects, stay = append(after.Subjects, s), true
			}
		}
		if !stay {
			continue
		}
		slices.SortFunc(after.Subjects, compareSubjects)
		p.held().Bindings = append(p.held().Bindings, c)
		p.Bindings[i] = updated(*c.Before, after)
	}
}

// kept is a user to whom nothing happens.
func (u UserChange) kept() UserChange {
	return UserChange{Name: u.Name, Pos: u.Pos, Generation: u.Generation, Groups: u.Groups,
		Certificate: Change[Certificate]{Op: Keep, Before: u.Certificate.Before, After: u.Certificate.Before},
		Kubeconfig:  Change[Kubeconfig]{Op: Keep, Before: u.Kubeconfig.Before, After: u.Kubeconfig.Before},
	}
}
