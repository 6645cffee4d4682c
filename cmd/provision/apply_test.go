package main

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"provision/internal/cluster"
	"provision/internal/plan"
	"provision/internal/view"
)

// changing is a plan of a set in which something is to be done.
func changing(set string) plan.Proposal {
	return plan.Proposal{Plan: plan.Plan{Set: set, Roles: []plan.Change[plan.Role]{{Op: plan.Create, After: &plan.Role{Name: "reader"}}}}}
}

// A run whose lock went, or that was interrupted, before anything was begun does nothing and says why.
func TestExecuteAfterTheEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		cause error
		want  error
		exit  int
	}{
		{"the lock was lost", cluster.ErrLockLost, cluster.ErrLockLost, exitError},
		{"interrupted", context.Canceled, context.Canceled, exitInterrupted},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			held, end := context.WithCancelCause(root)
			end(c.cause)
			if errors.Is(c.cause, context.Canceled) {
				interrupt()
			}
			var out, err bytes.Buffer
			s := view.Streams{Out: &out, Err: &err, LastWords: new(atomic.Pointer[string])}
			got := change{format: "text", s: s}.execute(held, plan.Proposals{changing("team")}, nil, view.Page{})
			if !errors.Is(got, c.want) || out.Len() > 0 {
				t.Errorf("%v, output %q", got, out.String())
			}
			if code := fail(root, s, got); code != c.exit {
				t.Errorf("exit code %d: %s", code, err.String())
			}
		})
	}
}
