package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// question asks a person on the terminal, also when standard input is the users file.
type question struct {
	tty     io.ReadCloser // nil: do not ask
	streams streams
}

// newQuestion finds the terminal before any work is done: without one and without --yes, nothing begins.
func newQuestion(s streams, yes bool) (question, error) {
	if yes {
		return question{streams: s}, nil
	}
	if s.inFile != nil && term.IsTerminal(int(s.inFile.Fd())) {
		return question{tty: s.inFile, streams: s}, nil
	}
	if s.errTerminal {
		if tty, err := os.Open("/dev/tty"); err == nil {
			return question{tty: tty, streams: s}, nil
		}
	}
	return question{}, &hinted{errors.New("there is no terminal to ask on"), "give --yes; to see first what would be done: --dry-run=server"}
}

// confirm asks and takes only "yes". An interrupt means no, and so does the loss of the lock, which is returned. What will
// be deleted is named once more.
func (q question) confirm(ctx context.Context, question string, all plans) error {
	if q.tty == nil {
		return nil
	}
	w := q.streams.err
	var gone []string
	for _, p := range all {
		gone = append(gone, deletions(p.Plan)...)
	}
	if len(gone) > 0 {
		fmt.Fprintf(w, "\nThis deletes:\n")
		for _, name := range gone {
			fmt.Fprintf(w, "  %s\n", q.streams.errStyle.red(flat(name)))
		}
	}
	fmt.Fprintf(w, "\n%s Only \"yes\" is accepted: ", question)
	answer := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(q.tty).ReadString('\n')
		if err != nil { // Ctrl-D leaves the cursor where it is
			fmt.Fprintln(w)
		}
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		if cause := context.Cause(ctx); errors.Is(cause, cluster.ErrLockLost) {
			fmt.Fprintln(w)
			return cause
		}
		fmt.Fprintln(w, "\ninterrupted: nothing was changed")
		return exitCode(exitInterrupted)
	case a := <-answer:
		if a != "yes" {
			return errors.New("nothing was changed: the answer was not \"yes\"")
		}
	}
	fmt.Fprintln(w)
	return nil
}

// deletions names everything that a plan takes away.
func deletions(p plan.Plan) []string {
	var list []string
	for _, c := range p.Roles {
		if c.Op == plan.Delete {
			list = append(list, objectName(c.Before.Kind(), c.Before.Namespace, c.Before.Name))
		}
	}
	for _, c := range p.Bindings {
		if c.Op == plan.Delete {
			list = append(list, objectName(c.Before.Kind(), c.Before.Namespace, c.Before.Name))
		}
	}
	removed := map[string]bool{}
	for _, u := range p.Users {
		if u.Kubeconfig.Op == plan.Remove {
			removed[u.Name] = true
			list = append(list, "kubeconfig of "+u.Name)
		}
	}
	for _, name := range p.Leavers() {
		if !removed[name] {
			list = append(list, "user "+name+", whose kubeconfig is not here")
		}
	}
	return list
}
