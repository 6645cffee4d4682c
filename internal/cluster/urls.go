package cluster

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// checkURLs refuses URLs that cannot be used without quoting them: they may hold a password.
func checkURLs(server, proxy string) error {
	if server != "" { // client-go itself says that one is missing
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

// withoutUser is a URL without the name and password that may stand before its host.
func withoutUser(raw string) string {
	if !strings.Contains(raw, "@") {
		return raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "the API server"
	}
	u.User = nil
	return u.String()
}

// takeUser takes the name and password out of the server's URL, and sends them with each request as the URL would have done:
// errors and logs quote URLs.
func takeUser(config *rest.Config, server string) string {
	u, err := url.Parse(server)
	if err != nil || u.User == nil {
		return server
	}
	name := u.User.Username()
	password, _ := u.User.Password()
	host, err := url.Parse(config.Host)
	if err != nil {
		return withoutUser(server)
	}
	host.User = nil
	config.Host = host.String()
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return basicAuth{rt, name, password} })
	return withoutUser(server)
}

// basicAuth sends a name and a password with each request.
type basicAuth struct {
	http.RoundTripper
	name, password string
}

// RoundTrip sends one request.
func (b basicAuth) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(b.name, b.password)
	return b.RoundTripper.RoundTrip(r)
}

// WrappedRoundTripper returns the next one.
func (b basicAuth) WrappedRoundTripper() http.RoundTripper { return b.RoundTripper }
