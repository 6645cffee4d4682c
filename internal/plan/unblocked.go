package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

// The rights to act as somebody else: as service accounts in whatever namespace, and as anybody in the whole cluster.
var (
	impersonating = []escalation{
		{corev1.GroupName, []string{"serviceaccounts"}, []string{"impersonate"}},
		{authenticationGroup, []string{"serviceaccounts"}, []string{"impersonate:serviceaccount"}}, // since 1.36
	}
	impersonatingInCluster = []escalation{
		{corev1.GroupName, []string{"users", "groups"}, []string{"impersonate"}},
		{authenticationGroup, []string{"users"}, []string{"impersonate:user-info"}},
		{authenticationGroup, []string{"nodes"}, []string{"impersonate:arbitrary-node"}},
	}
)

// Impersonation is a right to act as somebody else that rules give where they are bound, in a namespace or, with "", in the whole
// cluster: the one that reaches furthest; false: they give none. Admission sees whom somebody acts as, and not who it is.
func Impersonation(namespace string, rules []rbacv1.PolicyRule) (Permission, bool) {
	if namespace == "" {
		if p, ok := firstOf(rules, impersonatingInCluster, ""); ok {
			return p, true
		}
	}
	return firstOf(rules, impersonating, namespace)
}

// alteringAdmission is to change webhooks and policies, of which the API server asks no policy.
var alteringAdmission = []escalation{{admissionGroup, append(slices.Clone(blockResources), "validatingwebhookconfigurations",
	"mutatingwebhookconfigurations", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings"), append([]string{"delete", "deletecollection"}, writing...)}}

// AltersAdmission is a right to change what is asked at admission, a block among it; false: the rules, which are bound in a namespace
// or, with "", in the whole cluster, give none.
func AltersAdmission(namespace string, rules []rbacv1.PolicyRule) (Permission, bool) {
	if namespace != "" {
		return Permission{}, false
	}
	return firstOf(rules, alteringAdmission, "")
}

// firstOf is the first of some rights that rules give, in a namespace.
func firstOf(rules []rbacv1.PolicyRule, rights []escalation, namespace string) (Permission, bool) {
	for _, e := range rights {
		for _, resource := range e.resources {
			for _, verb := range e.verbs {
				for _, r := range rules {
					if !allows(r, e.group, resource, []string{verb}) {
						continue
					}
					p := Permission{Verb: verb, Group: e.group, Resource: resource, Namespace: namespace}
					if len(r.ResourceNames) > 0 {
						p.Name = r.ResourceNames[0]
					}
					return p, true
				}
			}
		}
	}
	return Permission{}, false
}
