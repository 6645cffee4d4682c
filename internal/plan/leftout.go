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
		case NamespaceMissing, NamespaceEnding:
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
