package plan

import rbacv1 "k8s.io/api/rbac/v1"

// Kin relates users who stay and the groups in their certificates, old and new: to each user those groups, to each group its
// users. They may have a right through each other. In no order that counts.
func Kin(users []UserChange) map[Subject][]Subject {
	near := map[Subject][]Subject{}
	for _, u := range users {
		if u.Kubeconfig.Op == Remove {
			continue
		}
		var groups []string
		for _, c := range []*Certificate{u.Certificate.Before, u.Certificate.After} {
			if c != nil {
				groups = append(groups, c.Groups...)
			}
		}
		if u.Elsewhere != nil {
			groups = append(groups, u.Elsewhere.Groups...)
		}
		user := Subject{rbacv1.UserKind, u.Name}
		for _, name := range sortedOnce(groups) {
			group := Subject{rbacv1.GroupKind, name}
			near[user] = append(near[user], group)
			near[group] = append(near[group], user)
		}
	}
	return near
}
