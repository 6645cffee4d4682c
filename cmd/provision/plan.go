package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/outdir"
	"provision/internal/savedplan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

type planCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	wishFlags
	DetailedExitcode bool   `help:"Exit with 2 when there are changes."`
	ShowAll          bool   `help:"List every user and subject, however many."`
	Save             string `type:"path" placeholder:"FILE" complete:"plan" help:"Save the plan, for provision apply FILE: to a new file, or in the place of an earlier plan. It holds no secret."`
}

func (c *planCmd) Run(ctx context.Context, s view.Streams) error {
	if c.Save != "" {
		if err := savedplan.CheckPath(c.Save); err != nil {
			return err
		}
	}
	sets, broken, client, err := begin(ctx, s, c, cluster.ToPlan)
	if err != nil {
		return err
	}
	dir, err := outdir.OpenRead(c.OutputDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	goals, err := c.goals(sets, broken, client)
	if err != nil {
		return err
	}
	all, err := compute(ctx, goals, client, dir)
	if err != nil {
		return err
	}
	if err := observe.Complete(ctx, all, client, nil); err != nil {
		return err
	}
	v := view.PageOf(client, dir.Path())
	v.All, v.Reading, v.Broken = c.ShowAll, true, broken
	if err := v.Plans(s, c.Output, all); err != nil {
		return err
	}
	if c.Save != "" {
		saved, err := savedplan.Of(all, c.Filename, c.OutputDir, c.wishFlags, time.Now())
		saved.Cluster = savedplan.Cluster{Name: v.Endpoint.Name, Server: v.Endpoint.Server, UID: v.UID}
		if err == nil {
			err = saved.Write(c.Save)
		}
		if err != nil {
			return err
		}
		how := ""
		if slices.Contains(c.Filename, usersfile.Stdin) {
			how = ", given the same users file on standard input,"
		}
		fmt.Fprintf(s.Err, "saved to %s: `provision apply %s`%s performs it\n", c.Save, c.Save, how)
	}
	if all.LeftOut() > 0 {
		return exitCode(exitError)
	}
	if len(broken) > 0 {
		return view.BrokenError(broken)
	}
	if c.DetailedExitcode && (all.Changes() || all.LeavesOthers()) {
		return exitCode(exitChanges)
	}
	return nil
}
