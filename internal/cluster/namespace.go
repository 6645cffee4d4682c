package cluster

import (
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// NamespaceError reports that the ledger's namespace is not there and cannot be created.
type NamespaceError struct {
	Namespace string
	Err       error
}

// Error says it in words.
func (e *NamespaceError) Error() string {
	return "create namespace/" + e.Namespace + " for the ledger: " + e.Err.Error()
}

// Unwrap returns the API server's refusal.
func (e *NamespaceError) Unwrap() error { return e.Err }

// CreateLedgerNamespace makes the namespace for ledgers, unless it is there. The error is a NamespaceError where the
// operator may create namespaces and the cluster does not want this one.
func (c *Client) CreateLedgerNamespace(ctx context.Context, namespace string) error {
	namespaces := resource[*corev1.Namespace]{c, c.kube.core.Namespaces(), plan.Permission{Resource: "namespaces"}}
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{managedBy: "provision"}}}
	_, err := namespaces.create(ctx, object)
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil
	}
	err = c.permission(ctx, err, namespaces.may("create"), "create namespace/"+namespace+" for the ledger")
	if !isPermissionError(err) && Refused(err) {
		return &NamespaceError{namespace, errors.Unwrap(err)}
	}
	return err
}

// CreateNamespace makes a namespace that a set's file refers to, unless it is there by now: whose it is does not matter. It carries the
// set's label and no other of ours, by which a ledger's namespace is known.
func (c *Client) CreateNamespace(ctx context.Context, set, name string) error {
	namespaces := resource[*corev1.Namespace]{c, c.kube.core.Namespaces(), plan.Permission{Resource: "namespaces"}}
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{plan.SetLabel: set}}}
	_, err := namespaces.create(ctx, object)
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return c.permission(ctx, err, namespaces.may("create"), "create namespace/"+name)
}

// namespaceExists reports whether a namespace is there. The error is the API server's answer, as it came.
func (c *Client) namespaceExists(ctx context.Context, namespace string) (bool, error) {
	_, err := c.kube.core.Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// NamespaceMissing reports whether a namespace is known not to be there.
func (c *Client) NamespaceMissing(ctx context.Context, namespace string) bool {
	there, err := c.namespaceExists(ctx, namespace)
	return err == nil && !there
}

// MadeForLedgers picks those of some namespaces that provision made for a ledger, sorted. The namespace's own label tells:
// anybody who may write ConfigMaps in a namespace can put our labels on one of those, but only an administrator labels
// namespaces. The default namespace counts without a label, and is the only one that does where namespaces may not be listed.
func (c *Client) MadeForLedgers(ctx context.Context, among []string) ([]string, error) {
	var ours []string
	err := c.eachName(ctx, corev1.SchemeGroupVersion.WithResource("namespaces"), func(m *metav1.PartialObjectMetadata) {
		if slices.Contains(among, m.Name) && m.Labels[managedBy] == "provision" {
			ours = append(ours, m.Name)
		}
	})
	if isPermissionError(err) {
		ours, err = nil, nil
	}
	if slices.Contains(among, plan.DefaultLedgerNamespace) {
		ours = append(ours, plan.DefaultLedgerNamespace)
	}
	slices.Sort(ours)
	return slices.Compact(ours), err
}
