package cluster

import (
	"context"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/pager"

	"provision/internal/plan"
)

// labelled selects what carries the label of a set.
func labelled(set string) metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: plan.SetLabel + "=" + set}
}

// each calls do with every object of a kind, page by page: 500 objects at a time, unless opts has another limit. list is
// the List of the kind's client, need the permission for it without the verb, and T a pointer to what the list is of. do
// runs in the caller's goroutine. The error is one of Client.permission; do may have seen some of the objects then.
func each[L runtime.Object, T any](ctx context.Context, c *Client, need plan.Permission, opts metav1.ListOptions,
	list func(context.Context, metav1.ListOptions) (L, error), do func(T)) error {
	need.Verb = "list"
	pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return list(ctx, o) })
	pages.PageBufferSize = 1 // one page is read ahead, and no more: a page of ledgers may have 20 MiB
	err := pages.EachListItem(ctx, opts, func(item runtime.Object) error {
		do(any(item).(T))
		return nil
	})
	if err != nil {
		return c.permission(ctx, err, need, "list "+need.Resource)
	}
	return nil
}

// eachName calls do with the metadata of every object of a resource, in all namespaces.
func (c *Client) eachName(ctx context.Context, resource schema.GroupVersionResource, do func(*metav1.PartialObjectMetadata)) error {
	need := plan.Permission{Group: resource.Group, Resource: resource.Resource}
	return each(ctx, c, need, metav1.ListOptions{}, c.meta.Resource(resource).List, do)
}

// roles returns the roles of a kind, Role or ClusterRole, in all namespaces.
func (c *Client) roles(ctx context.Context, kind string, opts metav1.ListOptions) (list []plan.Role, err error) {
	if kind == "ClusterRole" {
		err = each(ctx, c, rbac("clusterroles"), opts, c.kube.rbac.ClusterRoles().List, func(r *rbacv1.ClusterRole) {
			list = append(list, roleOf(r))
		})
		return list, err
	}
	err = each(ctx, c, rbac("roles"), opts, c.kube.rbac.Roles(metav1.NamespaceAll).List, func(r *rbacv1.Role) {
		list = append(list, roleOf(clusterRoleOf(r)))
	})
	return list, err
}

// eachClusterRoleBinding calls do with every ClusterRoleBinding, and the set whose label it has ("": none).
func (c *Client) eachClusterRoleBinding(ctx context.Context, opts metav1.ListOptions, do func(b plan.Binding, set string)) error {
	return each(ctx, c, rbac("clusterrolebindings"), opts, c.kube.rbac.ClusterRoleBindings().List, func(b *rbacv1.ClusterRoleBinding) {
		do(bindingOf((*rbacv1.RoleBinding)(b)), b.Labels[plan.SetLabel])
	})
}

// eachRoleBinding is eachClusterRoleBinding for the RoleBindings of all namespaces.
func (c *Client) eachRoleBinding(ctx context.Context, opts metav1.ListOptions, do func(b plan.Binding, set string)) error {
	return each(ctx, c, rbac("rolebindings"), opts, c.kube.rbac.RoleBindings(metav1.NamespaceAll).List, func(b *rbacv1.RoleBinding) {
		do(bindingOf(b), b.Labels[plan.SetLabel])
	})
}
