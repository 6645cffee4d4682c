package cluster

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// Names returns the namespaces and the ClusterRoles that people may be given something in or of, sorted: those of Kubernetes itself are
// not among them.
func (c *Client) Names(ctx context.Context) (namespaces, clusterRoles []string, err error) {
	err = c.eachName(ctx, corev1.SchemeGroupVersion.WithResource("namespaces"), func(m *metav1.PartialObjectMetadata) {
		if !strings.HasPrefix(m.Name, "kube-") && m.Name != plan.DefaultLedgerNamespace {
			namespaces = append(namespaces, m.Name)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	err = c.eachName(ctx, rbacv1.SchemeGroupVersion.WithResource("clusterroles"), func(m *metav1.PartialObjectMetadata) {
		if !strings.HasPrefix(m.Name, "system:") && !strings.HasPrefix(m.Name, "kubeadm:") && m.Labels[plan.SetLabel] == "" {
			clusterRoles = append(clusterRoles, m.Name)
		}
	})
	slices.Sort(namespaces)
	slices.Sort(clusterRoles)
	return namespaces, clusterRoles, err
}

// ForeignBindings returns every binding that no set has, sorted by scope and name as the API server lists them.
func (c *Client) ForeignBindings(ctx context.Context) ([]plan.Binding, error) {
	var list []plan.Binding
	note := func(b plan.Binding, set string) {
		if b.SetOf(set) == "" {
			list = append(list, b)
		}
	}
	if err := c.eachClusterRoleBinding(ctx, metav1.ListOptions{}, note); err != nil {
		return nil, err
	}
	err := c.eachRoleBinding(ctx, metav1.ListOptions{}, note)
	return list, err
}
