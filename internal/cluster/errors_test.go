package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"provision/internal/plan"
)

// What is tried again, and what ends the run for everybody when trying does not help.
func TestUnreachable(t *testing.T) {
	call := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://127.0.0.1:1", Err: &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}}
	}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{call(syscall.ECONNREFUSED), true},
		{call(syscall.EHOSTUNREACH), true},
		{syscall.ECONNRESET, true},
		{errors.New("unexpected error when reading response body. Please retry. Original error: http2: client connection force closed via ClientConn.Close"), true},
		// The error of a file has the methods of a network error.
		{fmt.Errorf("write kubeconfigs/ann.kubeconfig: %w", syscall.ENOSPC), false},
		{fmt.Errorf("write kubeconfigs/ann.kubeconfig: %w", syscall.EACCES), false},
		{&os.PathError{Op: "open", Path: "users.yaml", Err: syscall.ENOENT}, false},
		{errors.New("the certificate is for another public key than ours"), false},
	} {
		if got := unreachable(c.err); got != c.want {
			t.Errorf("unreachable(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

func TestUnreachableWords(t *testing.T) {
	post := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://a:6443/apis?timeout=1m0s", Err: err}
	}
	dial := func(err error) error { return post(&net.OpError{Op: "dial", Net: "tcp", Err: err}) }
	for _, c := range []struct {
		err  error
		want string
	}{
		{dial(&net.DNSError{Err: "no such host", Name: "a", Server: "192.0.2.1:53", IsNotFound: true}), "cannot reach https://a:6443: no such host"},
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "cannot reach https://a:6443: connection refused"},
		{dial(os.ErrDeadlineExceeded), "cannot reach https://a:6443: no answer"},
		{post(errors.New("x509: certificate signed by unknown authority")), "cannot reach https://a:6443: x509: certificate signed by unknown authority"},
	} {
		if got := (&UnreachableError{Server: "https://a:6443", Err: c.err}).Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A request that fails for as long as we are patient tells that its kind cannot be done, unless others of it succeeded
// meanwhile. Where nobody answers, that concerns everybody.
func TestRetryGivesUp(t *testing.T) {
	down := apierrors.NewInternalError(errors.New(`failed calling webhook "x": connection refused`))
	always := func() error { return down }
	for _, c := range []struct {
		name        string
		do          func() error
		other       string // one that needs this verb succeeds after a minute
		fatal       bool
		unavailable bool
		after       time.Duration
		told        int
	}{
		{"alone", always, "", false, true, patience, 1},
		{"others of its kind work", always, "create", false, false, patience, 1},
		{"others of another kind work", always, "delete", false, true, patience, 1},
		{"a refusal is an answer", func() error { return apierrors.NewBadRequest("no") }, "", false, false, 0, 0},
		{"nobody answers", func() error { return &url.Error{Op: "Post", URL: "https://a", Err: syscall.ECONNREFUSED} }, "", true, false, patience, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []Waiting
				client := &Client{answers: newAnswers(), options: Options{Waiting: func(w Waiting) { told = append(told, w) }}}
				need := plan.Permission{Verb: "create", Resource: "configmaps"}
				if err := client.retry(t.Context(), need, func() error { return nil }); err != nil { // long ago
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if c.other != "" {
					other := plan.Permission{Verb: c.other, Resource: "configmaps", Namespace: "elsewhere"}
					time.AfterFunc(time.Minute, func() { _ = client.retry(t.Context(), other, func() error { return nil }) })
				}
				began := time.Now()
				err := client.retry(t.Context(), need, c.do)
				if Fatal(err) != c.fatal || errors.Is(err, ErrUnavailable) != c.unavailable {
					t.Errorf("%v: fatal %v, want %v; unavailable, want %v", err, Fatal(err), c.fatal, c.unavailable)
				}
				if took := time.Since(began); took != c.after {
					t.Errorf("it gave up after %v, want %v", took, c.after)
				}
				if len(told) != c.told {
					t.Errorf("told %v", told)
				}
				// The next one of a kind that patience did not help is tried once.
				began = time.Now()
				_ = client.retry(t.Context(), need, c.do)
				if took := time.Since(began); c.unavailable && took != 0 {
					t.Errorf("the next one took %v", took)
				}
			})
		})
	}
}

// So does one that knows of no others; and an interrupt is no outage.
func TestRetryOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := apierrors.NewServiceUnavailable("down")
		if err := retry(t.Context(), func() error { return down }); !errors.Is(err, ErrUnavailable) || !apierrors.IsServiceUnavailable(err) {
			t.Errorf("%v does not say that it cannot be done", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := retry(ctx, func() error { return down }); errors.Is(err, ErrUnavailable) {
			t.Errorf("%v says that it cannot be done", err)
		}
	})
}
