package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/usersfile"
)

// rule reads "create,get pods,pods/exec apps".
func rule(text string) rbacv1.PolicyRule {
	words := strings.Fields(text)
	groups := []string{""}
	if len(words) == 3 {
		groups = strings.Split(words[2], ",")
	}
	return rbacv1.PolicyRule{Verbs: strings.Split(words[0], ","), Resources: strings.Split(words[1], ","), APIGroups: groups}
}

// What a rule lets its holders take depends on where they are bound to it.
func TestPowerfulIn(t *testing.T) {
	const everywhere, system, cluster, ledger, nowhere = "shop kube-system provision-system *", "kube-system *", "*", "provision-system *", ""
	for _, c := range []struct{ name, rule, where string }{
		{"everything", "* * *", everywhere},
		{"everything in the core", "* *", everywhere},
		{"every verb by name", "get,list,watch,create,update,patch,delete * *", everywhere},
		{"whatever there is of roles", "* clusterroles,clusterrolebindings rbac.authorization.k8s.io", everywhere},
		{"escalate", "update,escalate roles rbac.authorization.k8s.io", everywhere},
		{"bind", "bind clusterroles rbac.authorization.k8s.io", everywhere},
		{"impersonate users", "impersonate users", everywhere},
		{"impersonate users, constrained", "impersonate:user-info users authentication.k8s.io", everywhere},

		{"act as service accounts, as edit may", "impersonate serviceaccounts", system},
		{"act as service accounts, constrained", "impersonate:serviceaccount serviceaccounts authentication.k8s.io", system},
		{"tokens of service accounts", "create serviceaccounts/token", system},
		{"tokens, by any subresource of the name", "create */token", system},
		{"run pods", "create,get pods", system},
		{"change the image of pods", "patch pods", system},
		{"commands in pods", "create pods/exec", system},
		{"commands in pods by a WebSocket", "get pods/exec", system},
		{"attach to pods", "create pods/attach", system},
		{"containers beside others", "update pods/ephemeralcontainers", system},
		{"run deployments", "create deployments apps", system},
		{"change daemonsets", "patch daemonsets apps", system},
		{"change statefulsets", "update statefulsets apps", system},
		{"run jobs", "create jobs batch", system},
		{"run cronjobs", "patch cronjobs batch", system},
		{"read secrets", "list secrets", system},
		{"watch secrets", "watch secrets", system},
		{"patch secrets, which answers with them", "patch secrets", system},
		{"delete all secrets, which answers with them", "deletecollection secrets", system},
		{"delete a secret, which may answer with it", "delete secrets", system},
		{"read everything, as a monitor may", "get,list,watch * *", system},
		{"all of deployments", "* deployments apps", system},

		{"the kubelets", "get nodes/proxy", cluster},
		{"act as any node, constrained", "impersonate:arbitrary-node nodes authentication.k8s.io", cluster},
		{"directories of nodes", "create persistentvolumes", cluster},
		{"see and change every object", "create mutatingwebhookconfigurations admissionregistration.k8s.io", cluster},
		{"see every object", "update validatingwebhookconfigurations admissionregistration.k8s.io", cluster},
		{"change every object", "create mutatingadmissionpolicies,mutatingadmissionpolicybindings admissionregistration.k8s.io", cluster},
		{"refuse every object", "patch validatingadmissionpolicybindings admissionregistration.k8s.io", cluster},
		{"other servers behind the API", "create apiservices apiregistration.k8s.io", cluster},
		{"approve certificates", "approve signers certificates.k8s.io", cluster},

		{"the set's ledger", "update configmaps", ledger},
		{"delete the set's ledger", "delete configmaps", ledger},

		{"read pods, as view may", "get,list,watch pods,pods/log,serviceaccounts,configmaps", nowhere},
		{"bindings of what one has, as admin may", "create,update,delete roles,rolebindings rbac.authorization.k8s.io", nowhere},
		{"forward ports", "create pods/portforward", nowhere},
		{"pods of metrics", "create pods metrics.k8s.io", nowhere},
		{"jobs of others", "create jobs example.com", nowhere},
		{"ask for certificates", "create certificatesigningrequests certificates.k8s.io", nowhere},
		{"make secrets", "create secrets", nowhere},
		{"act as one's own node, as only a pod may", "impersonate:associated-node nodes authentication.k8s.io", nowhere},
		{"what to do as a node, but not whose", "impersonate-on:arbitrary-node:create serviceaccounts/token", nowhere},
		{"what to do as somebody, but not as whom", "impersonate-on:user-info:list,impersonate-on:serviceaccount:get secrets", nowhere},
		{"change nodes", "delete,patch,update nodes", nowhere},
	} {
		for _, namespace := range []string{"shop", "kube-system", "provision-system", ""} {
			name := namespace
			if name == "" {
				name = "*"
			}
			want := slices.Contains(strings.Fields(c.where), name)
			if got := len(PowerfulIn(namespace, "provision-system", []rbacv1.PolicyRule{rule(c.rule)})) > 0; got != want {
				t.Errorf("%s, in %s: %v", c.name, name, got)
			}
		}
	}
	for names, want := range map[string]bool{
		SignerName: true, "kubernetes.io/*": true, "kubernetes.io/kube-apiserver-client-kubelet": true,
		"kubernetes.io/kubelet-serving": false, "example.com/*": false,
	} {
		r := rule("approve signers certificates.k8s.io")
		r.ResourceNames = []string{names}
		if got := len(PowerfulIn("", "", []rbacv1.PolicyRule{r})) > 0; got != want {
			t.Errorf("approve %s: %v", names, got)
		}
	}
}

// A role of the set is judged where it is bound, and only what of it gives the power is told.
func TestPowerfulRolesOfTheSet(t *testing.T) {
	set := usersfile.Set{
		Name: "team", Ledger: usersfile.Ledger{Namespace: "provision-system"},
		Roles: []usersfile.Role{
			{Name: "exec", Rules: []rbacv1.PolicyRule{rule("get pods"), rule("create pods/exec")}},
			{Name: "secrets", Rules: []rbacv1.PolicyRule{rule("get,list secrets")}},
			{Name: "unbound", Rules: []rbacv1.PolicyRule{rule("get nodes/proxy")}},
			{Name: "here", Namespaces: []string{"kube-system", "shop"}, Rules: []rbacv1.PolicyRule{rule("create jobs batch")}},
		},
		Users: []usersfile.User{{Name: "ann", Roles: []usersfile.Grant{
			{ClusterRole: "exec"}, {ClusterRole: "secrets", Namespaces: []string{"shop", "kube-system"}}, {Role: "here", Namespaces: []string{"kube-system", "shop"}},
		}}},
	}
	var got []string
	for _, w := range setWarnings(Expand(set, Context{Name: "ctx"}), Observed{}, nil) {
		if w.Code == PowerfulRole {
			got = append(got, w.Role.String()+" in "+w.Namespace+": "+fmt.Sprint(w.Rules))
		}
	}
	want := []string{
		"ClusterRole/exec in : " + fmt.Sprint([]rbacv1.PolicyRule{rule("create pods/exec")}),
		"ClusterRole/secrets in kube-system: " + fmt.Sprint([]rbacv1.PolicyRule{rule("get,list secrets")}),
		"ClusterRole/unbound in : " + fmt.Sprint([]rbacv1.PolicyRule{rule("get nodes/proxy")}),
		"Role/here in kube-system: " + fmt.Sprint([]rbacv1.PolicyRule{rule("create jobs batch")}),
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}
