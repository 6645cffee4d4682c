package plan

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/usersfile"
)

// Kin relates the users of a set who stay, each as its bindings name them once the plan is done, and their groups, those in their
// certificates, old and new, and those that the file puts them into: to each user those groups, to each group its users. They may
// have a right through each other. A generation that was, or the name of a user who gets their first, is related to nobody: nothing
// follows what it loses, as if somebody had left. In no order that counts.
func Kin(set string, users []UserChange) map[Subject][]Subject {
	near := map[Subject][]Subject{}
	for _, u := range users {
		if u.Kubeconfig.Op == Remove {
			continue
		}
		groups := slices.Clone(u.Groups)
		self := boundAs(set, usersfile.User{Name: u.Name, Generation: u.Generation})
		for _, c := range []*Certificate{u.Certificate.Before, u.Certificate.After} {
			if c != nil {
				groups = append(groups, c.Groups...)
			}
		}
		if u.Elsewhere != nil {
			groups = append(groups, u.Elsewhere.Groups...)
		}
		for _, name := range sortedOnce(withoutGenerations(groups)) {
			group := Subject{rbacv1.GroupKind, name}
			near[self] = append(near[self], group)
			near[group] = append(near[group], self)
		}
	}
	return near
}
