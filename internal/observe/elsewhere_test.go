package observe

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"provision/internal/cluster"
)

// What is wrong with one set stops the others only if it would be wrong with them too.
func TestConcernsAll(t *testing.T) {
	interrupted, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want bool
	}{
		{"a refusal", t.Context(), &cluster.PermissionError{User: "op"}, false},
		{"a refusal, interrupted", interrupted, &cluster.PermissionError{User: "op"}, true},
		{"the login is lost", t.Context(), fmt.Errorf("list roles: %w", cluster.ErrLoginLost), true},
		{"nobody answers", t.Context(), fmt.Errorf("list roles: %w", &netError{syscall.ECONNREFUSED}), true},
		{"an object that cannot be read", t.Context(), errors.New("configmap is no ledger"), false},
		{"interrupted", interrupted, errors.New("whatever it is"), true},
	} {
		if got := ConcernsAll(c.ctx, c.err); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// netError is an error of the network.
type netError struct{ error }

func (*netError) Timeout() bool   { return false }
func (*netError) Temporary() bool { return false }
