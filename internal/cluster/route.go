package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
)

// proxies finds the proxy for a request: a fixed one, which checkURLs has seen, or as the environment says.
type proxies struct {
	fixed string // may hold a password
	where string // where the fixed one is from, in words
}

// find is a proxy function for http.Transport.
func (p proxies) find(r *http.Request) (*url.URL, error) {
	if p.fixed == "" {
		return http.ProxyFromEnvironment(r)
	}
	u, err := url.Parse(p.fixed)
	if err != nil {
		return nil, errors.New("the proxy-url is not a URL") // err quotes it
	}
	return u, nil
}

// of returns the proxy on the way to a server, in words, or "".
func (p proxies) of(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return ""
	}
	proxy, err := p.find(&http.Request{URL: u})
	if err != nil || proxy == nil {
		return ""
	}
	shown := withoutUser(proxy.String())
	if p.fixed != "" {
		return fmt.Sprintf("the proxy %s (%s)", shown, p.where)
	}
	return fmt.Sprintf("the proxy %s (%s in the environment; NO_PROXY=%s goes without it)", shown, strings.ToUpper(u.Scheme)+"_PROXY", u.Hostname())
}

// ProxyError reports that a proxy did not let a request through.
type ProxyError struct {
	Proxy string // in words, with where it is from
	Err   error
}

// Error says it in words.
func (e *ProxyError) Error() string {
	if failure, ok := errors.AsType[*net.OpError](e.Err); ok {
		why := failure.Err
		if inner, ok := errors.AsType[*net.OpError](why); ok { // of the connection to the proxy
			why = inner.Err
		}
		return fmt.Sprintf("%s cannot be used: %v", e.Proxy, why)
	}
	return fmt.Sprintf("%s refuses: %v", e.Proxy, e.Err)
}

// Unwrap returns the failure.
func (e *ProxyError) Unwrap() error { return e.Err }

// byProxy reports whether it is the proxy that failed: net/http says so in the operation, or gives nothing but the text of the
// proxy's status.
func byProxy(err error) bool {
	if failure, ok := errors.AsType[*net.OpError](err); ok {
		return failure.Op == "proxyconnect" || strings.HasPrefix(failure.Op, "socks")
	}
	for code := 300; code < 600; code++ {
		if text := http.StatusText(code); text != "" && err.Error() == text {
			return true
		}
	}
	return false
}

// route is what all requests of the operator pass: it has the login plugin run before a request, and names the proxy and the
// plugin where they fail, instead of the API server. It is safe for concurrent use.
type route struct {
	proxy proxies
	login *login // nil: the credential is at hand
}

// newRoute is the route of the operator's own context.
func newRoute(config *rest.Config, own ownContext, o Options) route {
	r := route{proxy: own.proxy}
	if own.plugin != "" {
		r.login = &login{plugin: own.plugin, timeout: o.RequestTimeout, waiting: o.Waiting, turn: make(chan struct{}, 1)}
		if config.ExecProvider != nil {
			r.login.hint = config.ExecProvider.InstallHint
		}
	}
	return r
}

// over puts the route before a client's own transport. config is what the client was made from. The error is a *LoginPluginError:
// the plugin cannot be prepared.
func (r route) over(client *http.Client, config *rest.Config) error {
	if r.login != nil && config.ExecProvider != nil {
		if err := r.login.prepare(config); err != nil {
			return &LoginPluginError{r.login.plugin, err}
		}
	}
	client.Transport = &routed{r, client.Transport}
	return nil
}

// routed is a transport behind a route.
type routed struct {
	route
	next http.RoundTripper
}

// RoundTrip sends one request, once the login plugin has a credential for it. An answer 401 has the plugin run again, and is returned:
// the caller may send the request again. An error is the plugin's, a *ProxyError, or that of the next transport.
func (r *routed) RoundTrip(request *http.Request) (*http.Response, error) {
	runs := r.login.renewed()
	if r.login != nil {
		ready, err := r.login.ready(request)
		if err != nil {
			return nil, err
		}
		request = ready
	}
	response, err := r.next.RoundTrip(request)
	if err == nil {
		return response, nil
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		return r.login.again(request.Context(), refused.answer, runs)
	}
	if r.login != nil && r.login.blames(err) {
		return nil, r.login.fail(err)
	}
	if proxy := r.proxy.of(request.URL.String()); proxy != "" && byProxy(err) {
		return nil, &ProxyError{proxy, err}
	}
	return nil, err
}

// WrappedRoundTripper returns the transport behind the route.
func (r *routed) WrappedRoundTripper() http.RoundTripper { return r.next }

// CloseIdleConnections closes the connections that no request uses.
func (r *routed) CloseIdleConnections() { utilnet.CloseIdleConnectionsFor(r.next) }
