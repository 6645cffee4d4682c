package plan

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/usersfile"
)

// kin relates the users of a set who stay, each as its bindings name them once the plan is done, and their groups, those in their
// certificates, old and new, and those that the file puts them into: to each user those groups, to each group its users. They may
// have a right through each other. A generation that was, or the name of a user who gets their first, is related to nobody: nothing
// follows what it loses, as if somebody had left. A group that ends is related to those who are bound instead. In no order that counts.
func (p Plan) kin() map[Subject][]Subject {
	near := map[Subject][]Subject{}
	relate := func(who, group Subject) {
		near[who] = append(near[who], group)
		near[group] = append(near[group], who)
	}
	for _, e := range p.Ended {
		for _, who := range e.Members {
			relate(who, e.Subject())
		}
	}
	for _, u := range p.Users {
		if u.Kubeconfig.Op == Remove {
			continue
		}
		groups := slices.Clone(u.Groups)
		self := boundAs(p.Set, usersfile.User{Name: u.Name, Generation: u.Generation})
		for _, c := range []*Certificate{u.Certificate.Before, u.Certificate.After} {
			if c != nil {
				groups = append(groups, c.Groups...)
			}
		}
		if u.Elsewhere != nil {
			groups = append(groups, u.Elsewhere.Groups...)
		}
		for _, name := range sortedOnce(withoutGenerations(groups)) {
			relate(self, Subject{rbacv1.GroupKind, name})
		}
	}
	return near
}
