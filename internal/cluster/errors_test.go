package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
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
		if got := (&UnreachableError{"https://a:6443", c.err}).Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
