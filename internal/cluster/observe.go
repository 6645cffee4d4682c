package cluster

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/pager"

	"provision/internal/credential"
	"provision/internal/plan"
)

// Observe fills the cluster's half of what a plan compares, with a number of requests that does not depend on the
// number of users. The ledger is read last, after the requests and after what files reads beside them: an apply that is
// under way writes it first, so whatever certificate they show stands in it. The other way around, one might be missing.
func (c *Client) Observe(ctx context.Context, desired plan.Desired, files func() error) (plan.Observed, error) {
	var o plan.Observed
	mine := metav1.ListOptions{LabelSelector: plan.SetLabel + "=" + desired.Set}
	var clusterRoles, roles []plan.Role
	var clusterBindings, bindings []plan.Binding
	g, parallel := errgroup.WithContext(ctx)
	g.Go(func() error {
		before, first := errgroup.WithContext(parallel)
		before.Go(files)
		before.Go(func() (err error) { o.Requests, err = c.requests(first, mine); return })
		err := before.Wait()
		if err == nil {
			o.Ledger, o.LedgerProblems, o.LedgerNamespace, err = c.ledger(parallel, desired.LedgerNamespace, desired.Set)
		}
		return err
	})
	g.Go(func() (err error) { clusterRoles, err = c.clusterRoles(parallel, mine); return })
	g.Go(func() (err error) { roles, err = c.roles(parallel, mine); return })
	g.Go(func() (err error) { clusterBindings, err = c.clusterRoleBindings(parallel, mine); return })
	g.Go(func() (err error) { bindings, err = c.roleBindings(parallel, mine); return })
	g.Go(func() (err error) { o.Namespaces, o.RoleOwners, err = c.referenced(parallel, desired); return })
	g.Go(func() (err error) { o.BindingOwners, err = c.bindingOwners(parallel, desired.Set); return })
	g.Go(func() (err error) { o.ClientCA, o.ClientCAError, err = c.clientCA(parallel); return })
	if err := g.Wait(); err != nil {
		return o, c.allMissing(ctx, err, desired.LedgerNamespace)
	}
	o.Roles = append(clusterRoles, roles...)
	o.Bindings = append(clusterBindings, bindings...)
	return o, nil
}

// all lists every page.
func (c *Client) all(ctx context.Context, opts metav1.ListOptions, missing plan.Permission, page pager.ListPageFunc, each func(runtime.Object) error) error {
	missing.Verb = "list"
	p := pager.New(page)
	p.PageBufferSize = 1
	if err := p.EachListItem(ctx, opts, each); err != nil {
		return c.permission(err, missing, "list "+missing.Resource)
	}
	return nil
}

func rbac(resource string) plan.Permission {
	return plan.Permission{Group: rbacv1.GroupName, Resource: resource}
}

func (c *Client) requests(ctx context.Context, opts metav1.ListOptions) ([]plan.Request, error) {
	var list []plan.Request
	err := c.all(ctx, opts, plan.Permission{Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.kube.CertificatesV1().CertificateSigningRequests().List(ctx, o)
		},
		func(obj runtime.Object) error {
			list = append(list, c.request(obj.(*certificatesv1.CertificateSigningRequest)))
			return nil
		})
	return list, err
}

// request says what a CertificateSigningRequest claims, and whether it is what this operator would have sent.
func (c *Client) request(r *certificatesv1.CertificateSigningRequest) plan.Request {
	q := plan.Request{Name: r.Name, UID: r.UID, ResourceVersion: r.ResourceVersion}
	q.State, q.Message = stateOf(r)
	if r.Spec.ExpirationSeconds != nil {
		q.Duration = time.Duration(*r.Spec.ExpirationSeconds) * time.Second
	}
	parsed, err := credential.ParseRequest(r.Spec.Request)
	if q.State == plan.Issued {
		if c, err := credential.ParseCertificate(r.Status.Certificate); err == nil && c.KeyHash == parsed.KeyHash {
			q.Certificate = &plan.Certificate{
				User: c.User, Groups: c.Groups, KeyAlgorithm: c.KeyAlgorithm, Duration: q.Duration, KeyHash: c.KeyHash,
				CredentialID: c.CredentialID, Serial: c.Serial, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
			}
		}
	}
	q.User, q.Groups, q.KeyHash = parsed.User, parsed.Groups, parsed.KeyHash
	switch {
	case err != nil:
		q.Mismatch = err.Error()
	case r.Spec.SignerName != plan.SignerName:
		q.Mismatch = "its signer is " + r.Spec.SignerName
	case !slices.Equal(r.Spec.Usages, []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth}):
		q.Mismatch = fmt.Sprintf("its usages are %v", r.Spec.Usages)
	case r.Spec.Username != c.username:
		q.Mismatch, q.OfOther = fmt.Sprintf("it was sent by %q", r.Spec.Username), true
	default:
		q.Conforms = true
	}
	return q
}

func stateOf(r *certificatesv1.CertificateSigningRequest) (plan.RequestState, string) {
	state, message := plan.Pending, ""
	for _, condition := range r.Status.Conditions {
		switch condition.Type {
		case certificatesv1.CertificateDenied:
			return plan.Denied, condition.Reason + ": " + condition.Message
		case certificatesv1.CertificateFailed:
			return plan.Failed, condition.Reason + ": " + condition.Message
		case certificatesv1.CertificateApproved:
			state = plan.Approved
		}
	}
	if len(r.Status.Certificate) > 0 {
		state = plan.Issued
	}
	return state, message
}

func (c *Client) clusterRoles(ctx context.Context, opts metav1.ListOptions) ([]plan.Role, error) {
	var list []plan.Role
	err := c.all(ctx, opts, rbac("clusterroles"),
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.kube.RbacV1().ClusterRoles().List(ctx, o)
		},
		func(obj runtime.Object) error {
			r := obj.(*rbacv1.ClusterRole)
			list = append(list, plan.Role{Name: r.Name, Rules: append([]rbacv1.PolicyRule{}, r.Rules...), UID: r.UID, ResourceVersion: r.ResourceVersion})
			return nil
		})
	return list, err
}

func (c *Client) roles(ctx context.Context, opts metav1.ListOptions) ([]plan.Role, error) {
	var list []plan.Role
	err := c.all(ctx, opts, rbac("roles"),
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.kube.RbacV1().Roles("").List(ctx, o)
		},
		func(obj runtime.Object) error {
			r := obj.(*rbacv1.Role)
			list = append(list, plan.Role{Namespace: r.Namespace, Name: r.Name, Rules: append([]rbacv1.PolicyRule{}, r.Rules...), UID: r.UID, ResourceVersion: r.ResourceVersion})
			return nil
		})
	return list, err
}

func (c *Client) clusterRoleBindings(ctx context.Context, opts metav1.ListOptions) ([]plan.Binding, error) {
	var list []plan.Binding
	err := c.all(ctx, opts, rbac("clusterrolebindings"),
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.kube.RbacV1().ClusterRoleBindings().List(ctx, o)
		},
		func(obj runtime.Object) error {
			b := obj.(*rbacv1.ClusterRoleBinding)
			list = append(list, binding(&b.ObjectMeta, b.RoleRef, b.Subjects))
			return nil
		})
	return list, err
}

func (c *Client) roleBindings(ctx context.Context, opts metav1.ListOptions) ([]plan.Binding, error) {
	var list []plan.Binding
	err := c.all(ctx, opts, rbac("rolebindings"),
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.kube.RbacV1().RoleBindings("").List(ctx, o)
		},
		func(obj runtime.Object) error {
			b := obj.(*rbacv1.RoleBinding)
			list = append(list, binding(&b.ObjectMeta, b.RoleRef, b.Subjects))
			return nil
		})
	return list, err
}

func binding(meta *metav1.ObjectMeta, ref rbacv1.RoleRef, subjects []rbacv1.Subject) plan.Binding {
	b := plan.Binding{
		Namespace: meta.Namespace, Name: meta.Name, UID: meta.UID, ResourceVersion: meta.ResourceVersion,
		RoleRef: plan.RoleRef{Kind: ref.Kind, Name: ref.Name}, Subjects: make([]plan.Subject, 0, len(subjects)),
	}
	for _, s := range subjects {
		name := s.Name
		if s.Kind == rbacv1.ServiceAccountKind { // never ours: somebody added it, and the plan will show it going
			name = s.Namespace + "/" + s.Name
		}
		b.Subjects = append(b.Subjects, plan.Subject{Kind: s.Kind, Name: name})
	}
	return b
}

// referenced reads which of the namespaces and roles exist that the file refers to or would create. Metadata only,
// and only the kinds that are needed.
func (c *Client) referenced(ctx context.Context, desired plan.Desired) (map[string]bool, map[plan.ObjectKey]string, error) {
	kinds := map[string]bool{}
	for _, r := range desired.References {
		kinds[r.Kind] = true
	}
	for _, r := range desired.Roles {
		kinds[r.Kind()] = true
	}
	namespaces := map[string]bool{}
	owners := map[plan.ObjectKey]string{}
	if kinds["Namespace"] {
		err := c.names(ctx, corev1.SchemeGroupVersion.WithResource("namespaces"), func(m *metav1.PartialObjectMetadata) {
			namespaces[m.Name] = true
		})
		if err != nil {
			return nil, nil, err
		}
	}
	own := func(m *metav1.PartialObjectMetadata) {
		owners[plan.ObjectKey{Namespace: m.Namespace, Name: m.Name}] = m.Labels[plan.SetLabel]
	}
	if kinds["ClusterRole"] {
		if err := c.names(ctx, rbacv1.SchemeGroupVersion.WithResource("clusterroles"), own); err != nil {
			return nil, nil, err
		}
	}
	if kinds["Role"] {
		if err := c.names(ctx, rbacv1.SchemeGroupVersion.WithResource("roles"), own); err != nil {
			return nil, nil, err
		}
	}
	return namespaces, owners, nil
}

// bindingOwners finds every binding with a name of the set, whether it carries the set's label or not: a name that the
// set would create may be taken, and a label may have been taken off.
func (c *Client) bindingOwners(ctx context.Context, set string) (map[plan.ObjectKey]string, error) {
	owners := map[plan.ObjectKey]string{}
	prefix := "provision:" + set + ":"
	for _, resource := range []string{"rolebindings", "clusterrolebindings"} {
		err := c.names(ctx, rbacv1.SchemeGroupVersion.WithResource(resource), func(m *metav1.PartialObjectMetadata) {
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

// names lists the metadata of every object of a resource.
func (c *Client) names(ctx context.Context, resource schema.GroupVersionResource, each func(*metav1.PartialObjectMetadata)) error {
	return c.all(ctx, metav1.ListOptions{}, plan.Permission{Group: resource.Group, Resource: resource.Resource},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.meta.Resource(resource).List(ctx, o)
		},
		func(obj runtime.Object) error {
			each(obj.(*metav1.PartialObjectMetadata))
			return nil
		})
}

// clientCAName is the ConfigMap that every API server publishes its client CA in
// (pkg/controlplane/controller/clusterauthenticationtrust).
const clientCAName = "extension-apiserver-authentication"

// clientCA reads what the API server accepts client certificates from. The operator may not be allowed to: then the
// reason is returned in words, not as an error, because all else can go on.
func (c *Client) clientCA(ctx context.Context) ([]*x509.Certificate, string, error) {
	m, err := c.kube.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, clientCAName, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
		return nil, "configmap/" + clientCAName + " -n kube-system: " + err.Error(), nil
	case err != nil:
		return nil, "", fmt.Errorf("read configmap/%s -n kube-system: %w", clientCAName, err)
	}
	var list []*x509.Certificate
	rest := []byte(m.Data["client-ca-file"])
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if ca, err := x509.ParseCertificate(block.Bytes); err == nil {
			list = append(list, ca)
		}
	}
	if len(list) == 0 {
		return nil, "configmap/" + clientCAName + " -n kube-system has no client-ca-file", nil
	}
	return list, "", nil
}
