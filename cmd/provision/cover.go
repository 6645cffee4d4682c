package main

import (
	"context"

	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

// coverFlags say which sets are looked at: those of users files, or all. Status and report share them.
type coverFlags struct {
	fileFlags
	AllSets bool `help:"Cover every set that the cluster has a ledger of, whether a users file describes it or not. No users file is needed."`
}

// load reads the users files. With --all-sets the default one need not be there.
func (f coverFlags) load(ctx context.Context, s view.Streams) ([]usersfile.Set, usersfile.Errors, error) {
	if f.AllSets {
		return f.loadAny(ctx, s)
	}
	return f.fileFlags.load(ctx, s)
}

// wanted are the sets to show: those of the users files, and with --all-sets those that only a ledger knows.
func (f coverFlags) wanted(ctx context.Context, client *cluster.Client, sets []usersfile.Set) ([]plan.Desired, *observe.Ledgers) {
	var list []plan.Desired
	described := map[string]bool{}
	for _, set := range sets {
		list = append(list, plan.Expand(set, client.Context()))
		described[set.Name] = true
	}
	if !f.AllSets {
		return list, nil
	}
	all := observe.AllLedgers(ctx, client, append(ledgerNamespaces(sets), usersfile.DefaultLedgerNamespace))
	for _, l := range all.List {
		if !described[l.Set] {
			list = append(list, plan.Desired{Set: l.Set, LedgerNamespace: l.Namespace, Unfiled: true})
		}
	}
	return list, &all
}
