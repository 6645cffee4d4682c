package plan

import (
	"fmt"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// A right leaves something behind where it is bound, and nothing of what a RoleBinding does not grant.
func TestTracesOfABinding(t *testing.T) {
	for _, c := range []struct {
		rule      string
		here, all []TraceCode
	}{
		{"get,list,watch pods,configmaps", nil, nil},
		{"get,list,watch *", []TraceCode{TraceSecrets, TraceExec}, []TraceCode{TraceNodes, TraceSecrets, TraceExec}},
		{"create pods/exec", []TraceCode{TraceExec}, []TraceCode{TraceExec}},
		{"create */token", []TraceCode{TraceToken}, []TraceCode{TraceToken}},
		{"impersonate serviceaccounts", []TraceCode{TraceImpersonate}, []TraceCode{TraceImpersonate}},
		{"impersonate users,groups", nil, []TraceCode{TraceImpersonate}},
		{"impersonate:serviceaccount serviceaccounts authentication.k8s.io", []TraceCode{TraceImpersonate}, []TraceCode{TraceImpersonate}},
		{"impersonate:user-info users authentication.k8s.io", nil, []TraceCode{TraceImpersonate}},
		{"get nodes/proxy", nil, []TraceCode{TraceNodes}},
		{"escalate clusterroles rbac.authorization.k8s.io", nil, []TraceCode{TraceEscalated}},
		{"escalate roles rbac.authorization.k8s.io", []TraceCode{TraceEscalated}, []TraceCode{TraceEscalated}},
		{"bind,create roles,rolebindings rbac.authorization.k8s.io", []TraceCode{TraceEscalated}, []TraceCode{TraceEscalated}},
		{"update roles rbac.authorization.k8s.io", []TraceCode{TraceBound}, []TraceCode{TraceBound}},
		{"create rolebindings rbac.authorization.k8s.io", []TraceCode{TraceBound}, []TraceCode{TraceBound}},
		{"approve signers certificates.k8s.io", nil, []TraceCode{TraceApproved}},
		{"patch validatingadmissionpolicies admissionregistration.k8s.io", nil, []TraceCode{TraceAdmission}},
		{"update apiservices apiregistration.k8s.io", nil, []TraceCode{TraceServers}},
		{"create jobs batch", []TraceCode{TraceWorkloads}, []TraceCode{TraceWorkloads}},
		{"create jobs example.com", nil, nil},
	} {
		for namespace, want := range map[string][]TraceCode{"shop": c.here, "": c.all} {
			b := Binding{Namespace: namespace, Name: "b", RoleRef: RoleRef{Kind: "ClusterRole", Name: "x"}}
			if got := (Rules{Of: map[ObjectKey][]rbacv1.PolicyRule{b.Role(): {rule(c.rule)}}}).Traces(b); !slices.Equal(got, want) {
				t.Errorf("%s, in %q: %v, want %v", c.rule, namespace, got, want)
			}
		}
	}
	other := rule("approve signers certificates.k8s.io")
	other.ResourceNames = []string{"example.com/*"}
	b := Binding{Name: "b", RoleRef: RoleRef{Kind: "ClusterRole", Name: "x"}}
	if got := (Rules{Of: map[ObjectKey][]rbacv1.PolicyRule{b.Role(): {other}}}).Traces(b); got != nil {
		t.Errorf("another signer: %v", got)
	}
	if got := (Rules{Unread: map[ObjectKey]bool{b.Role(): true}}).Traces(b); !slices.Equal(got, []TraceCode{TraceUnknown}) {
		t.Errorf("a role that may not be read: %v", got)
	}
	if got := (Rules{}).Traces(Binding{Name: "b", RoleRef: ClusterAdminRole}); len(got) != len(traces)-1 {
		t.Errorf("cluster-admin: %v", got)
	}
}

// However many people there are, each kind is there once.
func TestTracesTogether(t *testing.T) {
	shared := Binding{Namespace: "shop", Name: "shared", RoleRef: RoleRef{Kind: "ClusterRole", Name: "exec"}}
	alone := Binding{Name: "alone", RoleRef: RoleRef{Kind: "ClusterRole", Name: "secrets"}}
	rules := Rules{Of: map[ObjectKey][]rbacv1.PolicyRule{shared.Role(): {rule("create pods/exec")}, alone.Role(): {rule("get secrets"), rule("create pods/exec")}}}
	had := map[string][]Binding{}
	var users []string
	for i := range 300 {
		users = append(users, fmt.Sprint("u", i))
		had[users[i]] = []Binding{shared, shared}
	}
	had["u7"] = []Binding{alone, shared}
	list := Traces(users, had, rules)
	if len(list) != 2 || list[0].Code != TraceSecrets || !slices.Equal(list[0].Users, []string{"u7"}) || len(list[0].Bindings) != 1 ||
		list[1].Code != TraceExec || !slices.Equal(list[1].Users, users) || len(list[1].Bindings) != 2 {
		t.Errorf("%+v", list)
	}
}
