package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/view"
)

type revokeCmd struct {
	setFlags
	dirFlags
	clusterFlags
	outputFlags
	changeFlags
	User []string `arg:"" name:"user" placeholder:"USER" help:"Who is to lose access."`
}

func (c *revokeCmd) Run(ctx context.Context, s view.Streams) error {
	ask, err := view.NewQuestion(s, c.Yes || c.dry())
	if err != nil {
		return err
	}
	sets, broken, err := c.loadEach(s)
	if err != nil {
		return err
	}
	client, err := c.open(ctx, s, sets, cluster.ToRemove)
	if err != nil {
		return err
	}
	sets, doubt, err := c.named(ctx, client, sets)
	if err != nil {
		return err
	}
	s.Mistakes(broken, c.ShowAll)
	// The other sets know things of these people too. This set does not wait for whatever goes wrong there.
	others := observe.AllLedgers(ctx, client, ledgerNamespaces(sets))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	unknown := slices.Clone(c.User)
	decide := func(d plan.Desired, o plan.Observed, now time.Time) plan.Plan {
		unknown = slices.DeleteFunc(unknown, func(name string) bool { return plan.Knows(d, o, name) })
		return plan.Revoke(d, o, c.User, now)
	}
	var goals []plan.Goal
	for _, set := range sets {
		d := plan.Expand(set, client.Context())
		d.Revoke = true
		goals = append(goals, plan.Goal{Source: set.Pos.File, Desired: d, Decide: decide, TakesAway: true, Partial: broken.LeaveOut()})
	}
	format := c.Output
	if format != "text" {
		format = "" // the remainder is the document
	}
	ch := change{changeFlags: c.changeFlags, path: c.OutputDir, format: format, client: client, s: s, verb: view.Revoke, accept: func(all plan.Proposals) error {
		if len(unknown) == 0 {
			return nil
		}
		return view.NobodyNamed(unknown, all, sets, others, client.Earliest())
	}}
	all, err := ch.run(ctx, goals, person{ask})
	if all == nil { // nothing was begun
		return err
	}
	people, unknownLeft := observe.Remaining(ctx, client, all, others, c.User, c.dry())
	if unknownLeft != nil {
		return cmp.Or(err, fmt.Errorf("what %s can still do is not known: %w", strings.Join(c.User, ", "), unknownLeft))
	}
	r := view.Remainder{Page: view.PageOf(client, c.OutputDir), Plans: all, Sets: sets, Others: others, People: people, DryRun: c.dry()}
	r.All, r.Broken = c.ShowAll, broken
	if err := r.Print(s, c.Output); err != nil {
		return err
	}
	switch {
	case err != nil:
		return err
	case len(broken) > 0:
		return view.BrokenRevoke(broken)
	case !r.OwnRead():
		return fmt.Errorf("what else %s can do is not known: a ledger of these sets could not be read (above)", view.Listed(c.User))
	}
	return doubt
}
