package cluster

import (
	"context"
	"errors"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/plan"
)

// ErrAggregated reports that the rules of a ClusterRole of ours are not ours to set: a controller gathers them, and would
// put back what we write over.
var ErrAggregated = errors.New("somebody gave it an aggregationRule, which decides its rules: take that off or remove the role, then run `provision apply` again")

// role is a role of either scope in the shape of a plan. Its rules are never nil.
func role(meta *metav1.ObjectMeta, rules []rbacv1.PolicyRule) plan.Role {
	return plan.Role{
		Namespace: meta.Namespace, Name: meta.Name, Rules: append([]rbacv1.PolicyRule{}, rules...), Found: found(meta),
	}
}

// PutRole creates a Role or ClusterRole of the set, or updates the one that the plan saw; nil: there was none. One that is
// neither what was seen nor what is wanted is ErrEdited.
func (c *Client) PutRole(ctx context.Context, set string, r plan.Role, seen *plan.Role) error {
	fresh := meta(set, r.Namespace, r.Name, "", "")
	mark(&fresh)
	if r.Namespace == "" {
		return putRole(ctx, c, c.clusterRoleWriter(r.Name), set, &rbacv1.ClusterRole{ObjectMeta: fresh, Rules: r.Rules}, r, seen)
	}
	return putRole(ctx, c, c.roleWriter(r.Namespace, r.Name), set, &rbacv1.Role{ObjectMeta: fresh, Rules: r.Rules}, r, seen)
}

// putRole is PutRole for one scope.
func putRole[T metav1.Object](ctx context.Context, c *Client, w writer[T], set string, wanted T, r plan.Role, seen *plan.Role) error {
	var uid types.UID
	var version string
	var before []rbacv1.PolicyRule
	if seen != nil {
		uid, version, before = seen.UID, seen.ResourceVersion, seen.Rules
	}
	says := func(o T, rules []rbacv1.PolicyRule) bool { return equality.Semantic.DeepEqual(*rulesOf(o), rules) }
	return put(ctx, c, w, set, wanted, uid, content[T]{
		wanted: func(o T) bool { return aggregation(o) == nil && says(o, r.Rules) },
		seen:   func(o T) bool { return o.GetResourceVersion() == version || says(o, before) },
		set: func(o T) error {
			if aggregation(o) != nil {
				return ErrAggregated
			}
			*rulesOf(o) = r.Rules
			mark(o)
			return nil
		},
	})
}

// DeleteRole deletes a Role or ClusterRole of the set, its rules first where it does not go at once.
func (c *Client) DeleteRole(ctx context.Context, set string, r plan.Role) error {
	if r.Namespace == "" {
		return endRole(ctx, c, c.clusterRoleWriter(r.Name), set, r)
	}
	return endRole(ctx, c, c.roleWriter(r.Namespace, r.Name), set, r)
}

// endRole is DeleteRole for one scope.
func endRole[T metav1.Object](ctx context.Context, c *Client, w writer[T], set string, r plan.Role) error {
	return end(ctx, c, w, set, r.Name, r.UID, r.ResourceVersion, !r.Held(), func(o T) (bool, error) {
		rules := rulesOf(o)
		there := len(*rules) > 0 || aggregation(o) != nil
		*rules = nil
		if cluster, ok := any(o).(*rbacv1.ClusterRole); ok {
			cluster.AggregationRule = nil
		}
		return there, nil
	})
}

// rulesOf is where a *ClusterRole or a *Role has its rules.
func rulesOf(o any) *[]rbacv1.PolicyRule {
	if r, ok := o.(*rbacv1.ClusterRole); ok {
		return &r.Rules
	}
	return &o.(*rbacv1.Role).Rules
}

// aggregation is the rule by which a controller gathers the rules of a ClusterRole, or nil.
func aggregation(o any) *rbacv1.AggregationRule {
	if r, ok := o.(*rbacv1.ClusterRole); ok {
		return r.AggregationRule
	}
	return nil
}

func (c *Client) roleWriter(namespace, name string) writer[*rbacv1.Role] {
	api := c.kube.rbac.Roles(namespace)
	return writer[*rbacv1.Role]{
		what: plan.Object{Kind: "Role", Namespace: namespace, Name: name}.String(),
		need: scoped("roles", namespace), grants: escalates("roles", namespace, name),
		create: api.Create, get: api.Get, update: api.Update, delete: api.Delete,
	}
}

func (c *Client) clusterRoleWriter(name string) writer[*rbacv1.ClusterRole] {
	api := c.kube.rbac.ClusterRoles()
	return writer[*rbacv1.ClusterRole]{
		what: plan.Object{Kind: "ClusterRole", Name: name}.String(), need: scoped("clusterroles", ""), grants: escalates("clusterroles", "", name),
		create: api.Create, get: api.Get, update: api.Update, delete: api.Delete,
	}
}
