package view

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// The lock may go while a person thinks: then the answer counts no more.
func TestQuestionWithoutTheLock(t *testing.T) {
	held, lose := context.WithCancelCause(t.Context())
	lose(cluster.ErrLockLost)
	tty, person := io.Pipe()
	defer person.Close()
	var told bytes.Buffer
	got := Question{Streams{Err: &told}, tty}.Ask(held, Page{Verb: Apply}, "text", plan.Proposals{{Plan: plan.Plan{Set: "team"}}})
	if !errors.Is(got, cluster.ErrLockLost) || strings.Contains(told.String(), "interrupted") {
		t.Errorf("%v, %q", got, told.String())
	}
}

// An interrupted question has changed nothing, and nobody reads a word of Go's.
func TestInterruptedQuestion(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tty, keyboard := io.Pipe()
	defer keyboard.Close()
	var told bytes.Buffer
	page := Page{Verb: Apply, Endpoint: plan.Endpoint{Name: "prod", Server: "https://prod:6443"}}
	if err := (Question{Streams{Err: &told}, tty}).Ask(ctx, page, "text", plan.Proposals{{Plan: plan.Plan{Set: "team"}}}); !errors.Is(err, ErrInterrupted) {
		t.Errorf("%v", err)
	}
	const want = "\nApply these changes to set team on cluster prod (https://prod:6443)? Only \"yes\" is accepted: \ninterrupted: nothing was changed\n"
	if got := told.String(); got != want {
		t.Errorf("%q", got)
	}
}
