package cluster

import (
	"net/http"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// The question about a binding is about its role's first rule that can be asked about, whatever a server sends.
func TestProbe(t *testing.T) {
	get := []string{"get"}
	core := []string{""}
	for _, c := range []struct {
		name  string
		rules []rbacv1.PolicyRule
		wide  bool
		want  string
	}{
		{name: "no rules"},
		{name: "empty rule", rules: []rbacv1.PolicyRule{{}}},
		{name: "no verbs", rules: []rbacv1.PolicyRule{{APIGroups: core, Resources: []string{"pods"}}}},
		{name: "no groups", rules: []rbacv1.PolicyRule{{Verbs: get, Resources: []string{"pods"}}}},
		{name: "no verbs for a path", wide: true, rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/healthz"}}}},
		{name: "the next one", rules: []rbacv1.PolicyRule{{Verbs: get, Resources: []string{"pods"}}, {Verbs: get, APIGroups: core, Resources: []string{"services"}}},
			want: "get services -n shop"},
		{name: "a path and resources without a group", wide: true,
			rules: []rbacv1.PolicyRule{{Verbs: get, Resources: []string{"pods"}, NonResourceURLs: []string{"/healthz"}}}},
		{name: "a whole resource before a part", rules: []rbacv1.PolicyRule{
			{Verbs: get, APIGroups: core, Resources: []string{"pods/log"}}, {Verbs: get, APIGroups: core, Resources: []string{"pods"}}}, want: "get pods -n shop"},
		{name: "a path", wide: true, rules: []rbacv1.PolicyRule{{Verbs: get, NonResourceURLs: []string{"/healthz"}}}, want: "get /healthz"},
		{name: "a path in a namespace", rules: []rbacv1.PolicyRule{{Verbs: get, NonResourceURLs: []string{"/healthz"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				answer(w, rbacv1.ClusterRole{TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"}, Rules: c.rules}, nil)
			}))
			b := plan.Binding{Namespace: "shop", RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: "x"}}
			if c.wide {
				b.Namespace = ""
			}
			probe, ok, err := client.Probe(t.Context(), b)
			if err != nil || ok != (c.want != "") {
				t.Fatalf("%v, %v; want %q", ok, err, c.want)
			}
			if !ok {
				return
			}
			if got := probe.String(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if (probe.resource() == nil) == (probe.nonResource() == nil) {
				t.Error("it asks for neither or for both")
			}
		})
	}
}
