package cluster

import (
	"context"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// Approvers finds who may approve requests for client certificates, by the whole lists of ClusterRoleBindings and of ClusterRoles:
// however many there are, roles are not asked for one by one.
func (c *Client) Approvers(ctx context.Context) ([]plan.Approver, error) {
	var bindings []plan.Held
	err := c.eachClusterRoleBinding(ctx, metav1.ListOptions{}, func(b plan.Binding, set string) {
		bindings = append(bindings, plan.Held{Binding: b, Set: b.SetOf(set)})
	})
	if err != nil {
		return nil, err
	}
	roles, err := c.roles(ctx, "ClusterRole", metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	rules := plan.Rules{Of: map[plan.ObjectKey][]rbacv1.PolicyRule{}}
	for _, r := range roles {
		rules.Of[r.Key()] = r.Rules
	}
	return plan.Approvers(bindings, rules, c.subjects()), nil
}

// serviceAccountUser is how the name of a service account as a user begins (staging/src/k8s.io/apiserver/pkg/authentication/serviceaccount).
const serviceAccountUser = "system:serviceaccount:"

// subjects are those that the operator is, or is in, as far as the API server says.
func (c *Client) subjects() []plan.Subject {
	list := plan.Identities(c.username, c.groups)
	if name, is := strings.CutPrefix(c.username, serviceAccountUser); is {
		list = append(list, plan.Subject{Kind: rbacv1.ServiceAccountKind, Name: strings.Replace(name, ":", "/", 1)})
	}
	return list
}
