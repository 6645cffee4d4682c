package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacv1client "k8s.io/client-go/kubernetes/typed/rbac/v1"

	"provision/internal/plan"
)

// bindingOf is what a binding of either scope says, in the shape of a plan: with its subjects in the order of the object. Both
// scopes have the same fields.
func bindingOf(o *rbacv1.RoleBinding) plan.Binding {
	b := plan.Binding{
		Namespace: o.Namespace, Name: o.Name, Found: found(&o.ObjectMeta),
		RoleRef: plan.RoleRef{Kind: o.RoleRef.Kind, Name: o.RoleRef.Name}, Subjects: make([]plan.Subject, 0, len(o.Subjects)),
		Ended: plan.ReadEnded(o.Annotations[plan.EndedAnnotation]),
	}
	for _, s := range o.Subjects {
		b.Subjects = append(b.Subjects, subjectOf(s))
	}
	return b
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

// sameSubjects reports whether two lists have the same subjects, equally often, in whatever order.
func sameSubjects(a, b []plan.Subject) bool { return maps.Equal(counted(a), counted(b)) }

func counted(list []plan.Subject) map[plan.Subject]int {
	count := map[plan.Subject]int{}
	for _, s := range list {
		count[s]++
	}
	return count
}

// PutBinding creates a RoleBinding or ClusterRoleBinding of the set, or updates the one that the plan saw; nil: there was
// none. One that is neither what was seen nor what is wanted is ErrEdited, and so is one for another role: our subjects have
// no business there.
func (c *Client) PutBinding(ctx context.Context, set string, b plan.Binding, seen *plan.Binding) error {
	if seen == nil {
		seen = &plan.Binding{}
	}
	b.UID, b.ResourceVersion = seen.UID, seen.ResourceVersion
	wanted := &rbacv1.RoleBinding{
		ObjectMeta: meta(set, b.Namespace, b.Name), Subjects: subjectsOf(b),
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: b.RoleRef.Kind, Name: b.RoleRef.Name},
	}
	mark(&wanted.ObjectMeta)
	markEnded(wanted, b.Ended)
	noted := plan.EndedText(b.Ended, b.Subjects)
	return c.bindingWriter(set, b).put(ctx, wanted, content[*rbacv1.RoleBinding]{
		wanted: func(o *rbacv1.RoleBinding) bool {
			is := bindingOf(o)
			return is.RoleRef == b.RoleRef && sameSubjects(is.Subjects, b.Subjects) && plan.EndedText(is.Ended, is.Subjects) == noted
		},
		seen: func(o *rbacv1.RoleBinding) bool {
			return o.ResourceVersion == seen.ResourceVersion || sameSubjects(bindingOf(o).Subjects, seen.Subjects)
		},
		set: func(o *rbacv1.RoleBinding) error {
			if have := bindingOf(o).RoleRef; have != b.RoleRef {
				return fmt.Errorf("it is there for %s, not for %s: %w", have, b.RoleRef, ErrEdited)
			}
			o.Subjects = subjectsOf(b)
			mark(&o.ObjectMeta)
			markEnded(o, b.Ended)
			return nil
		},
	})
}

// Withdraw takes some subjects out of a binding of the set, and notes in it which groups have ended: what others have edited in it
// stays. It returns the subjects that it has then; none if it is gone.
func (c *Client) Withdraw(ctx context.Context, set string, b plan.Binding, who []plan.Subject, ended []plan.EndedGroup) ([]plan.Subject, error) {
	have, found, err := c.bindingWriter(set, b).take(ctx, func(o *rbacv1.RoleBinding) (bool, error) {
		n := len(o.Subjects)
		o.Subjects = slices.DeleteFunc(o.Subjects, func(s rbacv1.Subject) bool { return slices.Contains(who, subjectOf(s)) })
		if len(o.Subjects) < n && len(ended) > 0 {
			markEnded(o, ended)
		}
		return len(o.Subjects) < n, nil
	})
	if err != nil || !found {
		return nil, err
	}
	return bindingOf(have).Subjects, nil
}

// DeleteBinding deletes a RoleBinding or ClusterRoleBinding of the set, its subjects first where it does not go at once. One
// that has subjects, and none of those that the plan saw, is ErrEdited: somebody has come to need it.
func (c *Client) DeleteBinding(ctx context.Context, set string, b plan.Binding) error {
	ours := len(b.Subjects) == 0
	return c.bindingWriter(set, b).end(ctx, !b.Held(), func(o *rbacv1.RoleBinding) (bool, error) {
		there := len(o.Subjects) > 0
		ours = ours || slices.ContainsFunc(o.Subjects, func(s rbacv1.Subject) bool { return slices.Contains(b.Subjects, subjectOf(s)) })
		if there && !ours {
			return false, ErrEdited
		}
		o.Subjects = nil
		return there, nil
	})
}

// bindingWriter writes the binding of either scope that the plan saw as b; one without a UID is not there yet.
func (c *Client) bindingWriter(set string, b plan.Binding) writer[*rbacv1.RoleBinding] {
	w := writer[*rbacv1.RoleBinding]{object: b.Object(), set: set, uid: b.UID, version: b.ResourceVersion, grants: binds(b)}
	w.resource = resource[*rbacv1.RoleBinding]{c, clusterBindings{c.kube.rbac.ClusterRoleBindings()}, rbac("clusterrolebindings")}
	if b.Namespace != "" {
		w.calls, w.need = c.kube.rbac.RoleBindings(b.Namespace), scoped("rolebindings", b.Namespace)
	}
	return w
}

// clusterBindings are the ClusterRoleBindings as RoleBindings.
type clusterBindings struct {
	rbacv1client.ClusterRoleBindingInterface
}

// Create is that of ClusterRoleBindings.
func (c clusterBindings) Create(ctx context.Context, b *rbacv1.RoleBinding, o metav1.CreateOptions) (*rbacv1.RoleBinding, error) {
	made, err := c.ClusterRoleBindingInterface.Create(ctx, (*rbacv1.ClusterRoleBinding)(b), o)
	return (*rbacv1.RoleBinding)(made), err
}

// Get is that of ClusterRoleBindings.
func (c clusterBindings) Get(ctx context.Context, name string, o metav1.GetOptions) (*rbacv1.RoleBinding, error) {
	have, err := c.ClusterRoleBindingInterface.Get(ctx, name, o)
	return (*rbacv1.RoleBinding)(have), err
}

// Update is that of ClusterRoleBindings.
func (c clusterBindings) Update(ctx context.Context, b *rbacv1.RoleBinding, o metav1.UpdateOptions) (*rbacv1.RoleBinding, error) {
	written, err := c.ClusterRoleBindingInterface.Update(ctx, (*rbacv1.ClusterRoleBinding)(b), o)
	return (*rbacv1.RoleBinding)(written), err
}
