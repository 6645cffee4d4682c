package main

import (
	"context"
	"errors"

	"provision/internal/usersfile"
	"provision/internal/view"
)

type validateCmd struct {
	fileFlags
	ShowAll bool `help:"List every place of a mistake, however many."`
}

func (c *validateCmd) Run(ctx context.Context, s view.Streams) error {
	sets, err := c.loadAll(ctx, s)
	if mistakes, ok := errors.AsType[usersfile.Errors](err); ok && c.ShowAll {
		s.AllMistakes(mistakes)
		return exitCode(exitError)
	}
	if err != nil {
		return err
	}
	c.tellSkipped(s)
	for _, set := range sets {
		s.Valid(set, c.ShowAll)
	}
	return nil
}
