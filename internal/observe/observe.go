// Package observe looks at what there is, on both sides of what a plan compares: in the cluster and in the output directory.
// It decides nothing and changes nothing, as package apply compares nothing.
package observe

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// Set looks at all that a set has, with a number of requests that does not depend on the number of its users. The error may
// be that of an operator without permission (cluster.PermissionError), and then tells of all that they lack.
//
// The ledger is read last, after the requests and the directory: an apply that is under way writes it first, so whatever
// certificate those show stands in it. The other way around, one might be missing. For revoke that does not matter, which cannot
// wait: what it takes before it holds the lock it takes from whatever certificate any of the three shows, and under the lock nobody
// issues any.
func Set(ctx context.Context, desired plan.Desired, client *cluster.Client, dir *outdir.Dir) (plan.Observed, error) {
	var o plan.Observed
	g, parallel := errgroup.WithContext(ctx)
	g.Go(func() error { return client.ObserveGrants(parallel, desired, &o) })
	g.Go(func() error { return client.ObserveBlock(parallel, desired, &o) })
	g.Go(func() error {
		before, first := errgroup.WithContext(parallel)
		before.Go(func() error { return client.ObserveRequests(first, desired, &o) })
		before.Go(func() error {
			seen, err := dir.Of(desired.Set, client.UID()).Observe(desired.Leavers...)
			o.Files, o.Keys, o.Misplaced = seen.Files, seen.Keys, seen.Misplaced
			return err
		})
		if desired.Revoke {
			before.Go(func() error { return client.ObserveLedger(first, desired, &o) })
		}
		if err := before.Wait(); err != nil || desired.Revoke {
			return err
		}
		return client.ObserveLedger(parallel, desired, &o)
	})
	err := client.AllMissing(ctx, g.Wait(), desired.LedgerNamespace)
	if err == nil && (plan.Nameless(desired, o) || len(desired.KeysWanted()) > 0) {
		err = elsewhere(ctx, desired, client, &o)
	}
	o.ClockAhead, o.OperatorKey = client.ClockAhead(), client.OperatorKey()
	return o, err
}

// elsewhere notes who has a name in another set, and which keys of users' own requests another set has used. Taking away goes on where
// that cannot be read: then a name counts as nobody else's.
func elsewhere(ctx context.Context, desired plan.Desired, client *cluster.Client, o *plan.Observed) error {
	ledgers, _, err := client.Ledgers(ctx, []string{desired.LedgerNamespace})
	if err != nil && !desired.Revoke && !desired.Destroy || ctx.Err() != nil {
		return err
	}
	ledgers = slices.DeleteFunc(ledgers, func(l plan.SetLedger) bool { return l.Set == desired.Set })
	if plan.Nameless(desired, *o) {
		o.NamesElsewhere = plan.Claimed(ledgers, client.Earliest())
	}
	ledgers, err = trusted(ctx, ledgers, desired, client)
	if err != nil && !desired.Revoke && !desired.Destroy || ctx.Err() != nil {
		return err
	}
	o.KeysElsewhere = plan.KeysUsed(ledgers, desired.KeysWanted())
	return nil
}

// trusted are those ledgers that list keys of users' own requests and that not anybody can have invented: in namespaces that provision
// made, and in that of the set's own ledger.
func trusted(ctx context.Context, ledgers []plan.SetLedger, desired plan.Desired, client *cluster.Client) ([]plan.SetLedger, error) {
	keys := desired.KeysWanted()
	var list []plan.SetLedger
	var in []string
	for _, l := range ledgers {
		if len(plan.KeysUsed([]plan.SetLedger{l}, keys)) > 0 {
			list, in = append(list, l), append(in, l.Namespace)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	ours, err := client.MadeForLedgers(ctx, in)
	return slices.DeleteFunc(list, func(l plan.SetLedger) bool {
		return l.Namespace != desired.LedgerNamespace && !slices.Contains(ours, l.Namespace)
	}), err
}

// Accepted is Set without the CAs whose certificates the API server accepts no longer. It finds them by logging in as some users,
// once for each CA, and not where the cluster has only one.
func Accepted(ctx context.Context, desired plan.Desired, client *cluster.Client, dir *outdir.Dir) (plan.Observed, error) {
	o, err := Set(ctx, desired, client, dir)
	if err == nil {
		err = acceptedCAs(ctx, &o, client, dir.Of(desired.Set, client.UID()))
	}
	return o, err
}
