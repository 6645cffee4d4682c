package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func permissionTexts(p Plan) []string {
	var list []string
	for _, need := range p.Permissions() {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s/%s %s/%s", need.Verb, need.Group, need.Resource, need.Namespace, need.Name)))
	}
	return list
}

func TestPermissions(t *testing.T) {
	ledger := []string{
		"create /configmaps provision-system/", "get /configmaps provision-system/", "update /configmaps provision-system/",
		"create coordination.k8s.io/leases provision-system/", "get coordination.k8s.io/leases provision-system/", "update coordination.k8s.io/leases provision-system/",
	}
	issue := []string{
		"create certificates.k8s.io/certificatesigningrequests /", "get certificates.k8s.io/certificatesigningrequests /", "watch certificates.k8s.io/certificatesigningrequests /",
		"update certificates.k8s.io/certificatesigningrequests/approval /", "approve certificates.k8s.io/signers /" + SignerName,
	}
	role := Role{Namespace: "shop", Name: "reader"}
	binding := grantTo(people(0, 1))
	wide := Binding{Name: "x", RoleRef: RoleRef{"ClusterRole", "admin"}}
	user := UserChange{Certificate: Change[Certificate]{Op: Keep}, Kubeconfig: Change[Kubeconfig]{Op: Keep}}
	as := func(certificate, kubeconfig Op) UserChange {
		u := user
		u.Certificate.Op, u.Kubeconfig.Op = certificate, kubeconfig
		return u
	}
	for _, c := range []struct {
		name string
		plan Plan
		want []string
		more [][]string
	}{
		{name: "no changes", plan: Plan{Users: []UserChange{user}, Roles: []Change[Role]{{Op: Keep, After: &role}}, Bindings: []Change[Binding]{{Op: Keep, After: &binding}}}},
		{name: "issue", plan: Plan{Users: []UserChange{as(Issue, Write)}}, more: [][]string{ledger, issue}},
		{name: "resume", plan: Plan{Users: []UserChange{as(Resume, Write)}}, more: [][]string{ledger, issue}},
		{name: "rewrite and remove are of files only", plan: Plan{Users: []UserChange{as(Keep, Rewrite), as(Keep, Remove)}}, more: [][]string{ledger}},
		{name: "the ledger's namespace", plan: Plan{Ledger: Ledger{CreateNamespace: true}, Users: []UserChange{as(Keep, Remove)}},
			want: []string{"create /namespaces /"}, more: [][]string{ledger}},
		{name: "create a role", plan: Plan{Roles: []Change[Role]{{Op: Create, After: &role}}}, // the URL of a creation has no name
			want: []string{"create rbac.authorization.k8s.io/roles shop/", "escalate rbac.authorization.k8s.io/roles shop/"}, more: [][]string{ledger}},
		{name: "update a role", plan: Plan{Roles: []Change[Role]{{Op: Update, Before: &role, After: &role}}},
			want: []string{"escalate rbac.authorization.k8s.io/roles shop/reader", "get rbac.authorization.k8s.io/roles shop/", "update rbac.authorization.k8s.io/roles shop/"}, more: [][]string{ledger}},
		{name: "delete a role", plan: Plan{Roles: []Change[Role]{{Op: Delete, Before: &role}}},
			want: []string{"delete rbac.authorization.k8s.io/roles shop/"}, more: [][]string{ledger}},
		{name: "bind a ClusterRole in a namespace", plan: Plan{Bindings: []Change[Binding]{{Op: Create, After: &binding}}},
			want: []string{"bind rbac.authorization.k8s.io/clusterroles shop/edit", "create rbac.authorization.k8s.io/rolebindings shop/"}, more: [][]string{ledger}},
		{name: "bind in the whole cluster", plan: Plan{Bindings: []Change[Binding]{{Op: Update, Before: &wide, After: &wide}}},
			want: []string{"bind rbac.authorization.k8s.io/clusterroles /admin", "get rbac.authorization.k8s.io/clusterrolebindings /", "update rbac.authorization.k8s.io/clusterrolebindings /"}, more: [][]string{ledger}},
		{name: "replace a binding", plan: Plan{Bindings: []Change[Binding]{{Op: Create, Before: &wide, After: &wide}}},
			want: []string{"bind rbac.authorization.k8s.io/clusterroles /admin", "create rbac.authorization.k8s.io/clusterrolebindings /", "delete rbac.authorization.k8s.io/clusterrolebindings /"}, more: [][]string{ledger}},
		{name: "delete a binding", plan: Plan{Bindings: []Change[Binding]{{Op: Delete, Before: &binding}}},
			want: []string{"delete rbac.authorization.k8s.io/rolebindings shop/"}, more: [][]string{ledger}},
		{name: "delete a request", plan: Plan{Requests: []Change[Request]{{Op: Delete}}},
			want: []string{"delete certificates.k8s.io/certificatesigningrequests /"}, more: [][]string{ledger}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.plan.Ledger.Namespace = "provision-system"
			got := permissionTexts(c.plan)
			want := slices.Concat(append(c.more, c.want)...)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

// Rules give back exactly the permissions they were made of.
func TestRulesFor(t *testing.T) {
	need := []Permission{
		{"create", "", "configmaps", "a", ""}, {"get", "", "configmaps", "a", ""},
		{"create", "", "secrets", "a", ""}, {"get", "", "secrets", "a", ""},
		{"get", "", "configmaps", "b", ""},
		{"get", "apps", "configmaps", "a", ""},
		{"bind", rbacGroup, "clusterroles", "", "edit"}, {"bind", rbacGroup, "clusterroles", "", "view"}, {"bind", rbacGroup, "roles", "", "edit"},
	}
	var got []Permission
	rules := RulesFor(need)
	for namespace, list := range rules {
		for _, r := range list {
			for _, verb := range r.Verbs {
				for _, resource := range r.Resources {
					names := r.ResourceNames
					if names == nil {
						names = []string{""}
					}
					for _, name := range names {
						got = append(got, Permission{verb, r.APIGroups[0], resource, namespace, name})
					}
				}
			}
		}
	}
	slices.SortFunc(got, comparePermissions)
	slices.SortFunc(need, comparePermissions)
	if !slices.Equal(got, need) {
		t.Errorf("got  %+v\nwant %+v", got, need)
	}
	if n := len(rules["a"]); n != 2 {
		t.Errorf("namespace a has %d rules, want configmaps and secrets in one: %+v", n, rules["a"])
	}
}

// Who lacks what the ledger and the lock take, or a right elsewhere, can still make a change.
func TestPossible(t *testing.T) {
	here, there := grantTo(people(0, 1)), grantTo(people(0, 1))
	there.Namespace = "elsewhere"
	p := Plan{Bindings: []Change[Binding]{{Op: Delete, Before: &here}, {Op: Delete, Before: &there}}}
	remove := func(namespace string) Permission {
		return Permission{Verb: "delete", Group: rbacGroup, Resource: "rolebindings", Namespace: namespace}
	}
	records := []Permission{{Verb: "update", Resource: "configmaps"}, {Verb: "get", Group: "coordination.k8s.io", Resource: "leases"}}
	for _, c := range []struct {
		name    string
		plan    Plan
		missing []Permission
		want    bool
	}{
		{"no ledger and no lock", p, records, true},
		{"one binding", p, append(records, remove(there.Namespace)), true},
		{"no binding", p, []Permission{remove(here.Namespace), remove(there.Namespace)}, false},
		{"only files", Plan{}, records, false},
	} {
		if got := c.plan.Possible(c.missing); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
