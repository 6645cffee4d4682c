package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

type statusCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	AllSets  bool   `help:"Show every set that the cluster has a ledger of, whether a users file describes it or not. No users file is needed."`
	Expiring string `placeholder:"TIME" complete:"free" help:"Exit with 2 when a certificate of a user in the file ends within this time, such as 14d, or has ended."`
}

func (c *statusCmd) Run(ctx context.Context, s view.Streams) error {
	var within time.Duration
	if c.Expiring != "" {
		var err error
		if within, err = usersfile.ParseDuration(c.Expiring); err != nil {
			return fmt.Errorf("--expiring %s: %w", c.Expiring, err)
		}
	}
	sets, broken, client, err := begin(ctx, s, c, cluster.ToRead)
	if err != nil {
		return err
	}
	wanted, others, err := c.wanted(ctx, client, sets)
	if err != nil {
		return err
	}
	dir, err := outdir.OpenRead(c.OutputDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	now := time.Now()
	found, err := observe.Status(ctx, wanted, client, dir, now)
	if err != nil {
		return err
	}
	st := view.Status{Page: view.PageOf(client, dir.Path()), Sets: found, Others: others, AllSets: c.AllSets, Within: within, Now: now, Server: client.ServerTime()}
	st.Broken, st.Approvers = broken, observe.AllApprovers(ctx, client)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := st.Print(s, c.Output); err != nil {
		return err
	}
	switch {
	case slices.ContainsFunc(found, func(set observe.SetStatus) bool { return set.Failed != nil }):
		return exitCode(exitError)
	case len(broken) > 0:
		return view.BrokenError(broken)
	case st.Expiring() > 0:
		return exitCode(exitChanges)
	}
	return nil
}

// load reads the users files. With --all-sets the default one need not be there.
func (c *statusCmd) load(ctx context.Context, s view.Streams) ([]usersfile.Set, usersfile.Errors, error) {
	if c.AllSets {
		return c.loadAny(ctx, s)
	}
	return c.fileFlags.load(ctx, s)
}

// wanted are the sets to show: those of the users files, and with --all-sets those that only a ledger knows.
func (c *statusCmd) wanted(ctx context.Context, client *cluster.Client, sets []usersfile.Set) ([]plan.Desired, *observe.Ledgers, error) {
	var list []plan.Desired
	described := map[string]bool{}
	for _, set := range sets {
		list = append(list, plan.Expand(set, client.Context()))
		described[set.Name] = true
	}
	if !c.AllSets {
		return list, nil, nil
	}
	all := observe.AllLedgers(ctx, client, append(ledgerNamespaces(sets), usersfile.DefaultLedgerNamespace))
	for _, l := range all.List {
		if !described[l.Set] {
			list = append(list, plan.Desired{Set: l.Set, LedgerNamespace: l.Namespace, Unfiled: true})
		}
	}
	return list, &all, all.Err
}
