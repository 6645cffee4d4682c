// Package cluster owns every call to the API server: what there is, requests and their approval, one informer for
// all of them, grants, and the questions whether the operator may do what a plan needs.
//
// It decides nothing beyond "is this object ours", and knows neither the users file nor the output directory.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

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
	// LedgerNamespaces are where the sets keep their ledgers: for the list of what is missing when the first read is
	// refused already.
	LedgerNamespaces []string
}

// Client talks to one API server as the operator.
type Client struct {
	kube     *clientset
	watch    *clientset // without a request timeout, which would cut a watch
	meta     metadata.Interface
	endpoint plan.Endpoint
	uid      string
	username string
	options  Options
	dryRun   []string // metav1.DryRunAll: nothing is persisted
	works    *successes
}

// ErrNoKubeconfig says that nothing names a cluster: no file, or an empty one, and no service account.
var ErrNoKubeconfig = errors.New("no kubeconfig")

// Open reads the operator's kubeconfig (or, without one, the pod's service account), connects, and asks who the
// operator is and which cluster this is.
func Open(ctx context.Context, o Options) (*Client, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
	overrides.AuthInfo.Impersonate = o.As
	overrides.AuthInfo.ImpersonateGroups = o.AsGroups
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	if err := checkContext(loader, o.Context); err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	config, err := loader.ClientConfig()
	if err != nil {
		if clientcmd.IsEmptyConfig(err) {
			return nil, ErrNoKubeconfig
		}
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	// The server's priority and fairness is the limit; client-go's own five requests a second are not.
	config.QPS = -1
	config.UserAgent = o.UserAgent
	// Warnings of the API server would stand in the middle of a progress bar, once per request.
	config.WarningHandler = rest.NoWarnings{}

	c := &Client{options: o, works: &successes{}}
	if c.endpoint, err = endpoint(loader, config, o.Context); err != nil {
		return nil, err
	}
	if c.watch, err = newClientset(config); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", withoutUser(config.Host), err)
	}
	limited := rest.CopyConfig(config)
	limited.Timeout = o.RequestTimeout
	if c.kube, err = newClientset(limited); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", withoutUser(config.Host), err)
	}
	if c.meta, err = metadata.NewForConfig(limited); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", withoutUser(config.Host), err)
	}
	if err := c.identify(ctx); err != nil {
		if apierrors.IsUnauthorized(err) {
			err = fmt.Errorf("%w: %s", err, refusedLogin(config, time.Now()))
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

var uid = regexp.MustCompile(`^[0-9A-Za-z-]{8,64}$`)

// identify asks who we are and which cluster this is.
func (c *Client) identify(ctx context.Context) error {
	review, err := c.kube.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil && unreachable(err) {
		return &UnreachableError{withoutUser(c.endpoint.Server), err}
	}
	if err != nil {
		return fmt.Errorf("log in to %s: %w", withoutUser(c.endpoint.Server), err)
	}
	c.username = review.Status.UserInfo.Username
	// The UID of kube-system is what the field takes as a cluster's identity: servers, CAs and names change.
	system, err := c.kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		err = c.permission(err, plan.Permission{Verb: "get", Resource: "namespaces", Name: metav1.NamespaceSystem},
			"read namespace/kube-system, whose UID identifies the cluster")
		return c.allMissing(ctx, err, c.options.LedgerNamespaces...)
	}
	c.uid = string(system.UID)
	// It becomes part of file names: what a server says is not trusted with that.
	if !uid.MatchString(c.uid) {
		return fmt.Errorf("namespace/kube-system has the UID %q, which is not one: is %s an API server?", c.uid, withoutUser(c.endpoint.Server))
	}
	return nil
}

// DryRun returns a client whose changes the API server checks and does not persist.
func (c *Client) DryRun() *Client {
	dry := *c
	dry.dryRun = []string{metav1.DryRunAll}
	return &dry
}

// Endpoint is what the operator's own context says about the cluster.
func (c *Client) Endpoint() plan.Endpoint { return c.endpoint }

// UID identifies the cluster: the UID of its kube-system namespace.
func (c *Client) UID() string { return c.uid }

// Username is whom the API server takes the operator for.
func (c *Client) Username() string { return c.username }

// endpoint reads what users' kubeconfigs should say from the operator's context. In a pod there is none; then only
// the service account's CA is known, and the users file has to name a server.
func endpoint(loader clientcmd.ClientConfig, config *rest.Config, name string) (plan.Endpoint, error) {
	raw, err := loader.RawConfig()
	if err != nil {
		return plan.Endpoint{}, fmt.Errorf("read kubeconfig: %w", err)
	}
	if name != "" {
		raw.CurrentContext = name
	}
	if raw.Contexts[raw.CurrentContext] == nil { // in a pod
		if err := rest.LoadTLSFiles(config); err != nil {
			return plan.Endpoint{}, fmt.Errorf("read the service account's CA: %w", err)
		}
		return plan.Endpoint{Name: "kubernetes", Server: config.Host, CertificateAuthorityData: config.CAData}, nil
	}
	if err := clientcmdapi.MinifyConfig(&raw); err != nil {
		return plan.Endpoint{}, fmt.Errorf("read kubeconfig: %w", err)
	}
	raw.AuthInfos = nil // the operator's own credentials have no business beyond this point
	for _, context := range raw.Contexts {
		context.AuthInfo = ""
	}
	if err := clientcmdapi.FlattenConfig(&raw); err != nil {
		return plan.Endpoint{}, fmt.Errorf("read kubeconfig: %w", err)
	}
	of := raw.Contexts[raw.CurrentContext]
	cluster := raw.Clusters[of.Cluster]
	if cluster == nil {
		return plan.Endpoint{}, fmt.Errorf("read kubeconfig: context %q names the cluster %q, which is not there", raw.CurrentContext, of.Cluster)
	}
	return plan.Endpoint{
		Name:                     of.Cluster,
		Server:                   cluster.Server,
		CertificateAuthorityData: cluster.CertificateAuthorityData,
		TLSServerName:            cluster.TLSServerName,
		ProxyURL:                 cluster.ProxyURL,
		InsecureSkipTLSVerify:    cluster.InsecureSkipTLSVerify,
		DisableCompression:       cluster.DisableCompression,
	}, nil
}

// checkContext looks at a context before client-go does, which quotes URLs that are wrong, and does not say what there is
// instead of a context that is not.
func checkContext(loader clientcmd.ClientConfig, name string) error {
	raw, err := loader.RawConfig()
	if err != nil {
		return nil // client-go says it better
	}
	if name == "" {
		name = raw.CurrentContext
	}
	of := raw.Contexts[name]
	if there := slices.Sorted(maps.Keys(raw.Contexts)); of == nil && len(there) > 0 {
		if name == "" {
			return fmt.Errorf("it has no current-context: give --context, one of %s", strings.Join(there, ", "))
		}
		return fmt.Errorf("the context %q does not exist: give --context, one of %s", name, strings.Join(there, ", "))
	}
	if of == nil || raw.Clusters[of.Cluster] == nil {
		return nil
	}
	if err := checkURLs(raw.Clusters[of.Cluster].Server, raw.Clusters[of.Cluster].ProxyURL); err != nil {
		return fmt.Errorf("cluster %q: %w", of.Cluster, err)
	}
	return nil
}

// checkURLs refuses URLs that cannot be used without quoting them: they may hold a password.
func checkURLs(server, proxy string) error {
	if server != "" { // else client-go says that it is missing
		if _, _, err := rest.DefaultServerURL(server, "", schema.GroupVersion{}, true); err != nil {
			return errors.New("its server is neither a URL nor a host and a port")
		}
	}
	if proxy == "" {
		return nil
	}
	u, err := url.Parse(proxy)
	if err != nil || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
		return errors.New("its proxy-url is not a URL with http, https or socks5")
	}
	return nil
}

// withoutUser is a server's address without the name and password that may stand before it.
func withoutUser(server string) string {
	if !strings.Contains(server, "@") {
		return server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return "the API server"
	}
	u.User = nil
	return u.String()
}

// proxy is the function that finds the proxy for a request: a fixed one, which checkURLs has seen, or as the environment
// says.
func proxy(fixed string) func(*http.Request) (*url.URL, error) {
	if fixed == "" {
		return http.ProxyFromEnvironment
	}
	u, err := url.Parse(fixed)
	if err != nil {
		err = errors.New("the proxy-url is not a URL") // err quotes it
	}
	return func(*http.Request) (*url.URL, error) { return u, err }
}
