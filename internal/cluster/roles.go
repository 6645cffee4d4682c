package cluster

import (
	"context"
	"errors"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacv1client "k8s.io/client-go/kubernetes/typed/rbac/v1"

	"provision/internal/plan"
)

// ErrAggregated reports that the rules of a ClusterRole of ours are not ours to set: a controller gathers them, and would
// put back what we write over.
var ErrAggregated = errors.New("somebody gave it an aggregationRule, which decides its rules: take that off or remove the role, then run `provision apply` again")

// roleOf is a role of either scope in the shape of a plan. Its rules are never nil.
func roleOf(o *rbacv1.ClusterRole) plan.Role {
	return plan.Role{
		Namespace: o.Namespace, Name: o.Name, Rules: append([]rbacv1.PolicyRule{}, o.Rules...), Found: found(&o.ObjectMeta),
	}
}

// PutRole creates a Role or ClusterRole of the set, or updates the one that the plan saw; nil: there was none. One that is
// neither what was seen nor what is wanted is ErrEdited.
func (c *Client) PutRole(ctx context.Context, set string, r plan.Role, seen *plan.Role) error {
	if seen == nil {
		seen = &plan.Role{}
	}
	r.UID, r.ResourceVersion = seen.UID, seen.ResourceVersion
	wanted := &rbacv1.ClusterRole{ObjectMeta: meta(set, r.Namespace, r.Name), Rules: r.Rules}
	mark(&wanted.ObjectMeta)
	says := func(o *rbacv1.ClusterRole, rules []rbacv1.PolicyRule) bool {
		return equality.Semantic.DeepEqual(o.Rules, rules)
	}
	return c.roleWriter(set, r).put(ctx, wanted, content[*rbacv1.ClusterRole]{
		wanted: func(o *rbacv1.ClusterRole) bool { return o.AggregationRule == nil && says(o, r.Rules) },
		seen: func(o *rbacv1.ClusterRole) bool {
			return o.ResourceVersion == seen.ResourceVersion || says(o, seen.Rules)
		},
		set: func(o *rbacv1.ClusterRole) error {
			if o.AggregationRule != nil {
				return ErrAggregated
			}
			o.Rules = r.Rules
			mark(&o.ObjectMeta)
			return nil
		},
	})
}

// DeleteRole deletes a Role or ClusterRole of the set, its rules first where it does not go at once.
func (c *Client) DeleteRole(ctx context.Context, set string, r plan.Role) error {
	return c.roleWriter(set, r).end(ctx, !r.Held(), func(o *rbacv1.ClusterRole) (bool, error) {
		there := len(o.Rules) > 0 || o.AggregationRule != nil
		o.Rules, o.AggregationRule = nil, nil
		return there, nil
	})
}

// roleWriter writes the role of either scope that the plan saw as r; one without a UID is not there yet.
func (c *Client) roleWriter(set string, r plan.Role) writer[*rbacv1.ClusterRole] {
	w := writer[*rbacv1.ClusterRole]{object: r.Object(), set: set, uid: r.UID, version: r.ResourceVersion}
	w.resource = resource[*rbacv1.ClusterRole]{c, c.kube.rbac.ClusterRoles(), rbac("clusterroles")}
	if r.Namespace != "" {
		w.calls, w.need = namespacedRoles{c.kube.rbac.Roles(r.Namespace)}, scoped("roles", r.Namespace)
	}
	w.grants = escalates(w.need.Resource, r.Namespace, r.Name)
	return w
}

// namespacedRoles are the Roles of a namespace as ClusterRoles, which have all that a Role has.
type namespacedRoles struct{ rbacv1client.RoleInterface }

// Create is that of Roles.
func (n namespacedRoles) Create(ctx context.Context, r *rbacv1.ClusterRole, o metav1.CreateOptions) (*rbacv1.ClusterRole, error) {
	made, err := n.RoleInterface.Create(ctx, &rbacv1.Role{ObjectMeta: r.ObjectMeta, Rules: r.Rules}, o)
	return clusterRoleOf(made), err
}

// Get is that of Roles.
func (n namespacedRoles) Get(ctx context.Context, name string, o metav1.GetOptions) (*rbacv1.ClusterRole, error) {
	have, err := n.RoleInterface.Get(ctx, name, o)
	return clusterRoleOf(have), err
}

// Update is that of Roles.
func (n namespacedRoles) Update(ctx context.Context, r *rbacv1.ClusterRole, o metav1.UpdateOptions) (*rbacv1.ClusterRole, error) {
	written, err := n.RoleInterface.Update(ctx, &rbacv1.Role{ObjectMeta: r.ObjectMeta, Rules: r.Rules}, o)
	return clusterRoleOf(written), err
}

// clusterRoleOf is a Role as a ClusterRole. client-go returns one also with an error, without anything in it.
func clusterRoleOf(r *rbacv1.Role) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{ObjectMeta: r.ObjectMeta, Rules: r.Rules}
}
