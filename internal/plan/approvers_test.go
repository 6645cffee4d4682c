package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// An approval takes two permissions, which may come by two bindings, and to two groups that somebody may be in.
func TestApprovers(t *testing.T) {
	signers := func(names ...string) rbacv1.PolicyRule {
		r := rule("approve signers certificates.k8s.io")
		r.ResourceNames = names
		return r
	}
	update := rule("update certificatesigningrequests/approval certificates.k8s.io")
	rules := Rules{Of: map[ObjectKey][]rbacv1.PolicyRule{
		{"", "both"}: {signers(SignerName), update}, {"", "domain"}: {signers("kubernetes.io/*"), update}, {"", "signer"}: {signers()},
		{"", "update"}: {update}, {"", "kubelets"}: {signers("kubernetes.io/kube-apiserver-client-kubelet"), update}, {"", "view"}: {rule("get,list *")},
	}, Unread: map[ObjectKey]bool{}}
	for name, c := range map[string]struct{ bindings, want string }{
		"what every cluster has":     {"cluster-admin Group:system:masters, cluster-admin Group:kubeadm:cluster-admins", ""},
		"what others have of it":     {"cluster-admin User:root Group:system:masters", "user root"},
		"by one role":                {"both User:ann ServiceAccount:ci/robot, domain Group:ops", "group ops, serviceaccount ci/robot, user ann (you)"},
		"another signer, or to look": {"kubelets User:bob, view User:carl", ""},
		"half of it":                 {"signer User:bob, update User:carl", ""},
		"by two bindings":            {"signer User:bob, update User:bob", "user bob"},
		"everybody has half of it":   {"signer User:bob ServiceAccount:ci/robot, update Group:system:authenticated", "serviceaccount ci/robot, user bob"},
		"a half for a group":         {"signer User:bob, update Group:ops", "user bob with group ops"},
		"the other half":             {"signer Group:ops, update User:bob User:carl", "group ops with user bob, user carl"},
		"whoever has it all is none": {"signer Group:a, both Group:b User:bob", "group b, user bob"},
		"two groups":                 {"signer Group:a, update Group:b", "group a with group b"},
		"service accounts":           {"signer ServiceAccount:ci/robot, update Group:ops Group:system:serviceaccounts:other", ""},
		"those of a namespace":       {"signer ServiceAccount:ci/robot, update Group:system:serviceaccounts:ci", "serviceaccount ci/robot"},
		"a service account's half":   {"signer Group:system:serviceaccounts, update ServiceAccount:ci/robot", "group system:serviceaccounts with serviceaccount ci/robot"},
		"everybody comes first":      {"both Group:a Group:system:authenticated User:ann", "group system:authenticated everybody, group a, user ann (you)"},
		"every pod":                  {"both Group:system:serviceaccounts", "group system:serviceaccounts everybody"},
		"without a login":            {"both User:system:anonymous, update Group:a", "user system:anonymous everybody"},
		"twice":                      {"both User:bob User:bob, both User:bob", "user bob"},
	} {
		var bindings []Held
		for i, text := range strings.Split(c.bindings, ", ") {
			words := strings.Fields(text)
			b := Binding{Name: fmt.Sprint("b", i), RoleRef: RoleRef{Kind: "ClusterRole", Name: words[0]}}
			for _, s := range words[1:] {
				kind, name, _ := strings.Cut(s, ":")
				b.Subjects = append(b.Subjects, Subject{Kind: kind, Name: name})
			}
			bindings = append(bindings, Held{Binding: b})
		}
		var got []string
		for _, a := range Approvers(bindings, rules, Identities("ann", nil)[:1]) {
			text := a.Subject.String()
			if a.Everybody() {
				text += " everybody"
			}
			if a.You {
				text += " (you)"
			}
			for i, s := range a.With {
				text += []string{" with ", ", "}[min(i, 1)] + s.String()
			}
			if !slices.Contains(a.By[0].Binding.Subjects, a.Subject) || a.By[0].Subject != a.Subject {
				t.Errorf("%s: %s by %v", name, text, a.By)
			}
			got = append(got, text)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, want %q", name, s, c.want)
		}
	}
}
