package view

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
	"provision/internal/hint"
	"provision/internal/plan"
)

// ErrInterrupted is that a person was asked and there was an interrupt, which has been told.
var ErrInterrupted = errors.New("interrupted: nothing was changed")

// Question asks the person at the terminal, also when standard input is the users file.
type Question struct {
	s   Streams
	tty io.ReadCloser // nil: nobody is asked
}

// NewQuestion finds the terminal before any work is done: without one and without yes, which asks nobody, nothing begins.
func NewQuestion(s Streams, yes bool) (Question, error) {
	q := Question{s: s}
	if yes {
		return q, nil
	}
	if tty := s.terminal(); tty != nil {
		q.tty = tty
		return q, nil
	}
	return q, hint.With(errors.New("cannot ask for confirmation: standard input is not a terminal"), "give --yes; to see first what would be done: --dry-run=server")
}

// terminal returns that of the person who reads what is written, or nil.
func (s Streams) terminal() *os.File {
	if s.inFile != nil && term.IsTerminal(int(s.inFile.Fd())) {
		return s.inFile
	}
	if s.errTerminal != nil {
		if tty, err := os.Open("/dev/tty"); err == nil {
			return tty
		}
	}
	return nil
}

// Ask asks whether plans are to be carried out, which were shown in a format, and takes only "yes": the error is why not. Nobody is
// asked blind: where standard output has no text of the plans, they are drawn beside it. An interrupt means no (ErrInterrupted),
// and so does the loss of the lock (cluster.ErrLockLost).
func (q Question) Ask(ctx context.Context, v Page, format string, all plan.Proposals) error {
	if q.tty == nil {
		return nil
	}
	if err := q.s.Unwritten(); err != nil && format == "text" {
		return fmt.Errorf("nothing was changed: the plan that is asked about could not be shown: %v", Bare(err))
	}
	p := q.s.err()
	if format != "text" {
		v.plans(p, all)
	}
	v.question(p, all)
	return q.answer(ctx, p)
}

// Confirm asks a question that is not about plans, and takes only "yes", as Ask does.
func (q Question) Confirm(ctx context.Context, question string) error {
	if q.tty == nil {
		return nil
	}
	if err := q.s.Unwritten(); err != nil {
		return fmt.Errorf("nothing was changed: what is asked about could not be shown: %v", Bare(err))
	}
	p := q.s.err()
	p.ask(question)
	return q.answer(ctx, p)
}

// ask writes a question, and leaves the cursor behind it.
func (p pen) ask(question string) {
	fmt.Fprintf(p.w, "\n%s Only \"yes\" is accepted: ", p.flat(question))
}

// answer waits for the answer to a question that stands on the screen.
func (q Question) answer(ctx context.Context, p pen) error {
	answer := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(q.tty).ReadString('\n')
		if err != nil { // Ctrl-D leaves the cursor where it is
			p.gap()
		}
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		p.gap()
		if cause := context.Cause(ctx); errors.Is(cause, cluster.ErrLockLost) {
			return cause
		}
		p.line(0, "", ErrInterrupted.Error())
		return ErrInterrupted
	case a := <-answer:
		if a != "yes" {
			return errors.New("nothing was changed: the answer was not \"yes\"")
		}
	}
	p.gap()
	return nil
}

// question writes what is to be answered, below the names of all that will be deleted.
func (v Page) question(p pen, all plan.Proposals) {
	var gone, sets []string
	for _, one := range all {
		gone = append(gone, deletions(one)...)
		if one.Failed == nil {
			sets = append(sets, one.Set)
		}
	}
	if len(gone) > 0 {
		p.gap()
		p.line(0, "", "This deletes:")
		for _, name := range gone {
			p.line(2, "", p.red(name))
		}
	}
	noun := "set"
	if len(sets) > 1 {
		noun = "sets"
	}
	question := fmt.Sprintf("%s %s %s on cluster %s (%s)", v.Verb.question, noun, Listed(sets), v.Endpoint.Name, v.Endpoint.Server)
	if amount := amountWords(all.Summary(), all); amount != "" {
		question += ": " + amount
	}
	p.ask(question + "?")
}

// deletions names everything that a plan takes away.
func deletions(p plan.Proposal) []string {
	var list []string
	for _, c := range p.Roles {
		if c.Op == plan.Delete {
			list = append(list, objectName(c.Before.Object()))
		}
	}
	for _, c := range p.Bindings {
		if c.Op == plan.Delete {
			list = append(list, objectName(c.Before.Object()))
		}
	}
	removed := map[string]bool{}
	for _, u := range p.Users {
		if u.Kubeconfig.Op == plan.Remove {
			removed[u.Name] = true
			list = append(list, strings.TrimPrefix(removal(p.Observed.Files[u.Name]), "remove ")+" of "+u.Name)
		}
	}
	for _, name := range p.Leavers() {
		if !removed[name] {
			list = append(list, "user "+name+", whose kubeconfig is not here")
		}
	}
	return list
}
