package cluster

import (
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"provision/internal/plan"
)

// Which webhooks a request may wait for is read as the API server reads it.
func TestConcerns(t *testing.T) {
	rule := func(group, resource string, operations ...admissionv1.OperationType) admissionv1.RuleWithOperations {
		return admissionv1.RuleWithOperations{Operations: operations, Rule: admissionv1.Rule{APIGroups: []string{group}, Resources: []string{resource}}}
	}
	create, update, all := admissionv1.Create, admissionv1.Update, admissionv1.OperationAll
	request, approval := requestsNeed("create"), approvalNeed
	for _, c := range []struct {
		rule admissionv1.RuleWithOperations
		need plan.Permission
		want bool
	}{
		{rule("certificates.k8s.io", "certificatesigningrequests", create), request, true},
		{rule("*", "*", all), request, true},
		{rule("*", "*/*", all), request, true},
		{rule("certificates.k8s.io", "certificatesigningrequests/*", create), request, true},
		{rule("certificates.k8s.io", "certificatesigningrequests", update), request, false},
		{rule("", "certificatesigningrequests", create), request, false},
		{rule("certificates.k8s.io", "certificatesigningrequests/approval", create), request, false},
		{rule("certificates.k8s.io", "certificatesigningrequests/approval", update), approval, true},
		{rule("*", "*/approval", update), approval, true},
		{rule("*", "*", update), approval, false},
		{rule("certificates.k8s.io", "certificatesigningrequests", update), approval, false},
		{rule("rbac.authorization.k8s.io", "rolebindings", create), plan.Permission{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "roles"}, false},
	} {
		if got := concerns(c.rule, c.need); got != c.want {
			t.Errorf("%v and %v: %v", c.rule, c.need, got)
		}
	}
}
