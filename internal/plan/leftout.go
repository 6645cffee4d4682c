package plan

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// grantable returns a function that leaves out of a wanted binding what cannot be granted now, and notes it at the problem
// among unmet that is the reason. Existing are the bindings of the same role and scope that there are.
//
// A subject that is in one of them stays in it where a role or a namespace is not there, or a role is somebody else's: nobody
// knows what it will allow to those who are added. So does a user who may be another set's, by their kubeconfig or name. A name that somebody else may hold a
// certificate for is taken out instead, and so is a generation that is over. A user for whom the file says less than the generation
// that they have keeps that one. In the place of a group that has ended its members are granted.
func grantable(desired Desired, unmet []Problem) func(want Binding, existing []Binding) Binding {
	roles, namespaces := map[ObjectKey]int{}, map[string]int{}
	names, others, lowered, ended := map[Subject]int{}, map[Subject]int{}, map[Subject]int{}, map[Subject]int{}
	bound := map[string]Subject{}
	for _, u := range desired.Users {
		bound[u.Certificate.User] = u.Subject
	}
	for i, p := range unmet {
		switch p.Code {
		case NamespaceMissing:
			namespaces[p.Name] = i
		case RoleMissing, ForeignObject:
			roles[p.Object.Key()] = i
		case NameReused, GenerationEnded:
			names[bound[p.User]] = i
		case FileOfOtherSet, NamedTwice, NameClaimed:
			others[bound[p.User]] = i
		case GenerationLowered:
			lowered[bound[p.User]] = i
		case GroupEnded:
			ended[Subject{rbacv1.GroupKind, p.Name}] = i
		}
	}
	return func(want Binding, existing []Binding) Binding {
		leave := func(at int, left []Subject) {
			if len(left) == 0 {
				return
			}
			b := want
			b.Subjects = left
			unmet[at].Grants = append(unmet[at].Grants, b)
			want.Subjects = slices.DeleteFunc(slices.Clone(want.Subjects), func(s Subject) bool { return slices.Contains(left, s) })
		}
		leaveUsers := func(of map[Subject]int, among []Subject) {
			for _, s := range among {
				if at, ok := of[s]; ok {
					leave(at, []Subject{s})
				}
			}
		}
		for _, s := range want.Subjects {
			if at, ok := ended[s]; ok {
				leave(at, []Subject{s})
				want.Subjects = append(want.Subjects, absent(desired.members(s.Name), []Binding{want})...)
				want.Ended = append(want.Ended, unmet[at].ended())
			}
		}
		leaveUsers(names, want.Subjects)
		for _, s := range want.Subjects {
			if at, ok := lowered[s]; ok {
				leave(at, []Subject{s})
				want.Subjects = append(want.Subjects, unmet[at].stay(desired.Set, existing)...)
			}
		}
		if len(others) > 0 {
			leaveUsers(others, absent(want.Subjects, existing))
		}
		if len(lowered)+len(ended) > 0 {
			slices.SortFunc(want.Subjects, compareSubjects)
		}
		at, gone := namespaces[want.Namespace]
		if !gone {
			at, gone = roles[want.Role()]
		}
		if gone {
			leave(at, absent(want.Subjects, existing))
		}
		return want
	}
}

// absent are those of some subjects that are in none of the bindings.
func absent(subjects []Subject, from []Binding) []Subject {
	var has []Subject
	for _, b := range from {
		has = append(has, b.Subjects...)
	}
	return without(subjects, has, itself)
}

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
			heirs[s] = append(heirs[s], *c.After)
		}
	}
	followed := func(b Binding, s Subject) bool {
		return slices.ContainsFunc(append(slices.Clip(near[s]), s), func(k Subject) bool {
			return slices.ContainsFunc(heirs[k], func(heir Binding) bool { return p.follows(heir, b) })
		})
	}
	for i, c := range p.Bindings {
		if copied, _ := c.Copy(); copied {
			continue
		}
		switch c.Op {
		case Create:
			p.held().Bindings = append(p.held().Bindings, c)
			if c.Before != nil { // made anew by somebody for another role: it goes all the same
				p.Bindings[i] = Change[Binding]{Op: Delete, Before: c.Before, Reasons: c.Reasons}
			}
		case Update, Delete:
			var wanted []Subject
			if c.After != nil {
				wanted = c.After.Subjects
			}
			after := *c.Before
			after.Subjects = slices.DeleteFunc(slices.Clone(wanted), func(s Subject) bool { return !slices.Contains(c.Before.Subjects, s) })
			for _, s := range absent(c.Before.Subjects, []Binding{{Subjects: wanted}}) {
				if followed(*c.Before, s) && !slices.Contains(after.Subjects, s) {
					after.Subjects = append(after.Subjects, s)
				}
			}
			slices.SortFunc(after.Subjects, compareSubjects)
			if slices.Equal(after.Subjects, wanted) {
				continue
			}
			p.held().Bindings = append(p.held().Bindings, c)
			p.Bindings[i] = updated(*c.Before, after)
		}
	}
	p.Bindings = slices.DeleteFunc(p.Bindings, func(c Change[Binding]) bool { return c.Op == Create })
	p.holdRoles()
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
func (p *Plan) holdRoles() {
	needed := map[ObjectKey]bool{}
	for _, c := range p.Bindings {
		if c.After != nil {
			needed[c.After.Role()] = true
		}
	}
	for i, c := range p.Roles {
		if c.Op == Delete && needed[c.Before.Key()] {
			p.held().Roles = append(p.held().Roles, c)
			p.Roles[i] = Change[Role]{Op: Keep, Before: c.Before, After: c.Before}
		}
	}
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
