package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"provision/internal/credential"
	"provision/internal/plan"
)

// loginPatience is how long a login is tried again. A kubeconfig that names a server which is not there is an answer,
// too, and must not hold up those of the others.
const loginPatience = 5 * time.Second

// ErrLoginRefused says that the API server does not accept a certificate.
var ErrLoginRefused = errors.New("the API server does not accept the certificate")

// ErrRoleMissing says that a binding refers to a role that is not there: it grants nothing.
var ErrRoleMissing = errors.New("does not exist")

// Login is a session with a user's own credential and nothing of the operator's.
type Login struct {
	kube   *clientset
	http   *http.Client
	server string
}

// LogIn prepares a session as the user of a kubeconfig entry.
func LogIn(e credential.Entry, timeout time.Duration, userAgent string) (*Login, error) {
	if err := checkURLs(e.Server, e.ProxyURL); err != nil {
		return nil, fmt.Errorf("read the kubeconfig's cluster: %w", err)
	}
	config := &rest.Config{
		Host: e.Server, QPS: -1, Timeout: timeout, UserAgent: userAgent, DisableCompression: e.DisableCompression,
		WarningHandler: rest.NoWarnings{},
		TLSClientConfig: rest.TLSClientConfig{
			CAData: e.CertificateAuthorityData, ServerName: e.TLSServerName, Insecure: e.InsecureSkipTLSVerify,
			CertData: e.Certificate, KeyData: e.Key,
		},
		// A name that no server of names answers for would hold a login up for minutes.
		Dial: (&net.Dialer{Timeout: loginPatience, KeepAlive: 30 * time.Second}).DialContext,
		// With a proxy function client-go does not keep the transport for ever: thousands of users log in once each.
		Proxy: proxy(e.ProxyURL),
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, errors.New("the kubeconfig's key and certificate cannot be used together") // err could quote them
	}
	kube, err := newClientsetFor(config, client)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", withoutUser(e.Server), err)
	}
	return &Login{kube, client, withoutUser(e.Server)}, nil
}

// Close closes the connection.
func (l *Login) Close() { l.http.CloseIdleConnections() }

// WhoAmI asks the API server whom it takes the user for. The group system:authenticated, which everybody has, is
// left out; groups are sorted.
func (l *Login) WhoAmI(ctx context.Context) (user string, groups []string, err error) {
	var review *authenticationv1.SelfSubjectReview
	err = retryFor(ctx, loginPatience, func() (err error) {
		review, err = l.kube.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		return err
	})
	if apierrors.IsUnauthorized(err) {
		return "", nil, ErrLoginRefused
	}
	if err != nil && unreachable(err) {
		return "", nil, &UnreachableError{l.server, err}
	}
	if err != nil {
		return "", nil, fmt.Errorf("log in: %w", err)
	}
	groups = slices.DeleteFunc(slices.Clone(review.Status.UserInfo.Groups), func(g string) bool { return g == "system:authenticated" })
	slices.Sort(groups)
	return review.Status.UserInfo.Username, groups, nil
}

// Accepts says whether the API server of c takes a user's certificate.
func (c *Client) Accepts(ctx context.Context, e credential.Entry) (bool, error) {
	at := c.endpoint // the user's own kubeconfig may still name an old server or CA
	e.Server, e.CertificateAuthorityData, e.TLSServerName, e.ProxyURL = at.Server, at.CertificateAuthorityData, at.TLSServerName, at.ProxyURL
	e.InsecureSkipTLSVerify, e.DisableCompression = at.InsecureSkipTLSVerify, at.DisableCompression
	login, err := LogIn(e, c.options.RequestTimeout, c.options.UserAgent)
	if err != nil {
		return false, err
	}
	defer login.Close()
	_, _, err = login.WhoAmI(ctx)
	if errors.Is(err, ErrLoginRefused) {
		return false, nil
	}
	return err == nil, err
}

// Probe is one question whose answer shows that a grant holds.
type Probe struct {
	rule      rbacv1.PolicyRule
	namespace string
}

func (p Probe) String() string {
	what := strings.Join(p.rule.Resources[:min(1, len(p.rule.Resources))], "")
	if len(p.rule.NonResourceURLs) > 0 {
		what = p.rule.NonResourceURLs[0]
	}
	s := p.rule.Verbs[0] + " " + what
	if p.namespace != "" {
		s += " -n " + p.namespace
	}
	return s
}

func (p Probe) resource() *authorizationv1.ResourceAttributes {
	if len(p.rule.NonResourceURLs) > 0 {
		return nil
	}
	resource, subresource, _ := strings.Cut(p.rule.Resources[0], "/")
	a := &authorizationv1.ResourceAttributes{
		Verb: p.rule.Verbs[0], Group: p.rule.APIGroups[0], Resource: resource, Subresource: subresource, Namespace: p.namespace,
	}
	if len(p.rule.ResourceNames) > 0 {
		a.Name = p.rule.ResourceNames[0]
	}
	return a
}

func (p Probe) nonResource() *authorizationv1.NonResourceAttributes {
	if len(p.rule.NonResourceURLs) == 0 {
		return nil
	}
	return &authorizationv1.NonResourceAttributes{Verb: p.rule.Verbs[0], Path: p.rule.NonResourceURLs[0]}
}

// May asks the API server whether the user may do what the probe stands for.
func (l *Login) May(ctx context.Context, p Probe) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: p.resource(), NonResourceAttributes: p.nonResource(),
	}}
	var answer *authorizationv1.SelfSubjectAccessReview
	err := retry(ctx, func() (err error) {
		answer, err = l.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("ask whether the user may %s: %w", p, err)
	}
	return answer.Status.Allowed, nil
}

// rules reads what a role allows, as the cluster has it; ErrRoleMissing when it is not there.
func (c *Client) rules(ctx context.Context, namespace string, ref plan.RoleRef) ([]rbacv1.PolicyRule, error) {
	what, need := describe(ref.Kind, "", ref.Name), scoped("clusterroles", "")
	if ref.Kind == "Role" {
		what, need = describe(ref.Kind, namespace, ref.Name), scoped("roles", namespace)
	}
	need.Verb = "get"
	var rules []rbacv1.PolicyRule
	err := retry(ctx, func() error {
		if ref.Kind == "Role" {
			role, err := c.kube.RbacV1().Roles(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
			if err == nil {
				rules = role.Rules
			}
			return err
		}
		role, err := c.kube.RbacV1().ClusterRoles().Get(ctx, ref.Name, metav1.GetOptions{})
		if err == nil {
			rules = role.Rules
		}
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%s %w", what, ErrRoleMissing)
	}
	if err != nil {
		return nil, c.permission(err, need, "read "+what)
	}
	return rules, nil
}

// Probe finds a question for a binding: the first rule of its role, as the cluster has it. A role without rules
// grants nothing and has none (false).
func (c *Client) Probe(ctx context.Context, b plan.Binding) (Probe, bool, error) {
	rules, err := c.rules(ctx, b.Namespace, b.RoleRef)
	if err != nil {
		return Probe{}, false, err
	}
	var found Probe
	ok := false
	for _, r := range rules {
		// No API server accepts such a rule; one that shows it all the same has not granted anything to ask about.
		if len(r.Verbs) == 0 || len(r.Resources) > 0 && len(r.APIGroups) == 0 {
			continue
		}
		// Non-resource rules count in ClusterRoleBindings only.
		if len(r.Resources) == 0 && (b.Namespace != "" || len(r.NonResourceURLs) == 0) {
			continue
		}
		// A resource itself tells people more than a part of one, such as pods/attach.
		if whole := len(r.Resources) > 0 && !strings.Contains(r.Resources[0], "/"); whole || !ok {
			found, ok = Probe{r, b.Namespace}, true
			if whole {
				break
			}
		}
	}
	return found, ok, nil
}
