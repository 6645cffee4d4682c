package main

import (
	"cmp"
	"context"

	"github.com/alecthomas/kong"

	"provision/internal/cluster"
	"provision/internal/view"
)

type applyCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	wishFlags
	changeFlags
	Plan string `arg:"" optional:"" placeholder:"PLAN" complete:"plan" help:"A plan that provision plan --save wrote: exactly this is done, and nothing is asked."`
}

func (c *applyCmd) Run(ctx context.Context, s view.Streams, line *kong.Context) error {
	if c.Plan != "" {
		return c.applySaved(ctx, s, line)
	}
	ask, err := view.NewQuestion(s, c.Yes || c.dry())
	if err != nil {
		return err
	}
	sets, broken, client, err := begin(ctx, s, c, cluster.ToApply)
	if err != nil {
		return err
	}
	goals, err := c.goals(sets, broken, client)
	if err != nil {
		return err
	}
	ch := change{changeFlags: c.changeFlags, path: c.OutputDir, format: c.Output, client: client, s: s, verb: view.Apply, broken: broken}
	_, err = ch.run(ctx, goals, person{ask})
	return cmp.Or(err, view.BrokenError(broken))
}
