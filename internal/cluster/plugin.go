package cluster

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/plugin/pkg/client/auth/exec"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// LoginPluginError reports that the program that makes the operator's credential failed. Its own words stand on standard
// error.
type LoginPluginError struct {
	Plugin string
	Err    error
}

// Error says it in words.
func (e *LoginPluginError) Error() string {
	return fmt.Sprintf("your login plugin %s: %v", e.Plugin, e.Err)
}

// Unwrap returns the failure.
func (e *LoginPluginError) Unwrap() error { return e.Err }

// refusal is an answer 401 on its way past client-go, which would run the login plugin inside of the request that was
// refused, without any limit of time.
type refusal struct{ answer *http.Response }

func (e *refusal) Error() string { return e.answer.Status }

// refusing is a transport below client-go's own for login plugins: it gives a 401 as an error.
type refusing struct{ next http.RoundTripper }

// RoundTrip sends one request.
func (t refusing) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(request)
	if err == nil && answer.StatusCode == http.StatusUnauthorized {
		return nil, &refusal{answer}
	}
	return answer, err
}

// WrappedRoundTripper lets client-go find the transport below.
func (t refusing) WrappedRoundTripper() http.RoundTripper { return t.next }

// waitTold is how long a login plugin may take before the operator is told that it is waited for.
const waitTold = 3 * time.Second

// login runs the operator's login plugin. client-go runs it inside of a request, without any limit of time, and again for
// each request after it failed; here one failure is the end. It is safe for concurrent use.
type login struct {
	plugin  string
	hint    string // how to install it
	timeout time.Duration
	waiting func(Waiting)

	turn  chan struct{}             // has room for one: the goroutine that put it there runs the plugin
	run   func(*http.Request) error // puts a credential into a request; nil for an auth-provider, which is no program
	renew func() error              // gets another credential than the one at hand, which was refused

	mu       sync.Mutex
	failed   error
	renewals int
}

// prepare finds how client-go runs the plugin of config: its authenticator is one for all clients of a process.
func (l *login) prepare(config *rest.Config) error {
	if l.run != nil {
		return nil
	}
	var of transport.Config
	cluster, err := rest.ConfigToExecCluster(config)
	if err != nil {
		return err
	}
	if !config.ExecProvider.ProvideClusterInfo {
		cluster = nil
	}
	authenticator, err := exec.GetAuthenticator(config.ExecProvider, cluster)
	if err != nil {
		return err
	}
	if err := authenticator.UpdateTransportConfig(&of); err != nil {
		return err
	}
	credentials := of.WrapTransport(unsent{})
	l.run = func(request *http.Request) error {
		_, err := credentials.RoundTrip(request)
		return err
	}
	// A 401 is the one reason for which client-go runs a plugin whose credential has not ended.
	refused := of.WrapTransport(unauthorized{})
	ends := pluginEnds()
	l.renew = func() error {
		ends.forget()
		if _, err := refused.RoundTrip(&http.Request{Header: http.Header{}}); err != nil {
			return err
		}
		return ends.failure(l.plugin)
	}
	return nil
}

// unsent sends nothing: what stands before it has seen the request.
type unsent struct{}

func (unsent) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// unauthorized answers 401 to whatever it is asked.
type unauthorized struct{}

func (unauthorized) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusUnauthorized, Body: http.NoBody}, nil
}

// ready returns request as it may be sent, with a token that has not ended if the plugin gives tokens, or fails for good.
// Where client-go finds a token it does not run the plugin: one that ends just now would have it run once in each request.
func (l *login) ready(request *http.Request) (*http.Request, error) {
	if l.run == nil {
		return request, l.failure()
	}
	request = request.Clone(request.Context())
	// A plugin that goes on when the time is up writes to a request of its own.
	asked := &http.Request{Header: http.Header{}}
	if err := l.limited(request.Context(), func() error { return l.run(asked) }); err != nil {
		return nil, err
	}
	if token := asked.Header.Get("Authorization"); token != "" {
		request.Header.Set("Authorization", token)
	}
	return request, nil
}

// renewed is how often a credential that was refused has been replaced.
func (l *login) renewed() int {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewals
}

// again gets another credential after an answer 401, unless that was done since, and returns the answer: the request may then
// be sent again. renewals is what renewed returned before the request was sent.
func (l *login) again(ctx context.Context, answer *http.Response, renewals int) (*http.Response, error) {
	// It may take a while, and a new certificate ends the connection.
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	err = l.limited(ctx, func() error {
		l.mu.Lock()
		done := l.renewals != renewals
		if !done {
			l.renewals++
		}
		l.mu.Unlock()
		if done {
			return nil
		}
		return l.renew()
	})
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	return answer, nil
}

// limited runs the plugin, one at a time, for as long as a request may take. A plugin that fails, or takes longer, has failed
// for good; when ctx ends it goes on, and the next request waits for it.
func (l *login) limited(ctx context.Context, run func() error) error {
	var limit <-chan time.Time
	if l.timeout > 0 {
		// Before the time of the request itself ends, which would be told as that of the API server.
		timer := time.NewTimer(l.timeout - min(l.timeout/10, 500*time.Millisecond))
		defer timer.Stop()
		limit = timer.C
	}
	tooLong := func() error {
		return l.fail(fmt.Errorf("no answer in %v (--request-timeout)", l.timeout))
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-limit:
		return tooLong()
	}
	if err := l.failure(); err != nil {
		<-l.turn
		return err
	}
	ran := make(chan error, 1)
	go func() { ran <- run() }()
	slow := time.NewTimer(waitTold)
	defer slow.Stop()
	for {
		select {
		case err := <-ran:
			if err != nil {
				err = l.fail(err)
			}
			<-l.turn
			return err
		case <-slow.C:
			if l.waiting != nil {
				l.waiting(Waiting{Plugin: l.plugin})
			}
		case <-ctx.Done():
			go func() {
				if err := <-ran; err != nil {
					_ = l.fail(err)
				}
				<-l.turn
			}()
			return ctx.Err()
		case <-limit:
			err := tooLong()
			<-l.turn
			return err
		}
	}
}

// blames reports whether client-go failed to get a credential. It gives texts only.
func (l *login) blames(err error) bool {
	if l.run != nil {
		return strings.HasPrefix(err.Error(), "getting credentials: ")
	}
	_, network := errors.AsType[net.Error](err)
	_, tls := errors.AsType[x509.UnknownAuthorityError](err)
	words := []string{"id-token", "id_token", "refresh token", "refresh-token", "auth provider", "oidc"}
	return !network && !tls && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(err.Error(), w) })
}

// fail notes that the plugin failed: it is not run again.
func (l *login) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = &LoginPluginError{l.plugin, l.plain(err)}
	}
	return l.failed
}

// plain takes client-go's advice to people who do not know what a plugin is out of an error, and leaves that of the
// kubeconfig on how to install this one.
func (l *login) plain(err error) error {
	text := strings.TrimPrefix(err.Error(), "getting credentials: ")
	text, _, missing := strings.Cut(text, "\n\nIt looks like you are trying to use a client-go credential plugin that is not installed.")
	text = strings.TrimPrefix(text, "exec: ")
	if missing && l.hint != "" {
		text += ": " + l.hint
	}
	return errors.New(text)
}

func (l *login) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
