package cluster

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"provision/internal/credential"
	"provision/internal/plan"
)

// loginTries is how many logins must be refused, each on a connection of its own, before a refusal counts for every API
// server behind an address. Where one of two takes the certificate, all are refused once in 256 times.
const loginTries = 8

// DisagreeError reports that API servers behind one address accept and refuse the same logins: they do not trust the same
// client CAs, as in a rotation that is half done.
type DisagreeError struct {
	Server         string
	Refused, Tried int
}

// Error says it in words.
func (e *DisagreeError) Error() string {
	return fmt.Sprintf("the API servers behind %s do not agree: %d of %d logins were refused", e.Server, e.Refused, e.Tried)
}

// Prove logs in as the user of a kubeconfig entry, at the entry's own server. Nil proves that its certificate works.
// ErrLoginRefused means that no API server there accepts it, a DisagreeError that some do; the other errors are those of
// WhoAmI. An accepted certificate costs one request.
func (c *Client) Prove(ctx context.Context, e credential.Entry) error {
	return prove(0, []credential.Entry{e}, func(e credential.Entry) error { return c.logInOnce(ctx, e) })
}

// ProveAgain is Prove after a login of the entry that was refused.
func (c *Client) ProveAgain(ctx context.Context, e credential.Entry) error {
	return prove(1, []credential.Entry{e}, func(e credential.Entry) error { return c.logInOnce(ctx, e) })
}

// Accepts logs in with certificates that one CA has signed, at the operator's own API server, until one is accepted. Its
// errors are those of Prove: a CA is void when the error is ErrLoginRefused, and with any other nothing is known about it.
// published are the client CAs that the API servers say they have: a server that asks for certificates of none of these is a
// front.
func (c *Client) Accepts(ctx context.Context, signed []credential.Entry, published []*x509.Certificate) error {
	at := c.own.connection // the user's own kubeconfig may still name an old server or CA
	here := make([]credential.Entry, len(signed))
	for i, e := range signed {
		e.Endpoint = at
		here[i] = e
	}
	return prove(0, here, func(e credential.Entry) error { return c.logInOnce(ctx, e, published...) })
}

// probePatience is how long the users' server may take to say whether it asks for client certificates. It need not be
// reachable from here.
const probePatience = 3 * time.Second

// AsksForCertificate reports whether a server asks for a client certificate in the TLS handshake, as every API server
// does that takes any. It sends one request without a credential; an error means that nothing is known.
func (c *Client) AsksForCertificate(ctx context.Context, at plan.Endpoint) (bool, error) {
	login, err := LogIn(credential.Entry{Endpoint: at}, probePatience, c.options.UserAgent)
	if err != nil {
		return false, err
	}
	defer login.Close()
	err = login.kube.core.RESTClient().Get().AbsPath("/livez").MaxRetries(0).Do(ctx).Error()
	if login.asked.Load() {
		return true, nil
	}
	if _, answered := errors.AsType[*apierrors.StatusError](err); err != nil && !answered {
		return false, err
	}
	return false, nil
}

// prove tries the entries in turn until one login is accepted or loginTries are refused. refused is how many were already.
func prove(refused int, entries []credential.Entry, logIn func(credential.Entry) error) error {
	for try := refused; try < loginTries; try++ {
		e := entries[try%len(entries)]
		err := logIn(e)
		if err == nil && try > 0 {
			return &DisagreeError{withoutUser(e.Server), try, try + 1}
		}
		if !errors.Is(err, ErrLoginRefused) {
			return err
		}
	}
	return ErrLoginRefused
}

// logInOnce logs in on a connection of its own.
func (c *Client) logInOnce(ctx context.Context, e credential.Entry, published ...*x509.Certificate) error {
	login, err := c.LogIn(e)
	if err != nil {
		return err
	}
	defer login.Close()
	_, err = login.WhoAmI(ctx)
	if takes := login.takes.Load(); errors.Is(err, ErrLoginRefused) && len(published) > 0 && len(*takes) > 0 &&
		!slices.ContainsFunc(published, func(ca *x509.Certificate) bool {
			return slices.ContainsFunc(*takes, func(subject []byte) bool { return bytes.Equal(subject, ca.RawSubject) })
		}) {
		return &NotArrivedError{login.server, "it asks for certificates of other CAs than the API server publishes"}
	}
	return err
}
