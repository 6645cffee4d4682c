package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/spec"
)

type planCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	DetailedExitcode bool `help:"Exit with 2 when there are changes."`
	ShowAll          bool `help:"List every user and subject, however many."`
}

func (c *planCmd) Help() string {
	return `Reads the users file, the output directory and the cluster, and shows what apply would change and why.
Nothing is changed anywhere.

Examples:
  provision plan -f users.yaml
  provision plan -f teams/ -d /secure/kubeconfigs
  provision plan --detailed-exitcode -o json    # for CI

Exit status: 0 no changes (or changes, without --detailed-exitcode), 1 error, 2 changes, 130 interrupted.`
}

func (c *planCmd) Run(ctx context.Context, s streams) error {
	sets, err := spec.Load(c.Filename, s.in)
	if err != nil {
		return err
	}
	client, err := c.open(ctx)
	if err != nil {
		return err
	}
	dir, err := outdir.OpenRead(c.OutputDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	all, err := compute(ctx, sets, client, dir)
	if err != nil {
		return err
	}
	if err := all.render(s, c.Output, view{dir: dir, client: client, all: c.ShowAll}); err != nil {
		return err
	}
	switch {
	case all.blocked():
		return exitCode(exitError)
	case c.DetailedExitcode && all.changes():
		return exitCode(exitChanges)
	}
	return nil
}

// computed is a plan together with what the operator may not do of it.
type computed struct {
	plan.Plan
	missing []plan.Permission
}

// plans are the plans of all sets of the users files.
type plans []computed

// compute observes and plans every set. Plan and apply share it, so that what is shown is what is done.
func compute(ctx context.Context, sets []spec.Set, client *cluster.Client, dir *outdir.Dir) (plans, error) {
	var all plans
	for _, set := range sets {
		desired := plan.Expand(set, client.Endpoint())
		observed, err := client.Observe(ctx, desired)
		if err != nil {
			return nil, err
		}
		if observed.Files, observed.Keys, err = dir.Observe(set.Name, client.UID()); err != nil {
			return nil, err
		}
		p := plan.Compute(desired, observed, time.Now())
		missing, err := client.Missing(ctx, p)
		if err != nil && len(p.Problems) == 0 {
			return nil, err
		}
		all = append(all, computed{p, missing})
	}
	return all, nil
}

func (all plans) changes() bool {
	for _, p := range all {
		if p.Changes() {
			return true
		}
	}
	return false
}

// blocked says whether anything must be mended before these plans can be applied.
func (all plans) blocked() bool {
	for _, p := range all {
		if len(p.Problems)+len(p.missing) > 0 {
			return true
		}
	}
	return false
}

func (all plans) render(s streams, format string, v view) error {
	if format == "text" {
		for _, p := range all {
			v.render(s.out, s.outStyle, p)
		}
		return nil
	}
	return printDocument(s.out, format, planDocument(all))
}

// errBlocked is what apply says after a plan that cannot be applied.
var errBlocked = errors.New("the plan has errors: nothing was changed")

func missingMessage(n int) string {
	return fmt.Sprintf("you lack %s that this plan needs", plural(n, "permission"))
}
