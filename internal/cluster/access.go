package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"provision/internal/plan"
)

// Access is one binding, ours or anybody's, that grants something to a user or to a group in her certificates.
type Access struct {
	Binding plan.Binding
	Set     string       // the set that owns the binding, "" for a foreign one
	Subject plan.Subject // through whom
	Proof   string       // a question to the API server: "get pods -n x"; "" when the role has no rule to ask about
	Allowed bool         // its answer
}

// proofs are the permissions that Accesses needs.
func proofs() []plan.Permission {
	list := []plan.Permission{{Verb: "create", Group: authorizationv1.GroupName, Resource: "subjectaccessreviews"}}
	for _, resource := range []string{"rolebindings", "clusterrolebindings", "roles", "clusterroles"} {
		p := rbac(resource)
		if p.Verb = "list"; resource == "roles" || resource == "clusterroles" {
			p.Verb = "get"
		}
		list = append(list, p)
	}
	return list
}

// Accesses finds every binding in the cluster that has the user or one of the groups as a subject, and asks the API
// server, as a SubjectAccessReview for that user and groups, about the first thing that its role allows. Groups that
// everybody has are not looked for.
func (c *Client) Accesses(ctx context.Context, user string, groups []string) ([]Access, error) {
	who := map[plan.Subject]bool{{Kind: rbacv1.UserKind, Name: user}: true}
	for _, g := range groups {
		who[plan.Subject{Kind: rbacv1.GroupKind, Name: g}] = true
	}
	found, err := c.bindingsOf(ctx, who)
	if err != nil {
		return nil, c.lacks(ctx, err, proofs())
	}
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(parallelReviews)
	for i := range found {
		g.Go(func() error { return c.prove(each, &found[i], user, groups) })
	}
	if err := g.Wait(); err != nil {
		return nil, c.lacks(ctx, err, proofs())
	}
	return found, nil
}

// GrantedElsewhere finds the bindings outside a set that have one of the subjects, by subject. It reads every binding in
// the cluster.
func (c *Client) GrantedElsewhere(ctx context.Context, set string, who map[plan.Subject]bool) (map[plan.Subject][]plan.Binding, error) {
	found, err := c.bindingsOf(ctx, who)
	if err != nil {
		return nil, err
	}
	by := map[plan.Subject][]plan.Binding{}
	for _, a := range found {
		if a.Set != set {
			by[a.Subject] = append(by[a.Subject], a.Binding)
		}
	}
	return by, nil
}

// AllPowerful picks the bindings to roles that allow everything, or to take everything. It asks once for each role; of those
// that the operator may not read only cluster-admin is known.
func (c *Client) AllPowerful(ctx context.Context, bindings []plan.Binding) ([]plan.Binding, error) {
	type role struct {
		plan.ObjectKey
		kind string
	}
	of := func(b plan.Binding) role { return role{b.Role(), b.RoleRef.Kind} }
	roles := map[role]int{}
	for _, b := range bindings {
		if _, ok := roles[of(b)]; !ok {
			roles[of(b)] = len(roles)
		}
	}
	rules := make([][]rbacv1.PolicyRule, len(roles))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelReviews)
	for r, i := range roles {
		g.Go(func() (err error) {
			rules[i], err = c.rules(ctx, r.Namespace, plan.RoleRef{Kind: r.kind, Name: r.Name})
			if _, refused := errors.AsType[*PermissionError](err); refused || errors.Is(err, ErrRoleMissing) {
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(bindings), func(b plan.Binding) bool {
		return b.RoleRef != plan.ClusterAdminRole && !plan.PowerfulIn(b.Namespace, rules[roles[of(b)]])
	}), nil
}

// bindingsOf lists every binding in the cluster that has one of the subjects.
func (c *Client) bindingsOf(ctx context.Context, who map[plan.Subject]bool) ([]Access, error) {
	var found []Access
	note := func(m *metav1.ObjectMeta, ref rbacv1.RoleRef, subjects []rbacv1.Subject) {
		b := binding(m, ref, subjects)
		for _, s := range b.Subjects {
			if who[s] {
				found = append(found, Access{Binding: b, Set: b.SetOf(m.Labels[plan.SetLabel]), Subject: s})
			}
		}
	}
	err := c.all(ctx, metav1.ListOptions{}, rbac("clusterrolebindings"),
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.kube.RbacV1().ClusterRoleBindings().List(ctx, o)
		},
		func(obj runtime.Object) error {
			b := obj.(*rbacv1.ClusterRoleBinding)
			note(&b.ObjectMeta, b.RoleRef, b.Subjects)
			return nil
		})
	if err != nil {
		return nil, err
	}
	err = c.all(ctx, metav1.ListOptions{}, rbac("rolebindings"),
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.kube.RbacV1().RoleBindings("").List(ctx, o)
		},
		func(obj runtime.Object) error {
			b := obj.(*rbacv1.RoleBinding)
			note(&b.ObjectMeta, b.RoleRef, b.Subjects)
			return nil
		})
	return found, err
}

// prove asks about the first thing that a binding's role allows.
func (c *Client) prove(ctx context.Context, a *Access, user string, groups []string) error {
	probe, ok, err := c.Probe(ctx, a.Binding)
	if errors.Is(err, ErrRoleMissing) || err == nil && !ok {
		return nil // a binding to nothing grants nothing
	}
	if err != nil {
		return err
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user, Groups: append(slices.Clone(groups), "system:authenticated"),
		ResourceAttributes: probe.resource(), NonResourceAttributes: probe.nonResource(),
	}}
	answer, err := c.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if apierrors.IsForbidden(err) {
		return c.permission(err, plan.Permission{Verb: "create", Group: authorizationv1.GroupName, Resource: "subjectaccessreviews"}, "ask what "+user+" may do")
	}
	if err != nil {
		return fmt.Errorf("ask what %s may do: %w", user, err)
	}
	a.Proof, a.Allowed = probe.String(), answer.Status.Allowed
	return nil
}
