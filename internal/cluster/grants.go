package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/plan"
)

// managedBy is Kubernetes' recommended label for the tool that made an object.
const managedBy = "app.kubernetes.io/managed-by"

// ErrForeign says that an object has a name of ours and not our label.
var ErrForeign = errors.New("it is there and is not of this set: rename or remove it")

// ErrEdited says that an object is no longer what the plan was made for.
var ErrEdited = errors.New("somebody has edited it since the plan: run `provision apply` again")

// ErrAggregated says that the rules of a ClusterRole of ours are not ours to set: a controller gathers them, and would
// put back what we write over.
var ErrAggregated = errors.New("somebody gave it an aggregationRule, which decides its rules: take that off or remove the role, then run `provision apply` again")

// object is what roles and bindings of both scopes have in common for writing them.
type object interface {
	metav1.Object
}

// writer holds the calls of one kind of object in one namespace.
type writer[T object] struct {
	what   string // rolebinding/x -n y
	need   plan.Permission
	create func(context.Context, T, metav1.CreateOptions) (T, error)
	get    func(context.Context, string, metav1.GetOptions) (T, error)
	update func(context.Context, T, metav1.UpdateOptions) (T, error)
	delete func(context.Context, string, metav1.DeleteOptions) error
}

// put brings an object to what set says: wanted is what to create where it is missing, planned the UID that it had when
// the change was planned, empty for a new one. An update begins with a read, so that all that is not ours stays: labels
// and annotations of others, finalizers, owners. change makes an object that was read say what set says, or refuses.
// An object that somebody edits at the same time is read again; one without our label is ErrForeign, never adopted.
func put[T object](ctx context.Context, c *Client, w writer[T], set string, wanted T, planned types.UID, change func(T) error) error {
	exists := planned != ""
	for range 8 {
		if !exists {
			err := c.retry(ctx, "create "+w.need.Resource, func() error {
				_, err := w.create(ctx, wanted, metav1.CreateOptions{DryRun: c.dryRun})
				return err
			})
			if err == nil {
				return nil
			}
			if !apierrors.IsAlreadyExists(err) {
				w.need.Verb = "create"
				return c.permission(err, refused(err, w.need), "create "+w.what)
			}
		}
		var have T
		err := c.retry(ctx, "get "+w.need.Resource, func() (err error) {
			have, err = w.get(ctx, wanted.GetName(), metav1.GetOptions{})
			return err
		})
		switch {
		case apierrors.IsNotFound(err):
			exists, planned = false, ""
			continue
		case err != nil:
			w.need.Verb = "get"
			return c.permission(err, w.need, "read "+w.what)
		case have.GetLabels()[plan.SetLabel] != set:
			return ErrForeign
		case planned != "" && have.GetUID() != planned:
			return fmt.Errorf("it was made anew: %w", ErrEdited)
		}
		if err := change(have); err != nil {
			return err
		}
		exists = true
		err = c.retry(ctx, "update "+w.need.Resource, func() error {
			_, err := w.update(ctx, have, metav1.UpdateOptions{DryRun: c.dryRun})
			return err
		})
		if err == nil {
			return nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			w.need.Verb = "update"
			return c.permission(err, refused(err, w.need), "update "+w.what)
		}
	}
	return fmt.Errorf("update %s: somebody keeps editing it", w.what)
}

// remove deletes an object of ours as it was planned: one that was made anew under the same name stays, and so does
// one that was edited since, because its label may be off or somebody else may have come to need it.
func remove[T object](ctx context.Context, c *Client, w writer[T], name string, uid types.UID, version string) error {
	only := &metav1.Preconditions{UID: &uid, ResourceVersion: &version}
	err := c.retry(ctx, "delete "+w.need.Resource, func() error {
		return w.delete(ctx, name, metav1.DeleteOptions{DryRun: c.dryRun, Preconditions: only})
	})
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	if apierrors.IsConflict(err) {
		return ErrEdited
	}
	w.need.Verb = "delete"
	return c.permission(err, w.need, "delete "+w.what)
}

// refused tells a refusal to grant more than one holds from a refusal of the verb itself
// (pkg/registry/rbac/validation/rule.go:ConfirmNoEscalation).
func refused(err error, need plan.Permission) plan.Permission {
	if !strings.Contains(err.Error(), "attempting to grant RBAC permissions not currently held") {
		return need
	}
	if need.Resource == "roles" || need.Resource == "clusterroles" {
		need.Verb = "escalate"
	} else {
		need.Verb = "bind"
	}
	return need
}

func describe(kind, namespace, name string) string {
	s := strings.ToLower(kind) + "/" + name
	if namespace != "" {
		s += " -n " + namespace
	}
	return s
}

func meta(set, namespace, name string, uid types.UID, version string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: uid, ResourceVersion: version,
		Labels: map[string]string{plan.SetLabel: set, managedBy: "provision"},
	}
}

// PutRole creates or updates a Role or ClusterRole of the set. r.UID is the one that was observed, empty for a new one.
func (c *Client) PutRole(ctx context.Context, set string, r plan.Role) error {
	fresh := meta(set, r.Namespace, r.Name, "", "")
	if r.Namespace == "" {
		wanted := &rbacv1.ClusterRole{ObjectMeta: fresh, Rules: r.Rules}
		return put(ctx, c, c.clusterRoleWriter(r.Name), set, wanted, r.UID, func(o *rbacv1.ClusterRole) error {
			if o.AggregationRule != nil {
				return ErrAggregated
			}
			o.Rules = r.Rules
			return nil
		})
	}
	wanted := &rbacv1.Role{ObjectMeta: fresh, Rules: r.Rules}
	return put(ctx, c, c.roleWriter(r.Namespace, r.Name), set, wanted, r.UID, func(o *rbacv1.Role) error {
		o.Rules = r.Rules
		return nil
	})
}

// DeleteRole deletes a Role or ClusterRole if it still is what was observed, else it is ErrEdited.
func (c *Client) DeleteRole(ctx context.Context, r plan.Role) error {
	if r.Namespace == "" {
		return remove(ctx, c, c.clusterRoleWriter(r.Name), r.Name, r.UID, r.ResourceVersion)
	}
	return remove(ctx, c, c.roleWriter(r.Namespace, r.Name), r.Name, r.UID, r.ResourceVersion)
}

// PutBinding creates or updates a RoleBinding or ClusterRoleBinding of the set. b.UID is the one that was observed,
// empty for a new one. One that is there for another role is ErrEdited: a roleRef cannot be changed, and our subjects
// have no business there.
func (c *Client) PutBinding(ctx context.Context, set string, b plan.Binding) error {
	fresh := meta(set, b.Namespace, b.Name, "", "")
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: b.RoleRef.Kind, Name: b.RoleRef.Name}
	subjects := subjectsOf(b)
	if b.Namespace == "" {
		wanted := &rbacv1.ClusterRoleBinding{ObjectMeta: fresh, RoleRef: ref, Subjects: subjects}
		return put(ctx, c, c.clusterRoleBindingWriter(b.Name), set, wanted, b.UID, func(o *rbacv1.ClusterRoleBinding) error {
			o.Subjects = subjects
			return sameRole(o.RoleRef, b)
		})
	}
	wanted := &rbacv1.RoleBinding{ObjectMeta: fresh, RoleRef: ref, Subjects: subjects}
	return put(ctx, c, c.roleBindingWriter(b.Namespace, b.Name), set, wanted, b.UID, func(o *rbacv1.RoleBinding) error {
		o.Subjects = subjects
		return sameRole(o.RoleRef, b)
	})
}

func sameRole(found rbacv1.RoleRef, b plan.Binding) error {
	if have := (plan.RoleRef{Kind: found.Kind, Name: found.Name}); have != b.RoleRef {
		return fmt.Errorf("it is there for %s, not for %s: %w", have, b.RoleRef, ErrEdited)
	}
	return nil
}

// DeleteBinding deletes a RoleBinding or ClusterRoleBinding if it still is what was observed, else it is ErrEdited.
func (c *Client) DeleteBinding(ctx context.Context, b plan.Binding) error {
	if b.Namespace == "" {
		return remove(ctx, c, c.clusterRoleBindingWriter(b.Name), b.Name, b.UID, b.ResourceVersion)
	}
	return remove(ctx, c, c.roleBindingWriter(b.Namespace, b.Name), b.Name, b.UID, b.ResourceVersion)
}

func subjectsOf(b plan.Binding) []rbacv1.Subject {
	list := make([]rbacv1.Subject, 0, len(b.Subjects))
	for _, s := range b.Subjects {
		list = append(list, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: s.Kind, Name: s.Name})
	}
	return list
}

func (c *Client) roleWriter(namespace, name string) writer[*rbacv1.Role] {
	api := c.kube.RbacV1().Roles(namespace)
	return writer[*rbacv1.Role]{describe("role", namespace, name), scoped("roles", namespace), api.Create, api.Get, api.Update, api.Delete}
}

func (c *Client) clusterRoleWriter(name string) writer[*rbacv1.ClusterRole] {
	api := c.kube.RbacV1().ClusterRoles()
	return writer[*rbacv1.ClusterRole]{describe("clusterrole", "", name), scoped("clusterroles", ""), api.Create, api.Get, api.Update, api.Delete}
}

func (c *Client) roleBindingWriter(namespace, name string) writer[*rbacv1.RoleBinding] {
	api := c.kube.RbacV1().RoleBindings(namespace)
	return writer[*rbacv1.RoleBinding]{describe("rolebinding", namespace, name), scoped("rolebindings", namespace), api.Create, api.Get, api.Update, api.Delete}
}

func (c *Client) clusterRoleBindingWriter(name string) writer[*rbacv1.ClusterRoleBinding] {
	api := c.kube.RbacV1().ClusterRoleBindings()
	return writer[*rbacv1.ClusterRoleBinding]{describe("clusterrolebinding", "", name), scoped("clusterrolebindings", ""), api.Create, api.Get, api.Update, api.Delete}
}

func scoped(resource, namespace string) plan.Permission {
	p := rbac(resource)
	p.Namespace = namespace
	return p
}
