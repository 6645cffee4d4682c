package observe

import (
	"context"
	"slices"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// All looks at every set, in the order of the goals. A set that cannot be looked at is left out (Failed), unless it is the only
// one, or the reason concerns all.
func All(ctx context.Context, goals []plan.Goal, client *cluster.Client, dir *outdir.Dir) (plan.Proposals, error) {
	var all plan.Proposals
	for _, g := range goals {
		p := plan.Proposal{Source: g.Source, Partial: g.Partial, Cluster: client.UID(), Operator: client.Username(), Desired: g.Desired}
		err := g.Failed
		if err == nil {
			look := Accepted
			if g.TakesAway {
				look = Set
			}
			p.Observed, err = look(ctx, g.Desired, client, dir)
		}
		if err != nil && (len(goals) == 1 || ConcernsAll(ctx, err)) {
			return nil, err
		}
		if err != nil {
			p.Fail(err)
		}
		all = append(all, p)
	}
	if len(all) > 0 && !slices.ContainsFunc(all, func(p plan.Proposal) bool { return p.Failed == nil }) {
		return nil, all[0].Failed // nothing is left to go on with
	}
	return all, claim(ctx, all, goals, client)
}

// claim finds, where a set may be left out for a mistake in its users file, whose names are somebody's already: such a set may
// be the one that has them, and its file cannot be asked.
func claim(ctx context.Context, all plan.Proposals, goals []plan.Goal, client *cluster.Client) error {
	if !slices.ContainsFunc(goals, func(g plan.Goal) bool { return g.Partial && !g.TakesAway }) {
		return nil
	}
	described := map[string]bool{}
	var namespaces []string
	for _, p := range all {
		described[p.Desired.Set] = true
		if p.Failed == nil {
			namespaces = append(namespaces, p.Desired.LedgerNamespace)
		}
	}
	ledgers, _, err := client.Ledgers(ctx, namespaces)
	if err != nil {
		return err
	}
	ledgers = slices.DeleteFunc(ledgers, func(l plan.SetLedger) bool { return described[l.Set] })
	for i := range all {
		all[i].Observed.Claimed = plan.Claimed(ledgers, client.Earliest())
	}
	return nil
}
