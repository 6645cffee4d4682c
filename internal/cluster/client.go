// Package cluster makes every call to the API server: it reads what there is, sends and approves requests and follows them
// with one informer, writes grants and the ledger, holds the lock, and asks whether the operator may do what a plan needs.
//
// It decides nothing beyond "is this object ours", and knows neither the users file nor the output directory. The methods of
// Client are safe for concurrent use unless they say otherwise. All that waits ends with its context.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"provision/internal/credential"
	"provision/internal/plan"
)

// Options say how to reach the API server and as whom; empty fields are client-go's defaults.
type Options struct {
	Kubeconfig     string
	Context        string
	As             string
	AsGroups       []string
	RequestTimeout time.Duration // of one request; 0 is none
	UserAgent      string
	// ClusterUID is the UID of the only cluster that may be talked to; "": any.
	ClusterUID string
	// CheckFile refuses a kubeconfig, or a file that one names, which is not to be read: it may have no end. May be nil.
	CheckFile func(path string) error
	// Waiting is called, from any goroutine, when the API server has kept the client waiting for some seconds; may be nil.
	Waiting func(Waiting)
	// Purpose and LedgerNamespaces (those of all sets) make the list of what is missing complete when Open itself is
	// refused: that is before there is a client which could be asked for it.
	Purpose          Purpose
	LedgerNamespaces []string
}

// Client talks to one API server as the operator.
type Client struct {
	kube     *clientset
	watch    *clientset // without a request timeout, which would cut a watch
	meta     metadata.Interface
	own      ownContext
	uid      string
	username string
	groups   []string // of the operator; none where the API server may not be asked
	// certificate is the one with which the operator logs in, if they do. certified is that the API server says so itself.
	certificate plan.BlockedCertificate
	certified   bool
	key         string // the hash of the key of the certificate in the operator's kubeconfig
	options     Options
	dryRun      []string // metav1.DryRunAll: nothing is persisted
	once        bool     // a request that fails is not tried again
	answers     *answers
	clock       *clock
	fence       *fence // of the locks that are held
}

// ErrNoKubeconfig reports that nothing names a cluster: no file, or an empty one, and no service account.
var ErrNoKubeconfig = errors.New("no kubeconfig")

// Open reads the operator's kubeconfig (or, without one, the pod's service account), connects, and asks who the operator is
// and which cluster this is: two requests. Errors that callers tell apart are ErrNoKubeconfig, UnreachableError,
// PermissionError, LoginPluginError and OtherClusterError.
func Open(ctx context.Context, o Options) (*Client, error) {
	config, own, err := readContext(o)
	if err != nil {
		return nil, err
	}
	// The server's priority and fairness is the limit; client-go's own five requests a second are not.
	config.QPS = -1
	config.UserAgent = o.UserAgent
	// Warnings of the API server would stand in the middle of a progress bar, once per request.
	config.WarningHandler = rest.NoWarnings{}

	c := &Client{options: o, answers: newAnswers(), own: own, clock: &clock{}, fence: &fence{}}
	c.certificate, c.key = ownCertificate(config)
	config.Wrap(c.clock.wrap)
	if own.plugin != "" && config.ExecProvider != nil {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return refusing{next} })
	}
	way := newRoute(config, own, o)
	if c.watch, _, err = newClientset(config, way); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", config.Host, err)
	}
	limited := rest.CopyConfig(config)
	limited.Timeout = o.RequestTimeout
	limited.Wrap(func(next http.RoundTripper) http.RoundTripper { return fenced{next, c.fence} })
	var client *http.Client
	if c.kube, client, err = newClientset(limited, way); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", config.Host, err)
	}
	if c.meta, err = metadata.NewForConfigAndClient(limited, client); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", config.Host, err)
	}
	if err := c.identify(ctx); err != nil {
		if apierrors.IsUnauthorized(err) {
			err = fmt.Errorf("%w: %s", err, refusedLogin(config, c.ServerTime()))
		}
		return nil, err
	}
	return c, nil
}

// refusedLogin says what may be wrong with the operator's own credential.
func refusedLogin(config *rest.Config, now time.Time) string {
	config = rest.CopyConfig(config)
	if rest.LoadTLSFiles(config) == nil && len(config.CertData) > 0 {
		if c, err := credential.ParseCertificate(config.CertData); err == nil && !now.Before(c.NotAfter) {
			return "your own certificate ended " + c.NotAfter.UTC().Format("2006-01-02 15:04 UTC")
		}
	}
	return "the API server does not accept your own credential, which is that of the context in your kubeconfig"
}

// ownCertificate is the certificate in the operator's own context, if there is one, and the hash of its key: of somebody who acts as
// another user the API server does not tell it.
func ownCertificate(config *rest.Config) (certificate plan.BlockedCertificate, key string) {
	config = rest.CopyConfig(config)
	if rest.LoadTLSFiles(config) != nil || len(config.CertData) == 0 {
		return certificate, ""
	}
	c, err := credential.ParseCertificate(config.CertData)
	if err != nil {
		return certificate, ""
	}
	fingerprint, _ := plan.Fingerprint(c.CredentialID)
	return plan.BlockedCertificate{User: c.User, Fingerprint: fingerprint}, c.KeyHash
}

// OperatorKey is the hash of the key with which the operator logs in, "" if that is not by a certificate of their kubeconfig.
func (c *Client) OperatorKey() string { return c.key }

var uid = regexp.MustCompile(`^[0-9A-Za-z-]{8,64}$`)

// identify asks who we are and which cluster this is.
func (c *Client) identify(ctx context.Context) error {
	review, err := c.kube.authentication.SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil && unreachable(err) {
		return c.unreachable(err)
	}
	if failure, ok := errors.AsType[*LoginPluginError](err); ok {
		return failure
	}
	if user, ok := forbiddenUser(err); ok && user != anonymous {
		c.username = user
		return c.AllMissing(ctx, c.permission(ctx, err, selfReview, "ask who you are"), c.options.LedgerNamespaces...)
	}
	if err != nil {
		return fmt.Errorf("log in to %s: %w", c.own.Endpoint.Server, unserved(c.own.Endpoint.Server, err))
	}
	c.username, c.groups = review.Status.UserInfo.Username, review.Status.UserInfo.Groups
	extra := map[string][]string{}
	for key, values := range review.Status.UserInfo.Extra {
		extra[key] = values
	}
	if id := certificateID(extra); id != "" {
		c.certificate, c.certified = plan.BlockedCertificate{User: c.username, Fingerprint: id}, true
	}
	// The UID of kube-system is what the field takes as a cluster's identity: servers, CAs and names change.
	system, err := c.kube.core.Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		err = c.permission(ctx, err, plan.Permission{Verb: "get", Resource: "namespaces", Name: metav1.NamespaceSystem},
			"read namespace/kube-system, whose UID identifies the cluster")
		return c.AllMissing(ctx, err, c.options.LedgerNamespaces...)
	}
	c.uid = string(system.UID)
	// It becomes part of file names, and a server is not trusted with those.
	if !uid.MatchString(c.uid) {
		return fmt.Errorf("namespace/kube-system has the UID %q, which is not one: is %s an API server?", c.uid, c.own.Endpoint.Server)
	}
	if want := c.options.ClusterUID; want != "" && want != c.uid {
		return &OtherClusterError{Server: c.own.Endpoint.Server, Want: want, UID: c.uid}
	}
	return nil
}

// unreachable is the failure to reach the API server on the operator's own way.
func (c *Client) unreachable(err error) *UnreachableError {
	at := c.own.Endpoint.Server
	return &UnreachableError{Server: at, Proxy: c.own.proxy.of(at), Trusts: c.own.trusts, Err: err}
}

// OtherClusterError reports that the context leads to another cluster than the one that was asked for.
type OtherClusterError struct {
	Server    string
	Want, UID string
}

// Error says it in words.
func (e *OtherClusterError) Error() string {
	return fmt.Sprintf("%s is the cluster %s, and not %s: nothing was read or changed there", e.Server, e.UID, e.Want)
}

// DryRun returns a client whose changes the API server checks and does not persist.
func (c *Client) DryRun() *Client {
	dry := *c
	dry.dryRun = []string{metav1.DryRunAll}
	return &dry
}

// Context is what the operator's own context says about the cluster.
func (c *Client) Context() plan.Context { return c.own.Context }

// Endpoint is where the operator's own context leads.
func (c *Client) Endpoint() plan.Endpoint { return c.own.Endpoint }

// UID identifies the cluster: the UID of its kube-system namespace.
func (c *Client) UID() string { return c.uid }

// Username is whom the API server takes the operator for.
func (c *Client) Username() string { return c.username }
