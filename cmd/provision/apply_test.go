package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// changing is a plan of a set in which something is to be done.
func changing(set string) computed {
	return computed{Plan: plan.Plan{Set: set, Roles: []plan.Change[plan.Role]{{Op: plan.Create, After: &plan.Role{Name: "reader"}}}}}
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
			if c.cause == context.Canceled {
				interrupt()
			}
			var out, err bytes.Buffer
			s := streams{out: &out, err: &err, errRaw: &err, lastWords: new(atomic.Pointer[string])}
			got := change{format: "text", s: s}.execute(held, plans{changing("team")}, nil, view{})
			if !errors.Is(got, c.want) || out.Len() > 0 {
				t.Errorf("%v, output %q", got, out.String())
			}
			if code := fail(root, s, got); code != c.exit {
				t.Errorf("exit code %d: %s", code, err.String())
			}
		})
	}
}

// The lock may go while a person thinks: then the answer counts no more.
func TestConfirmWithoutTheLock(t *testing.T) {
	held, lose := context.WithCancelCause(t.Context())
	lose(cluster.ErrLockLost)
	tty, person := io.Pipe()
	defer person.Close()
	var err bytes.Buffer
	got := question{tty: tty, streams: streams{err: &err}}.confirm(held, "Apply these changes?", plans{changing("team")})
	if !errors.Is(got, cluster.ErrLockLost) || strings.Contains(err.String(), "interrupted") {
		t.Errorf("%v, %q", got, err.String())
	}
}
