package plan

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// escalation is a permission by which its holders take more than they were given. Any one of the verbs on any one of the
// resources is enough.
type escalation struct {
	group     string
	resources []string
	verbs     []string
}

var writing = []string{"create", "update", "patch"}

// The escalations, from "RBAC good practices" in the Kubernetes documentation
// (https://kubernetes.io/docs/concepts/security/rbac-good-practices/) and from what was tried on a real control plane.
var (
	// asServiceAccount lets somebody act as service accounts, run something as one, or read what one has. It counts where
	// powerful service accounts are: in kube-system, which has those of the controllers, and in the whole cluster.
	asServiceAccount = []escalation{
		{corev1.GroupName, []string{"serviceaccounts"}, []string{"impersonate"}},
		{authenticationGroup, []string{"serviceaccounts"}, []string{"impersonate:serviceaccount"}}, // since 1.36
		{corev1.GroupName, []string{"serviceaccounts/token"}, []string{"create"}},
		// The image of a pod that runs can be changed. A stream to one is opened with create, and by a WebSocket with get.
		{corev1.GroupName, []string{"pods", "replicationcontrollers"}, writing},
		{corev1.GroupName, []string{"pods/exec", "pods/attach"}, []string{"create", "get"}},
		{corev1.GroupName, []string{"pods/ephemeralcontainers"}, []string{"update", "patch"}},
		{"apps", []string{"deployments", "daemonsets", "statefulsets", "replicasets"}, writing},
		{"batch", []string{"jobs", "cronjobs"}, writing},
		// A patch and a deletion answer with the object, the latter where its dependents go first; as a dry run, too.
		{corev1.GroupName, []string{"secrets"}, []string{"get", "list", "watch", "patch", "delete", "deletecollection"}},
	}
	// ofTheCluster is about resources that are in no namespace: a RoleBinding grants nothing of it.
	ofTheCluster = []escalation{
		{corev1.GroupName, []string{"nodes/proxy"}, []string{"create", "get"}}, // the kubelet runs commands in any pod
		// A node asks for tokens of whatever runs on it. impersonate:associated-node is of service accounts only, and what
		// to do as somebody (impersonate-on:...) says not as whom.
		{authenticationGroup, []string{"nodes"}, []string{"impersonate:arbitrary-node"}}, // since 1.36
		{corev1.GroupName, []string{"persistentvolumes"}, []string{"create"}},            // one may be a directory of a node
		{"admissionregistration.k8s.io", []string{
			"mutatingwebhookconfigurations", "validatingwebhookconfigurations", // they are sent every object
			"mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
			"validatingadmissionpolicies", "validatingadmissionpolicybindings",
		}, writing},
		{"apiregistration.k8s.io", []string{"apiservices"}, writing}, // another server answers in the API server's name
	}
	// ofTheLedger makes somebody the master of what the set knows of certificates.
	ofTheLedger = []escalation{
		{corev1.GroupName, []string{"configmaps"}, []string{"create", "update", "patch", "delete", "deletecollection"}},
	}
)

// PowerfulIn picks the rules by which whoever is bound to them in a namespace ("" is the whole cluster) may do everything,
// or take more than they were given. ledger is the namespace of the set's ledger. Names of resources are not looked at:
// what bears a name today may be another object tomorrow.
func PowerfulIn(namespace, ledger string, rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var found []rbacv1.PolicyRule
	for _, r := range rules {
		cluster := namespace == ""
		if everywhere(r) ||
			(cluster || namespace == metav1.NamespaceSystem) && allowsAny(r, asServiceAccount) ||
			cluster && (allowsAny(r, ofTheCluster) || approvesClients(r)) ||
			(cluster || namespace == ledger) && allowsAny(r, ofTheLedger) {
			found = append(found, r)
		}
	}
	return found
}

// everywhere reports whether a rule allows everything there is, or to take more than one has, in whatever namespace: all
// verbs on all resources, and escalate, bind and impersonate. To impersonate service accounts is not among them: the roles
// edit and admin of every cluster allow that.
func everywhere(r rbacv1.PolicyRule) bool {
	has := func(list []string, some ...string) bool {
		return slices.ContainsFunc(list, func(v string) bool { return slices.Contains(some, v) })
	}
	return has(r.Verbs, "*") && has(r.Resources, "*") ||
		has(r.Verbs, writing...) && has(r.Resources, "*") && has(r.APIGroups, "*", rbacv1.GroupName) ||
		has(r.Verbs, "escalate", "bind") || has(r.Verbs, "*") && has(r.Resources, "roles", "clusterroles") ||
		has(r.Verbs, "impersonate", "impersonate:user-info", "*") && has(r.Resources, "users", "groups", "*")
}

// approvesClients reports whether a rule lets somebody approve requests for client certificates: with the right to update
// their approval, which is often another rule or another role, they make themselves anybody.
func approvesClients(r rbacv1.PolicyRule) bool {
	if !allows(r, certificatesGroup, "signers", []string{"approve"}) {
		return false
	}
	return len(r.ResourceNames) == 0 || slices.ContainsFunc(r.ResourceNames, func(signer string) bool {
		return signer == "kubernetes.io/*" || strings.HasPrefix(signer, SignerName) // the kubelets' is among them
	})
}

func allowsAny(r rbacv1.PolicyRule, list []escalation) bool {
	return slices.ContainsFunc(list, func(e escalation) bool {
		return slices.ContainsFunc(e.resources, func(resource string) bool { return allows(r, e.group, resource, e.verbs) })
	})
}

// allows reports whether a rule allows one of some verbs on a resource, as the API server reads rules
// (pkg/apis/rbac/v1/evaluation_helpers.go).
func allows(r rbacv1.PolicyRule, group, resource string, verbs []string) bool {
	return oneOf(r.APIGroups, group) && holds(r.Resources, resource) && slices.ContainsFunc(verbs, func(v string) bool { return oneOf(r.Verbs, v) })
}
