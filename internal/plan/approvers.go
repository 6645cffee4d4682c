package plan

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Approver is somebody who may approve requests for client certificates, and with that may make a certificate for any name and group.
type Approver struct {
	Subject Subject
	By      []Held // ClusterRoleBindings, each once: those that have the subject come first
	// With are subjects one of whom they have to be as well, as they have only half of the right: nobody here knows who is in a group.
	With []Subject
	You  bool // the operator is it, or is in it
}

// Everybody reports whether whoever has a login, or runs as a service account, is it.
func (a Approver) Everybody() bool {
	return len(a.With) == 0 && (slices.Contains(everybody, a.Subject) || a.Subject == allServiceAccounts)
}

// allServiceAccounts is the group of all service accounts.
var allServiceAccounts = Subject{Kind: rbacv1.GroupKind, Name: serviceAccountsGroup}

const serviceAccountsGroup = "system:serviceaccounts"

// administrators are whom Kubernetes and kubeadm make administrators of every cluster of theirs, so that it tells nothing.
var administrators = []Subject{{Kind: rbacv1.GroupKind, Name: "system:masters"}, {Kind: rbacv1.GroupKind, Name: "kubeadm:cluster-admins"}}

// Approvers are whom ClusterRoleBindings let approve requests for client certificates, but for those who are administrators of every
// cluster: it takes the permission to approve for the signer, and that to update an approval, perhaps by another binding. You are the
// subjects that the operator is or is in. Everybody comes first, and then by kind and name.
func Approvers(bindings []Held, rules Rules, you []Subject) []Approver {
	approve, update := map[Subject][]Held{}, map[Subject][]Held{}
	for _, h := range bindings {
		approves, updates := rules.approval(h.Binding)
		for _, h.Subject = range h.Binding.Subjects {
			if approves && !slices.Contains(administrators, h.Subject) {
				approve[h.Subject] = append(approve[h.Subject], h)
			}
			if updates && !slices.Contains(administrators, h.Subject) {
				update[h.Subject] = append(update[h.Subject], h)
			}
		}
	}
	var list []Approver
	for s, by := range approve {
		updating, with := otherHalf(s, approve, update)
		if len(updating) == 0 {
			continue
		}
		a := Approver{Subject: s, By: slices.Concat(by, updating), With: with, You: slices.Contains(you, s)}
		slices.SortFunc(a.With, compareSubjects)
		slices.SortFunc(a.By, func(x, y Held) int {
			return cmp.Or(first(x.Subject == s)-first(y.Subject == s), compareHeld(x, y))
		})
		a.By = slices.CompactFunc(a.By, func(x, y Held) bool { return x.Key() == y.Key() })
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b Approver) int {
		return cmp.Or(first(a.Everybody())-first(b.Everybody()), compareSubjects(a.Subject, b.Subject))
	})
	return list
}

// first is a rank for what comes in front of all else.
func first(is bool) int {
	if is {
		return 0
	}
	return 1
}

// otherHalf is by which bindings somebody who may approve for the signer may update an approval: by their own, or those of groups that
// they are in for certain, or those of others, with one of whom they have to be the same, and who do not have the whole right anyway.
func otherHalf(s Subject, approve, update map[Subject][]Held) (by []Held, with []Subject) {
	if own := update[s]; len(own) > 0 {
		return own, nil
	}
	for _, g := range surelyIn(s) {
		by = append(by, update[g]...)
	}
	if len(by) > 0 {
		return by, nil
	}
	for also, updating := range update {
		if len(approve[also]) == 0 && together(s, also) {
			by, with = append(by, updating...), append(with, also)
		}
	}
	return by, with
}

// approval reports which of the two permissions that an approval takes the role of a ClusterRoleBinding gives.
func (r Rules) approval(b Binding) (approves, updates bool) {
	if b.RoleRef == ClusterAdminRole {
		return true, true
	}
	for _, rule := range r.Of[b.Role()] {
		approves = approves || allows(rule, certificatesGroup, "signers", []string{"approve"}) && concerns(rule, SignerName, "kubernetes.io/*")
		updates = updates || allows(rule, certificatesGroup, "certificatesigningrequests/approval", []string{"update", "patch"})
	}
	return approves, updates
}

// concerns reports whether a rule is about an object with one of some names.
func concerns(r rbacv1.PolicyRule, some ...string) bool {
	return len(r.ResourceNames) == 0 || slices.ContainsFunc(r.ResourceNames, func(name string) bool { return slices.Contains(some, name) })
}

// surelyIn are the groups in which a subject is for certain, without anybody having put it there.
func surelyIn(s Subject) []Subject {
	if slices.Contains(everybody[1:], s) {
		return []Subject{everybody[1]}
	}
	groups := []Subject{everybody[0]}
	if namespace, _, ok := strings.Cut(s.Name, "/"); ok && s.Kind == rbacv1.ServiceAccountKind {
		groups = append(groups, allServiceAccounts, Subject{Kind: rbacv1.GroupKind, Name: serviceAccountsGroup + ":" + namespace})
	}
	if s.Kind == rbacv1.GroupKind && strings.HasPrefix(s.Name, serviceAccountsGroup+":") {
		groups = append(groups, allServiceAccounts)
	}
	return groups
}

// together reports whether somebody can be two subjects at once, as far as is known: a user and in a group, or in two groups.
func together(a, b Subject) bool {
	if slices.Contains(everybody[1:], a) || slices.Contains(everybody[1:], b) {
		return false // nobody who has logged in
	}
	if a.Kind == rbacv1.GroupKind && b.Kind == rbacv1.GroupKind {
		return true
	}
	if b.Kind == rbacv1.GroupKind {
		a, b = b, a
	}
	return a.Kind == rbacv1.GroupKind && (b.Kind == rbacv1.UserKind || slices.Contains(surelyIn(b), a)) // a service account is in no others
}
