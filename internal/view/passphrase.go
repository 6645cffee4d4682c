package view

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/term"
)

// Passphrase asks for the passphrase of a file at the terminal, which does not show it. An interrupt ends the wait, and leaves the
// terminal as it was.
func (s Streams) Passphrase(ctx context.Context, file string) ([]byte, error) {
	tty := s.terminal()
	if tty == nil {
		return nil, errors.New("there is no terminal to ask for the passphrase of " + file + " on")
	}
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("ask for the passphrase of %s: %w", file, err)
	}
	p := s.err()
	fmt.Fprintf(p.w, "passphrase of %s: ", p.flat(file))
	type answered struct {
		text []byte
		err  error
	}
	answer := make(chan answered, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		answer <- answered{text, err}
	}()
	select {
	case <-ctx.Done():
		if err := term.Restore(fd, before); err != nil {
			s.Warning("the terminal does not show what you type: run `stty echo`")
		}
		p.gap()
		p.line(0, "", ErrInterrupted.Error())
		return nil, ErrInterrupted
	case a := <-answer:
		p.gap()
		return a.text, a.err
	}
}
