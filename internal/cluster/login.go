package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"

	"provision/internal/credential"
)

// loginPatience is how long a login is tried again. A kubeconfig that names a server which is not there is an answer,
// too, and must not hold up those of the others.
const loginPatience = 5 * time.Second

// ErrLoginRefused reports that the API server does not accept a certificate.
var ErrLoginRefused = errors.New("the API server does not accept the certificate")

// NotArrivedError reports that a client certificate does not reach the API server, so that an answer to a login proves
// nothing about the certificate: something between ends TLS, or the API server takes no client certificates at all.
type NotArrivedError struct {
	Server string
	Sign   string // the observation that shows it, as a sentence: "it asks for no client certificate"
}

// Error says it in words.
func (e *NotArrivedError) Error() string {
	return "the client certificate does not reach the API server through " + e.Server + ": " + e.Sign +
		"; something in between ends TLS (a proxy, a load balancer), or the API server takes no client certificates (--client-ca-file)"
}

// OtherUserError reports that a login succeeds as another user than the certificate names: through a front that logs everybody
// in with an identity of its own.
type OtherUserError struct{ Server, Want, Got string }

// Error says it in words.
func (e *OtherUserError) Error() string {
	return fmt.Sprintf("%s takes %q for %q, which the certificate does not say: something in between logs in by itself", e.Server, e.Want, e.Got)
}

// IsFront reports whether an error of a login shows something between us and the API server that does not pass client
// certificates on.
func IsFront(err error) bool {
	_, lost := errors.AsType[*NotArrivedError](err)
	_, other := errors.AsType[*OtherUserError](err)
	return lost || other
}

// Identity is whom the API server takes a user for.
type Identity struct {
	User string
	// Groups are sorted, without system:authenticated, which everybody has. They are nil unless Reviewed.
	Groups []string
	// Reviewed reports whether the user may ask who they are (create selfsubjectreviews), which a hardened cluster may not
	// allow: then the refusal has named the user, which proves the login as well.
	Reviewed bool
}

// Login is a session with a user's own credential and nothing of the operator's. It is for one goroutine.
type Login struct {
	kube   *clientset
	http   *http.Transport
	server string
	proxy  string                   // on the way, in words; "": none
	user   string                   // as the kubeconfig's owner says
	asked  atomic.Bool              // the server has asked for a client certificate
	takes  atomic.Pointer[[][]byte] // subjects of the CAs that it has then named, DER; often all that it trusts, and sometimes none
}

// LogIn prepares a session as the user of a kubeconfig entry, and sends nothing yet. Its requests have the time that the
// client's own have. The caller must Close it. No error quotes a key or a password.
func (c *Client) LogIn(e credential.Entry) (*Login, error) {
	return LogIn(e, c.options.RequestTimeout, c.options.UserAgent)
}

// LogIn is Client.LogIn without a client, for a person who is no operator: each request has timeout, and none if it is 0.
func LogIn(e credential.Entry, timeout time.Duration, userAgent string) (*Login, error) {
	if e.Server == "" { // client-go would take that for localhost
		return nil, errors.New("the kubeconfig's entry leads to no server: run `provision apply`")
	}
	if err := checkURLs(e.Server, e.ProxyURL); err != nil {
		return nil, fmt.Errorf("read the kubeconfig's cluster: %w", err)
	}
	way := proxies{e.ProxyURL, "proxy-url of the kubeconfig"}
	l := &Login{server: withoutUser(e.Server), proxy: way.of(e.Server), user: e.Owner.User}
	secure, err := rest.TLSConfigFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{
		CAData: e.CertificateAuthorityData, ServerName: e.TLSServerName, Insecure: e.InsecureSkipTLSVerify,
		CertData: e.Certificate, KeyData: e.Key,
	}})
	if err != nil {
		return nil, errors.New("the kubeconfig's key and certificate cannot be used together") // err could quote them
	}
	if secure == nil {
		secure = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	// An API server asks for a client certificate in every handshake. A front that ends TLS does not, whatever it then answers.
	give := secure.GetClientCertificate
	secure.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		l.asked.Store(true)
		l.takes.Store(&r.AcceptableCAs)
		if give == nil {
			return &tls.Certificate{}, nil
		}
		return give(r)
	}
	// A transport of its own: client-go would keep it for ever, and thousands of users log in once each.
	l.http = utilnet.SetTransportDefaults(&http.Transport{
		Proxy:               way.find,
		TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig:     secure,
		// A name that no server of names answers for would hold a login up for minutes.
		DialContext:        (&net.Dialer{Timeout: loginPatience, KeepAlive: 30 * time.Second}).DialContext,
		DisableCompression: e.DisableCompression,
	})
	config := &rest.Config{
		Host: e.Server, QPS: -1, Timeout: timeout, UserAgent: userAgent, WarningHandler: rest.NoWarnings{}, Transport: l.http,
	}
	if l.kube, _, err = newClientset(config, route{proxy: way}); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", l.server, err)
	}
	return l, nil
}

// Close closes the connection.
func (l *Login) Close() { l.http.CloseIdleConnections() }

// WhoAmI asks the API server whom it takes the user for. Nil as an error proves that it accepts the certificate, and takes it
// for that of its own user. ErrLoginRefused, a NotArrivedError, an OtherUserError and an UnreachableError say why not; any
// other error proves nothing.
func (l *Login) WhoAmI(ctx context.Context) (Identity, error) {
	var review *authenticationv1.SelfSubjectReview
	err := retryFor(ctx, loginPatience, func() (err error) {
		review, err = l.kube.authentication.SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		return err
	})
	return l.judge(review, err)
}

// judge reads what an answer to a login proves.
func (l *Login) judge(review *authenticationv1.SelfSubjectReview, err error) (Identity, error) {
	var who Identity
	switch forbidden, named := forbiddenUser(err); {
	case err == nil:
		groups := slices.DeleteFunc(slices.Clone(review.Status.UserInfo.Groups), func(g string) bool { return g == "system:authenticated" })
		slices.Sort(groups)
		who = Identity{User: review.Status.UserInfo.Username, Groups: groups, Reviewed: true}
	case named:
		who.User = forbidden
	case certificateAlert(err):
		return who, &NotArrivedError{l.server, "it refuses the certificate in the TLS handshake, which no API server does"}
	case unreachable(err):
		return who, &UnreachableError{Server: l.server, Proxy: l.proxy, Err: err}
	case apierrors.IsUnauthorized(err) && l.asked.Load():
		return who, ErrLoginRefused
	case !apierrors.IsUnauthorized(err):
		return who, fmt.Errorf("log in: %w", unserved(l.server, err))
	}
	switch {
	case !l.asked.Load():
		return who, &NotArrivedError{l.server, "it asks for no client certificate"}
	case who.User == anonymous:
		return who, &NotArrivedError{l.server, "it takes " + strconv.Quote(l.user) + " for " + anonymous}
	case who.User != l.user:
		return who, &OtherUserError{l.server, l.user, who.User}
	}
	return who, nil
}

// anonymous is whom an API server takes a request for that came without any credential.
const anonymous = "system:anonymous"

// forbiddenUser returns the user whom an authorizer's refusal names, which proves that they logged in. Nothing but the
// message has the name (apiserver/pkg/endpoints/handlers/responsewriters/errors.go:forbiddenMessage).
func forbiddenUser(err error) (string, bool) {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || !apierrors.IsForbidden(err) || byAdmission(err) {
		return "", false
	}
	_, rest, _ := strings.Cut(status.ErrStatus.Message, " is forbidden: User ")
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil || !strings.HasPrefix(rest[len(quoted):], " cannot ") {
		return "", false
	}
	user, err := strconv.Unquote(quoted)
	return user, err == nil && user != ""
}

// certificateAlert reports whether the other side has refused the client certificate in the TLS handshake. An API server
// takes any there, and judges it for each request.
func certificateAlert(err error) bool {
	alert, ok := errors.AsType[tls.AlertError](err)
	const badCertificate, unknownCA, accessDenied, certificateRequired = 42, 48, 49, 116 // RFC 8446, section 6
	return ok && (alert >= badCertificate && alert <= 46 || alert == unknownCA || alert == accessDenied || alert == certificateRequired)
}

// oldest is the first version of Kubernetes that serves all that is asked of it: SelfSubjectReview v1 came last.
const oldest = "1.28"

// unserved explains that an API server does not know SelfSubjectReview; other errors stay as they are.
func unserved(server string, err error) error {
	if !apierrors.IsNotFound(err) {
		return err
	}
	return fmt.Errorf("%s does not serve SelfSubjectReview in authentication.k8s.io/v1: provision needs Kubernetes %s or later, and the address of an API server: %w", server, oldest, err)
}
