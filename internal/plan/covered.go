package plan

import (
	"cmp"
	"slices"
	"strings"
)

// Covered returns the bindings of no set whose every subject is a user of the file who has the same by the set's bindings, and a
// certificate that works: nobody loses anything when they are deleted. Sorted.
func Covered(outside Holdings, users []UserStatus) []Binding {
	has := map[string][]Grant{}
	for _, u := range users {
		switch u.State {
		case StateValid, StateRenewSoon, StateReissue, StateElsewhere, StateElsewhereDue:
			has[u.User] = u.Grants
		case StateExpired, StateMissing, StatePending, StateRemoved, StateEnded, StateRevoked, StateBlocked, StateNewRequest, StateNotYet:
		}
	}
	var list []Binding
	for _, held := range outside {
		for _, one := range held {
			covered := one.Set == "" && !slices.ContainsFunc(one.Binding.Subjects, func(s Subject) bool {
				return s.Kind != "User" || !one.Binding.Grant().in(has[s.Name])
			})
			if covered {
				list = append(list, one.Binding)
			}
		}
	}
	slices.SortFunc(list, func(a, b Binding) int { return compareObjects(a.Object(), b.Object()) })
	return slices.CompactFunc(list, func(a, b Binding) bool {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name)) == 0
	})
}
