package apply

import (
	"context"
	"errors"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// BlockFirst blocks what a plan blocks, before its locks are waited for: it takes away, so it needs none.
func BlockFirst(ctx context.Context, p plan.Plan, client *cluster.Client) Result {
	r := newRun(ctx, p, client, outdir.Set{}, Options{})
	defer r.close()
	r.blockCertificates()
	return r.block
}

// blockResult is that of the block, as not started.
func blockResult(p plan.Plan) Result {
	return notStarted(Block, plan.Object{Kind: "ValidatingAdmissionPolicy", Name: cluster.BlockName(p.Set)}, p.Block.Op)
}

// blockCertificates changes the block, and waits until the API server goes by it. Without the lock nothing is let through again.
func (r *run) blockCertificates() {
	c := r.plan.Block
	if c == nil {
		return
	}
	add, drop := plan.BlockDifference(*c)
	if r.opts.OnlyRemove != nil {
		drop = nil
	}
	err := r.taking.limited(r.grants, func(ctx context.Context) error {
		if err := r.client.PutBlock(ctx, r.plan.Set, add, drop); err != nil || r.opts.DryRun || c.Op == plan.Delete {
			return err
		}
		return r.client.InForce(ctx, r.plan.Set, r.plan.Ledger.Namespace)
	})
	if errors.Is(err, cluster.ErrNotProved) {
		r.block.Unproved, err = err, nil
	}
	r.taken(&r.block, err)
}
