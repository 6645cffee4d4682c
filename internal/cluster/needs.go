package cluster

import (
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/plan"
)

// rbac is a permission on a resource of RBAC, without a verb, in the whole cluster.
func rbac(resource string) plan.Permission {
	return plan.Permission{Group: rbacv1.GroupName, Resource: resource}
}

// scoped is rbac in one namespace.
func scoped(resource, namespace string) plan.Permission {
	p := rbac(resource)
	p.Namespace = namespace
	return p
}

// verbsOn are the permissions for each verb on each resource of RBAC.
func verbsOn(resources []string, verbs ...string) []plan.Permission {
	var list []plan.Permission
	for _, resource := range resources {
		for _, verb := range verbs {
			p := rbac(resource)
			p.Verb = verb
			list = append(list, p)
		}
	}
	return list
}

// selfReview and selfAccess are permissions that everybody has unless the cluster's administrator has taken system:basic-user away.
var (
	selfReview = plan.Permission{Verb: "create", Group: authenticationv1.GroupName, Resource: "selfsubjectreviews"}
	selfAccess = plan.Permission{Verb: "create", Group: authorizationv1.GroupName, Resource: "selfsubjectaccessreviews"}
)

// identifies is the permission to read which cluster this is.
var identifies = plan.Permission{Verb: "get", Resource: "namespaces"}

// requestsNeed is the permission for a verb on CertificateSigningRequests.
func requestsNeed(verb string) plan.Permission {
	return plan.Permission{Verb: verb, Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"}
}

// leasesNeed is the permission for a verb on the Leases in a namespace.
func leasesNeed(verb, namespace string) plan.Permission {
	return plan.Permission{Verb: verb, Group: coordinationv1.GroupName, Resource: "leases", Namespace: namespace}
}

// approvalNeed is one of the two permissions that an approval takes.
var approvalNeed = plan.Permission{Verb: "update", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests/approval"}

// roleReads are the permissions to prove what is granted.
func roleReads() []plan.Permission { return verbsOn([]string{"roles", "clusterroles"}, "get") }

// grantReads are the permissions to find what anybody grants to somebody, and what that is worth.
func grantReads() []plan.Permission {
	return append(verbsOn([]string{"rolebindings", "clusterrolebindings"}, "list"), roleReads()...)
}

// bindingWrites are the permissions for some verbs on bindings of both scopes.
func bindingWrites(verbs ...string) []plan.Permission {
	return verbsOn([]string{"rolebindings", "clusterrolebindings"}, verbs...)
}

// binds is the permission to bind the role of a binding without holding its rules.
func binds(b plan.Binding) plan.Permission {
	p := scoped("clusterroles", b.Namespace)
	if b.RoleRef.Kind == "Role" {
		p.Resource = "roles"
	}
	p.Verb, p.Name = "bind", b.RoleRef.Name
	return p
}

// escalates is the permission to put rules into a role without holding them.
func escalates(resource, namespace, name string) plan.Permission {
	p := scoped(resource, namespace)
	p.Verb, p.Name = "escalate", name
	return p
}
