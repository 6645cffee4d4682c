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

type destroyCmd struct {
	setFlags
	dirFlags
	clusterFlags
	outputFlags
	forgetFlags
	changeFlags
}

func (c *destroyCmd) Run(ctx context.Context, s view.Streams) error {
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
	unknown := slices.Clone(c.Set)
	decide := func(d plan.Desired, o plan.Observed, now time.Time) plan.Plan {
		if !plan.Empty(d.Set, o) {
			unknown = slices.DeleteFunc(unknown, func(name string) bool { return name == d.Set })
		}
		return plan.Destroy(d, o, now)
	}
	var goals []plan.Goal
	for _, set := range sets {
		nothing := plan.Nothing(set, client.Context())
		nothing.Forget = c.ForgetCluster
		goals = append(goals, plan.Goal{Source: set.Pos.File, Desired: nothing, Decide: decide, TakesAway: true, Partial: broken.LeaveOut()})
	}
	ch := change{changeFlags: c.changeFlags, path: c.OutputDir, format: c.Output, client: client, s: s, verb: view.Destroy, broken: broken, accept: func(all plan.Proposals) error {
		unknown = slices.DeleteFunc(unknown, func(name string) bool {
			return slices.ContainsFunc(all, func(p plan.Proposal) bool { return p.Failed != nil && p.Set == name })
		})
		if len(unknown) == 0 {
			return nil
		}
		return hint.With(fmt.Errorf("the cluster and the directory have nothing of the set %s: nothing was changed", strings.Join(unknown, ", ")),
			"is it spelled right? provision status --all-sets lists all sets")
	}}
	_, err = ch.run(ctx, goals, person{ask})
	return cmp.Or(err, view.BrokenError(broken), doubt)
}
