package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/cluster"
	"provision/internal/hint"
	"provision/internal/plan"
	"provision/internal/view"
)

type unblockCmd struct {
	setFlags
	dirFlags
	clusterFlags
	outputFlags
	changeFlags
	ID []string `arg:"" name:"id" placeholder:"ID" complete:"blocked" help:"Which certificate: its id, as status -o json and audit logs show it, or the name of a user, for all of theirs."`
}

func (c *unblockCmd) Run(ctx context.Context, s view.Streams) error {
	ask, err := view.NewQuestion(s, c.Yes || c.dry())
	if err != nil {
		return err
	}
	sets, broken, client, err := begin(ctx, s, c, cluster.ToRemove)
	if err != nil {
		return err
	}
	sets, doubt, err := c.named(ctx, client, sets)
	if err != nil {
		return err
	}
	unknown := slices.Clone(c.ID)
	decide := func(d plan.Desired, o plan.Observed, now time.Time) plan.Plan {
		unknown = slices.DeleteFunc(unknown, func(id string) bool { return plan.Blocks(o, id) })
		return plan.Unblock(d, o, c.ID, now)
	}
	var goals []plan.Goal
	for _, set := range sets {
		d := plan.Expand(set, client.Context())
		goals = append(goals, plan.Goal{Source: set.Pos.File, Desired: d, Decide: decide, TakesAway: true, Partial: broken.LeaveOut()})
	}
	ch := change{changeFlags: c.changeFlags, path: c.OutputDir, format: c.Output, client: client, s: s, verb: view.Unblock, broken: broken, accept: func(plan.Proposals) error {
		if len(unknown) == 0 {
			return nil
		}
		return hint.With(fmt.Errorf("these sets have not blocked %s: nothing was changed", strings.Join(unknown, ", ")), "provision status -o json lists the certificates that are, with their ids")
	}}
	_, err = ch.run(ctx, goals, person{ask})
	return cmp.Or(err, view.BrokenError(broken), doubt)
}
