package cluster

import (
	"context"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/plan"
)

// binding is what a binding of either scope says, in the shape of a plan: with its subjects in the order of the object.
func binding(meta *metav1.ObjectMeta, ref rbacv1.RoleRef, subjects []rbacv1.Subject) plan.Binding {
	b := plan.Binding{
		Namespace: meta.Namespace, Name: meta.Name, Found: found(meta),
		RoleRef: plan.RoleRef{Kind: ref.Kind, Name: ref.Name}, Subjects: make([]plan.Subject, 0, len(subjects)),
	}
	for _, s := range subjects {
		b.Subjects = append(b.Subjects, subjectOf(s))
	}
	return b
}

// bindingOf is binding for a *ClusterRoleBinding or a *RoleBinding.
func bindingOf(o any) plan.Binding {
	if b, ok := o.(*rbacv1.ClusterRoleBinding); ok {
		return binding(&b.ObjectMeta, b.RoleRef, b.Subjects)
	}
	b := o.(*rbacv1.RoleBinding)
	return binding(&b.ObjectMeta, b.RoleRef, b.Subjects)
}

// subjectOf is a subject in the shape of a plan.
func subjectOf(s rbacv1.Subject) plan.Subject {
	name := s.Name
	if s.Kind == rbacv1.ServiceAccountKind { // never ours: somebody added it, and the plan shows that it goes
		name = s.Namespace + "/" + s.Name
	}
	return plan.Subject{Kind: s.Kind, Name: name}
}

func subjectsOf(b plan.Binding) []rbacv1.Subject {
	list := make([]rbacv1.Subject, 0, len(b.Subjects))
	for _, s := range b.Subjects {
		list = append(list, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: s.Kind, Name: s.Name})
	}
	return list
}

// subjectsIn is where a *ClusterRoleBinding or a *RoleBinding has its subjects.
func subjectsIn(o any) *[]rbacv1.Subject {
	if b, ok := o.(*rbacv1.ClusterRoleBinding); ok {
		return &b.Subjects
	}
	return &o.(*rbacv1.RoleBinding).Subjects
}

// sameSubjects reports whether two lists have the same subjects, equally often, in whatever order.
func sameSubjects(a, b []plan.Subject) bool {
	count := map[plan.Subject]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// PutBinding creates a RoleBinding or ClusterRoleBinding of the set, or updates the one that the plan saw; nil: there was
// none. One that is neither what was seen nor what is wanted is ErrEdited, and so is one for another role: our subjects have
// no business there.
func (c *Client) PutBinding(ctx context.Context, set string, b plan.Binding, seen *plan.Binding) error {
	fresh := meta(set, b.Namespace, b.Name, "", "")
	mark(&fresh)
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: b.RoleRef.Kind, Name: b.RoleRef.Name}
	if b.Namespace == "" {
		wanted := &rbacv1.ClusterRoleBinding{ObjectMeta: fresh, RoleRef: ref, Subjects: subjectsOf(b)}
		return putBinding(ctx, c, c.clusterRoleBindingWriter(b), set, wanted, b, seen)
	}
	wanted := &rbacv1.RoleBinding{ObjectMeta: fresh, RoleRef: ref, Subjects: subjectsOf(b)}
	return putBinding(ctx, c, c.roleBindingWriter(b), set, wanted, b, seen)
}

// putBinding is PutBinding for one scope.
func putBinding[T metav1.Object](ctx context.Context, c *Client, w writer[T], set string, wanted T, b plan.Binding, seen *plan.Binding) error {
	var uid types.UID
	var version string
	var before []plan.Subject
	if seen != nil {
		uid, version, before = seen.UID, seen.ResourceVersion, seen.Subjects
	}
	return put(ctx, c, w, set, wanted, uid, content[T]{
		wanted: func(o T) bool {
			is := bindingOf(o)
			return is.RoleRef == b.RoleRef && sameSubjects(is.Subjects, b.Subjects)
		},
		seen: func(o T) bool {
			return o.GetResourceVersion() == version || sameSubjects(bindingOf(o).Subjects, before)
		},
		set: func(o T) error {
			if have := bindingOf(o).RoleRef; have != b.RoleRef {
				return fmt.Errorf("it is there for %s, not for %s: %w", have, b.RoleRef, ErrEdited)
			}
			*subjectsIn(o) = subjectsOf(b)
			mark(o)
			return nil
		},
	})
}

// Withdraw takes some subjects out of a binding of the set, and nothing else: what others have edited in it stays. It
// returns the subjects that it has then; none if it is gone.
func (c *Client) Withdraw(ctx context.Context, set string, b plan.Binding, who []plan.Subject) ([]plan.Subject, error) {
	if b.Namespace == "" {
		return withdraw(ctx, c, c.clusterRoleBindingWriter(b), set, b, who)
	}
	return withdraw(ctx, c, c.roleBindingWriter(b), set, b, who)
}

// withdraw is Withdraw for one scope.
func withdraw[T metav1.Object](ctx context.Context, c *Client, w writer[T], set string, b plan.Binding, who []plan.Subject) ([]plan.Subject, error) {
	have, found, err := take(ctx, c, w, set, b.Name, b.UID, func(o T) (bool, error) {
		subjects := subjectsIn(o)
		n := len(*subjects)
		*subjects = slices.DeleteFunc(slices.Clone(*subjects), func(s rbacv1.Subject) bool { return slices.Contains(who, subjectOf(s)) })
		return len(*subjects) < n, nil
	})
	if err != nil || !found {
		return nil, err
	}
	return bindingOf(have).Subjects, nil
}

// DeleteBinding deletes a RoleBinding or ClusterRoleBinding of the set, its subjects first where it does not go at once. One
// that has subjects, and none of those that the plan saw, is ErrEdited: somebody has come to need it.
func (c *Client) DeleteBinding(ctx context.Context, set string, b plan.Binding) error {
	if b.Namespace == "" {
		return endBinding(ctx, c, c.clusterRoleBindingWriter(b), set, b)
	}
	return endBinding(ctx, c, c.roleBindingWriter(b), set, b)
}

// endBinding is DeleteBinding for one scope.
func endBinding[T metav1.Object](ctx context.Context, c *Client, w writer[T], set string, b plan.Binding) error {
	ours := len(b.Subjects) == 0
	return end(ctx, c, w, set, b.Name, b.UID, b.ResourceVersion, !b.Held(), func(o T) (bool, error) {
		subjects := subjectsIn(o)
		ours = ours || slices.ContainsFunc(*subjects, func(s rbacv1.Subject) bool { return slices.Contains(b.Subjects, subjectOf(s)) })
		if len(*subjects) > 0 && !ours {
			return false, ErrEdited
		}
		there := len(*subjects) > 0
		*subjects = nil
		return there, nil
	})
}

func (c *Client) roleBindingWriter(b plan.Binding) writer[*rbacv1.RoleBinding] {
	api := c.kube.rbac.RoleBindings(b.Namespace)
	return writer[*rbacv1.RoleBinding]{
		what: b.Object().String(), need: scoped("rolebindings", b.Namespace), grants: binds(b),
		create: api.Create, get: api.Get, update: api.Update, delete: api.Delete,
	}
}

func (c *Client) clusterRoleBindingWriter(b plan.Binding) writer[*rbacv1.ClusterRoleBinding] {
	api := c.kube.rbac.ClusterRoleBindings()
	return writer[*rbacv1.ClusterRoleBinding]{
		what: b.Object().String(), need: scoped("clusterrolebindings", ""), grants: binds(b),
		create: api.Create, get: api.Get, update: api.Update, delete: api.Delete,
	}
}
