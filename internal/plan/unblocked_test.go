package plan

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// What no block refuses counts where it is bound: in a namespace somebody acts as its service accounts only.
func TestRightsThatNoBlockRefuses(t *testing.T) {
	const none = ""
	for _, c := range []struct{ rules, here, all string }{
		{"get,list pods", none, none},
		{"impersonate serviceaccounts", "impersonate serviceaccounts", "impersonate serviceaccounts"},
		{"impersonate users,groups", none, "impersonate users"},
		{"impersonate groups,serviceaccounts", "impersonate serviceaccounts", "impersonate groups"},
		{"* *", "impersonate serviceaccounts", "impersonate users"},
		{"impersonate:user-info users authentication.k8s.io", none, "impersonate:user-info users"},
		{"impersonate:serviceaccount serviceaccounts authentication.k8s.io", "impersonate:serviceaccount serviceaccounts", "impersonate:serviceaccount serviceaccounts"},
		{"impersonate:arbitrary-node nodes authentication.k8s.io", none, "impersonate:arbitrary-node nodes"},
		{"impersonate serviceaccounts example.com", none, none},
	} {
		for namespace, want := range map[string]string{"shop": c.here, "": c.all} {
			p, ok := Impersonation(namespace, []rbacv1.PolicyRule{rule("get pods"), rule(c.rules)})
			got := ""
			if ok {
				got = p.Verb + " " + p.Resource
			}
			if got != want || ok && p.Namespace != namespace {
				t.Errorf("%s, in %q: %q, want %q", c.rules, namespace, got, want)
			}
		}
	}
	named := rule("impersonate serviceaccounts")
	named.ResourceNames = []string{"robot"}
	if p, _ := Impersonation("shop", []rbacv1.PolicyRule{named}); p.Name != "robot" {
		t.Errorf("one service account: %+v", p)
	}
	for rules, want := range map[string]string{
		"get validatingadmissionpolicies admissionregistration.k8s.io":                                   none,
		"create,delete mutatingwebhookconfigurations admissionregistration.k8s.io":                       "delete mutatingwebhookconfigurations",
		"patch validatingadmissionpolicies,validatingwebhookconfigurations admissionregistration.k8s.io": "patch validatingadmissionpolicies",
		"* * *": "delete validatingadmissionpolicies",
	} {
		p, ok := AltersAdmission("", []rbacv1.PolicyRule{rule(rules)})
		if got := p.Verb + " " + p.Resource; ok != (want != none) || ok && got != want {
			t.Errorf("%s: %q, want %q", rules, got, want)
		}
		if _, ok := AltersAdmission("shop", []rbacv1.PolicyRule{rule(rules)}); ok {
			t.Errorf("%s, in a namespace: it grants nothing of what is in none", rules)
		}
	}
}
