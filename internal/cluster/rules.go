package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// ErrRoleMissing reports that a binding refers to a role that is not there: it grants nothing.
var ErrRoleMissing = errors.New("does not exist")

// Rules are what the role of a binding allows.
func (c *Client) Rules(ctx context.Context, b plan.Binding) ([]rbacv1.PolicyRule, error) {
	return c.rules(ctx, b.Namespace, b.RoleRef)
}

// rules reads what a role allows, as the cluster has it; ErrRoleMissing when it is not there.
func (c *Client) rules(ctx context.Context, namespace string, ref plan.RoleRef) ([]rbacv1.PolicyRule, error) {
	of := plan.Role{Name: ref.Name}
	if ref.Kind == "Role" {
		of.Namespace = namespace
	}
	roles := c.roleWriter("", of)
	var role *rbacv1.ClusterRole
	err := retry(ctx, func() (err error) {
		role, err = roles.calls.Get(ctx, ref.Name, metav1.GetOptions{})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%s %w", roles.object, ErrRoleMissing)
	}
	if err != nil {
		return nil, roles.refused(ctx, "get", err)
	}
	return role.Rules, nil
}

// AllPowerful picks the bindings to roles that allow everything, or to take everything. ledger is the namespace of the
// set's ledger. Of roles that the operator may not read only cluster-admin is known.
func (c *Client) AllPowerful(ctx context.Context, ledger string, bindings []plan.Binding) ([]plan.Binding, error) {
	rules, err := c.RulesOf(ctx, bindings)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(bindings), func(b plan.Binding) bool { return rules.Power(b, ledger) != plan.PowerAdmin }), nil
}

// fewRoles is how many roles of a kind are read one by one. Of more, or where that is refused, all are listed.
const fewRoles = 16

// RulesOf reads what the roles of some bindings allow, each once.
func (c *Client) RulesOf(ctx context.Context, bindings []plan.Binding) (plan.Rules, error) {
	rules := plan.Rules{Of: map[plan.ObjectKey][]rbacv1.PolicyRule{}, Unread: map[plan.ObjectKey]bool{}}
	kinds := map[string]map[plan.ObjectKey]bool{}
	for _, b := range bindings {
		if b.RoleRef == plan.ClusterAdminRole { // known without reading
			continue
		}
		if kinds[b.RoleRef.Kind] == nil {
			kinds[b.RoleRef.Kind] = map[plan.ObjectKey]bool{}
		}
		kinds[b.RoleRef.Kind][b.Role()] = true
	}
	for kind, wanted := range kinds {
		left, err := c.rulesEach(ctx, kind, wanted, rules)
		if err == nil && len(left) > 0 {
			err = c.rulesListed(ctx, kind, left, rules)
		}
		if isPermissionError(err) {
			maps.Copy(rules.Unread, left)
			continue
		}
		if err != nil {
			return rules, err
		}
	}
	return rules, nil
}

// rulesEach reads roles one by one, if they are few. It returns those that it did not read.
func (c *Client) rulesEach(ctx context.Context, kind string, wanted map[plan.ObjectKey]bool, into plan.Rules) (left map[plan.ObjectKey]bool, err error) {
	if len(wanted) > fewRoles {
		return wanted, nil
	}
	keys := slices.Collect(maps.Keys(wanted))
	found, refused := make([][]rbacv1.PolicyRule, len(keys)), make([]bool, len(keys))
	err = atOnce(ctx, len(keys), func(ctx context.Context, i int) (err error) {
		found[i], err = c.rules(ctx, keys[i].Namespace, plan.RoleRef{Kind: kind, Name: keys[i].Name})
		if refused[i] = isPermissionError(err); refused[i] || errors.Is(err, ErrRoleMissing) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	left = map[plan.ObjectKey]bool{}
	for i, key := range keys {
		if refused[i] {
			left[key] = true
		} else {
			into.Of[key] = found[i]
		}
	}
	return left, nil
}

// rulesListed reads roles by listing all of their kind.
func (c *Client) rulesListed(ctx context.Context, kind string, wanted map[plan.ObjectKey]bool, into plan.Rules) error {
	all, err := c.roles(ctx, kind, metav1.ListOptions{})
	for _, r := range all {
		if wanted[r.Key()] {
			into.Of[r.Key()] = r.Rules
		}
	}
	return err
}
