package main

import (
	"context"
	"fmt"
	"slices"

	"provision/internal/outdir"
	"provision/internal/spec"
)

type planCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	wishFlags
	DetailedExitcode bool   `help:"Exit with 2 when there are changes."`
	ShowAll          bool   `help:"List every user and subject, however many."`
	Save             string `placeholder:"FILE" help:"Save the plan, for provision apply FILE. It holds no secret."`
}

func (c *planCmd) Help() string {
	return `Reads the users file, the output directory and the cluster, and shows what apply would change and why.
Nothing is changed anywhere.

Examples:
  provision plan -f users.yaml
  provision plan -f teams/ -d /secure/kubeconfigs
  provision plan --detailed-exitcode -o json    # for CI
  provision plan --save team.plan               # then: provision apply team.plan

Exit status: 0 done, 1 error, 2 there are changes (with --detailed-exitcode), 130 interrupted.`
}

func (c *planCmd) Run(ctx context.Context, s streams) error {
	sets, err := spec.Load(c.Filename, s.in)
	if err != nil {
		return err
	}
	client, err := c.open(ctx, sets)
	if err != nil {
		return err
	}
	dir, err := outdir.OpenRead(c.OutputDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	intents, err := c.intents(sets, client)
	if err != nil {
		return err
	}
	all, err := compute(ctx, intents, client, dir)
	if err != nil {
		return err
	}
	if err := all.check(ctx, client); err != nil {
		return err
	}
	if err := all.render(s, c.Output, view{dir: dir, endpoint: client.Endpoint(), all: c.ShowAll}); err != nil {
		return err
	}
	if all.blocked() {
		if c.Save != "" {
			fmt.Fprintf(s.err, "not saved to %s: the plan has errors\n", c.Save)
		}
		return exitCode(exitError)
	}
	if c.Save != "" {
		if err := savePlan(c.Save, all, c.Filename, c.OutputDir, c.wishFlags); err != nil {
			return err
		}
		how := ""
		if slices.Contains(c.Filename, spec.Stdin) {
			how = ", given the same users file on standard input,"
		}
		fmt.Fprintf(s.err, "saved to %s: `provision apply %s`%s performs it\n", c.Save, c.Save, how)
	}
	if all.leftOut() > 0 {
		return exitCode(exitError)
	}
	if c.DetailedExitcode && all.changes() {
		return exitCode(exitChanges)
	}
	return nil
}
