package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"provision/internal/credential"
	"provision/internal/hint"
	"provision/internal/view"
)

type inspectCmd struct {
	outputFlags
	File string `arg:"" placeholder:"FILE" complete:"kubeconfig" help:"The kubeconfig, or - for standard input."`
}

// Run shows what a kubeconfig says. It may be a stranger's: nothing that it names is opened, run or connected to.
func (c *inspectCmd) Run(ctx context.Context, s view.Streams) error {
	data, err := readUntil(ctx, c.File, s)
	if err != nil {
		return err
	}
	kubeconfig, err := credential.ParseKubeconfig(data)
	if err != nil {
		return hint.With(fmt.Errorf("%s: %w", c.File, err), "a saved plan is shown by provision show, a users file checked by provision validate")
	}
	entries := kubeconfig.Inspect()
	if len(entries) == 0 {
		return errors.New(c.File + " has no context and no user")
	}
	return view.Inspection{File: c.File, Entries: entries, Now: time.Now()}.Print(s, c.Output)
}
