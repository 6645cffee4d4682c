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
