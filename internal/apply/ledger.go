package apply

import (
	"context"

	"provision/internal/plan"
)

// reconcile writes what the plan itself found missing in the ledger, and drops the records of requests that were deleted. One
// that was still pending can never be issued after that; one that was approved may have been issued in that very moment,
// and one that was sent twice may have been the first time, so their records stay. Without the lock it only notes
// that people left: all else may be somebody's work in progress.
func (r *run) reconcile(ctx context.Context) error {
	var put []plan.Record
	var drop []string
	noted := 0
	for _, c := range r.plan.Ledger.Records {
		left := c.After != nil && !c.After.Removed.IsZero()
		switch {
		case r.opts.OnlyRemove != nil && !left:
			continue
		case c.Op == plan.Delete:
			drop = append(drop, c.Before.KeyHash)
		default:
			put = append(put, *c.After)
		}
		noted++
	}
	for i, c := range r.plan.Requests {
		if r.requestResults[i].Status == Done && forgets(*c.Before) {
			drop = append(drop, c.Before.KeyHash)
		}
	}
	if len(put)+len(drop) == 0 {
		return nil
	}
	if err := r.ledger.Write(ctx, put, drop); err != nil {
		return err
	}
	r.recorded = noted
	return nil
}

// prepare opens the ledger and brings it up to date. With its error nothing is issued. A dry run asks here whether the namespace
// and the Lease could be made, which any other run has by then.
func (r *run) prepare() (err error) {
	if r.opts.DryRun {
		if r.plan.Ledger.CreateNamespace {
			r.notAsked = append(r.notAsked, NotAsked{Code: LedgerInNewNamespace, Namespace: r.plan.Ledger.Namespace})
			return r.client.CreateLedgerNamespace(r.work, r.plan.Ledger.Namespace)
		}
		if err := r.client.AskLease(r.work, r.plan.Ledger.Namespace, r.plan.Set); err != nil {
			return err
		}
	}
	ctx := r.work // ends with the lock: what was planned under it may be out of date then
	if r.opts.OnlyRemove != nil {
		ctx = r.taking.work
	}
	if r.ledger, err = r.client.OpenLedger(ctx, r.plan.Ledger.Namespace, r.plan.Set, r.plan.Ledger.CreateNamespace); err != nil {
		return err
	}
	return r.reconcile(ctx)
}
