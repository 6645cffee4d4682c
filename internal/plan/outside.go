package plan

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Power is what the right is worth that a binding grants.
type Power string

// Powers.
const (
	PowerNone    Power = "none"         // the role is not there, or allows nothing
	PowerLimited Power = "limited"      // what the role allows, and no more
	PowerAdmin   Power = "clusterAdmin" // as good as cluster-admin where it is bound: everything, or to take more than was given
	PowerUnknown Power = "unknown"      // the operator may not read the role
)

// rank orders powers, those first that must not be missed.
func (p Power) rank() int {
	switch p {
	case PowerAdmin:
		return 0
	case PowerUnknown:
		return 1
	}
	return 2
}

// Held is what somebody has by one subject of one binding.
type Held struct {
	Binding Binding `json:"binding"`
	Set     string  `json:"set,omitempty"` // whose binding it is; "": of no set
	Subject Subject `json:"subject"`
	Power   Power   `json:"power,omitempty"` // "": nobody has looked
}

// GivenBy reports whether grants give the same: the same role in the same namespace or in the whole cluster.
func (h Held) GivenBy(list []Grant) bool {
	return h.Binding.Grant().in(list)
}

// bare leaves out of the binding what does not tell who holds what: whose else it is, and its version.
func (h Held) bare() Held {
	h.Binding = Binding{Namespace: h.Binding.Namespace, Name: h.Binding.Name, RoleRef: h.Binding.RoleRef}
	return h
}

func compareHeld(a, b Held) int {
	return cmp.Or(compareKeys(a.Binding.Namespace, a.Binding.Name, b.Binding.Namespace, b.Binding.Name), compareSubjects(a.Subject, b.Subject))
}

// Rules are what roles allow. One that is not there has none.
type Rules struct {
	Of     map[ObjectKey][]rbacv1.PolicyRule
	Unread map[ObjectKey]bool // the operator may not read them
}

// Power is what a binding is worth. ledger is the namespace of the set's ledger.
func (r Rules) Power(b Binding, ledger string) Power {
	rules := r.Of[b.Role()]
	switch {
	case b.RoleRef == ClusterAdminRole:
		return PowerAdmin
	case r.Unread[b.Role()]:
		return PowerUnknown
	case len(rules) == 0:
		return PowerNone
	case len(PowerfulIn(b.Namespace, ledger, rules)) > 0:
		return PowerAdmin
	}
	return PowerLimited
}

// Holdings are what subjects have by bindings.
type Holdings map[Subject][]Held

// Outside leaves out what bindings of a set grant.
func (h Holdings) Outside(set string) Holdings {
	return h.pick(func(one Held) bool { return one.Set != set })
}

// Of is what bindings of a set grant.
func (h Holdings) Of(set string) Holdings {
	return h.pick(func(one Held) bool { return one.Set == set })
}

func (h Holdings) pick(is func(Held) bool) Holdings {
	left := Holdings{}
	for s, list := range h {
		for _, one := range list {
			if is(one) {
				left[s] = append(left[s], one)
			}
		}
	}
	return left
}

// Judge notes the power of each.
func (h Holdings) Judge(rules Rules, ledger string) Holdings {
	judged := Holdings{}
	for s, list := range h {
		list = slices.Clone(list)
		for i := range list {
			list[i].Power = rules.Power(list[i].Binding, ledger)
		}
		judged[s] = list
	}
	return judged
}

// Bindings are those by which anybody has anything, in no order. A binding may be there more than once.
func (h Holdings) Bindings() []Binding {
	var list []Binding
	for _, of := range h {
		for _, one := range of {
			list = append(list, one.Binding)
		}
	}
	return list
}

// Beyond is what a user with some groups has, is worth anything, and is not given as well.
// Sorted.
func (h Holdings) Beyond(given []Grant, user string, groups []string) []Held {
	var list []Held
	for _, s := range Identities(user, groups) {
		for _, one := range h[s] {
			if one.Power != PowerNone && !one.GivenBy(given) {
				list = append(list, one)
			}
		}
	}
	slices.SortFunc(list, compareHeld)
	return list
}

// everybody are the subjects that anybody is or is among who has a certificate, or who leaves it out.
var everybody = []Subject{
	{Kind: rbacv1.GroupKind, Name: "system:authenticated"},
	{Kind: rbacv1.GroupKind, Name: "system:unauthenticated"},
	{Kind: rbacv1.UserKind, Name: "system:anonymous"},
}

// Stock reports whether a role is bound to a subject in every cluster, by Kubernetes itself or by kubeadm, so that it tells
// nothing of anybody. By which binding does not matter.
func Stock(subject Subject, role ObjectKey, ref RoleRef) bool {
	if !slices.Contains(everybody, subject) {
		return false
	}
	switch ref.Kind {
	case "ClusterRole":
		return slices.Contains([]string{"system:basic-user", "system:discovery", "system:public-info-viewer"}, ref.Name)
	case "Role":
		return role == ObjectKey{"kube-public", "kubeadm:bootstrap-signer-clusterinfo"}
	}
	return false
}

// Identities are the subjects that a user is or is among, those among them that everybody is.
func Identities(user string, groups []string) []Subject {
	list := make([]Subject, 0, 1+len(groups)+len(everybody))
	list = append(list, Subject{Kind: rbacv1.UserKind, Name: user})
	for _, g := range groups {
		list = append(list, Subject{Kind: rbacv1.GroupKind, Name: g})
	}
	return append(list, everybody...)
}

// HeldKey tells apart what subjects have by bindings.
type HeldKey struct {
	Binding ObjectKey
	Subject Subject
}

// Key is that of h.
func (h Held) Key() HeldKey {
	return HeldKey{h.Binding.Key(), h.Subject}
}

// OutsideWarnings tell of what people have from outside a file, in one warning for all that is of one role, one set and one
// power.
func OutsideWarnings(list []Held) []Warning {
	type alike struct {
		code WarningCode
		role RoleRef
		set  string
	}
	at := map[alike]int{}
	var warnings []Warning
	for _, h := range list {
		k := alike{outsideCode(h.Power), h.Binding.RoleRef, h.Set}
		if _, ok := at[k]; !ok {
			at[k] = len(warnings)
			warnings = append(warnings, Warning{Code: k.code, Role: k.role, Name: k.set})
		}
		w := &warnings[at[k]]
		w.Held = append(w.Held, h.bare())
	}
	for _, w := range warnings {
		slices.SortFunc(w.Held, compareHeld)
	}
	slices.SortFunc(warnings, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Held[0].Power.rank(), b.Held[0].Power.rank()), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Role.Kind, b.Role.Kind), cmp.Compare(a.Role.Name, b.Role.Name))
	})
	return warnings
}

func outsideCode(p Power) WarningCode {
	switch p {
	case PowerAdmin:
		return OutsideAdmin
	case PowerUnknown:
		return OutsideUnread
	}
	return OutsideGrant
}
