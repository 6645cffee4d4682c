package cluster

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// ObserveGrants fills in the roles and bindings of a set, what they refer to, and the cluster's client CAs. Each of the three
// Observe methods fills in its own fields of an Observed, so they may be called at once.
func (c *Client) ObserveGrants(ctx context.Context, desired plan.Desired, o *plan.Observed) error {
	mine := labelled(desired.Set)
	var clusterRoles, roles []plan.Role
	var clusterBindings, bindings []plan.Binding
	into := func(list *[]plan.Binding) func(plan.Binding, string) {
		return func(b plan.Binding, _ string) { *list = append(*list, b) }
	}
	g, parallel := errgroup.WithContext(ctx)
	g.Go(func() (err error) { clusterRoles, err = c.roles(parallel, "ClusterRole", mine); return })
	g.Go(func() (err error) { roles, err = c.roles(parallel, "Role", mine); return })
	g.Go(func() error { return c.eachClusterRoleBinding(parallel, mine, into(&clusterBindings)) })
	g.Go(func() error { return c.eachRoleBinding(parallel, mine, into(&bindings)) })
	g.Go(func() error { return c.referenced(parallel, desired, o) })
	g.Go(func() (err error) { o.BindingOwners, err = c.bindingOwners(parallel, desired.Set); return })
	g.Go(func() error { return c.ObserveClientCA(parallel, o) })
	if err := g.Wait(); err != nil {
		return err
	}
	o.Roles = append(clusterRoles, roles...)
	o.Bindings = append(clusterBindings, bindings...)
	var err error
	o.Unlabelled, err = c.unlabelled(ctx, desired.Set, o.BindingOwners)
	return err
}

// ObserveClientCA fills in the cluster's client CAs.
func (c *Client) ObserveClientCA(ctx context.Context, o *plan.Observed) (err error) {
	o.ClientCA, o.FrontProxy, o.ClientCAError, err = c.clientCA(ctx)
	return err
}

// ObserveRequests fills in the CertificateSigningRequests of a set.
func (c *Client) ObserveRequests(ctx context.Context, desired plan.Desired, o *plan.Observed) (err error) {
	o.Requests, err = c.requests(ctx, desired.Set, desired.Leavers...)
	return err
}

// NamespaceLabels reads the labels of all namespaces but those that are being deleted.
func (c *Client) NamespaceLabels(ctx context.Context) (map[string]map[string]string, error) {
	labels := map[string]map[string]string{}
	err := c.eachName(ctx, corev1.SchemeGroupVersion.WithResource("namespaces"), func(m *metav1.PartialObjectMetadata) {
		if m.DeletionTimestamp == nil {
			labels[m.Name] = m.Labels
		}
	})
	return labels, err
}

// referenced reads which of the namespaces and roles exist that the file refers to or would create. Metadata only,
// and only the kinds that are needed.
func (c *Client) referenced(ctx context.Context, desired plan.Desired, o *plan.Observed) error {
	selects := len(desired.Selections) > 0
	kinds := map[string]bool{"Namespace": selects, "Role": desired.SelectsRoles()}
	for _, r := range desired.References {
		kinds[r.Kind] = true
	}
	for _, r := range desired.Roles {
		kinds[r.Kind()] = true
	}
	o.Namespaces, o.RoleOwners = map[string]bool{}, map[plan.ObjectKey]string{}
	if selects {
		o.NamespaceLabels = map[string]map[string]string{}
	}
	if kinds["Namespace"] {
		err := c.eachName(ctx, corev1.SchemeGroupVersion.WithResource("namespaces"), func(m *metav1.PartialObjectMetadata) {
			usable := m.DeletionTimestamp == nil
			if o.Namespaces[m.Name] = usable; usable && selects {
				o.NamespaceLabels[m.Name] = m.Labels
			}
		})
		if err != nil {
			return err
		}
	}
	own := func(m *metav1.PartialObjectMetadata) {
		o.RoleOwners[plan.ObjectKey{Namespace: m.Namespace, Name: m.Name}] = m.Labels[plan.SetLabel]
	}
	if kinds["ClusterRole"] {
		if err := c.eachName(ctx, rbacv1.SchemeGroupVersion.WithResource("clusterroles"), own); err != nil {
			return err
		}
	}
	if kinds["Role"] {
		if err := c.eachName(ctx, rbacv1.SchemeGroupVersion.WithResource("roles"), own); err != nil {
			return err
		}
	}
	return nil
}

// bindingOwners finds every binding with a name of the set, whether it carries the set's label or not: a name that the
// set would create may be taken, and a label may have been taken off.
func (c *Client) bindingOwners(ctx context.Context, set string) (map[plan.ObjectKey]string, error) {
	owners := map[plan.ObjectKey]string{}
	prefix := "provision:" + set + ":"
	for _, resource := range []string{"rolebindings", "clusterrolebindings"} {
		err := c.eachName(ctx, rbacv1.SchemeGroupVersion.WithResource(resource), func(m *metav1.PartialObjectMetadata) {
			if strings.HasPrefix(m.Name, prefix) {
				owners[plan.ObjectKey{Namespace: m.Namespace, Name: m.Name}] = m.Labels[plan.SetLabel]
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return owners, nil
}

// unlabelled reads those of some bindings that do not carry a set's label. As a rule there is none.
func (c *Client) unlabelled(ctx context.Context, set string, owners map[plan.ObjectKey]string) ([]plan.Binding, error) {
	kinds := map[bool]bool{} // whether they are cluster-wide
	for key, owner := range owners {
		if owner != set {
			kinds[key.Namespace == ""] = true
		}
	}
	var list []plan.Binding
	note := func(b plan.Binding, _ string) {
		if owner, named := owners[b.Key()]; named && owner != set {
			list = append(list, b)
		}
	}
	if kinds[true] {
		if err := c.eachClusterRoleBinding(ctx, metav1.ListOptions{}, note); err != nil {
			return nil, err
		}
	}
	if kinds[false] {
		if err := c.eachRoleBinding(ctx, metav1.ListOptions{}, note); err != nil {
			return nil, err
		}
	}
	return list, nil
}
