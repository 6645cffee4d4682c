package apply

import (
	"context"
	"errors"
	"sync"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// TakeFirst does, before its locks are waited for and it is planned again, what of a plan takes away and is done by one write: it blocks
// certificates, and takes subjects out of bindings that get nobody instead. That needs no lock, and where there are thousands of users a
// second plan takes a second. It returns the result of the block, if the plan changes it, and those of the bindings that were tried, by
// their place in the plan.
func TakeFirst(ctx context.Context, p plan.Plan, client *cluster.Client) (block *Result, bindings map[int]Result) {
	first := plan.Plan{Set: p.Set, Ledger: p.Ledger, Block: p.Block}
	var at []int
	for i, h := range p.Handovers() {
		if len(h.Leaves) > 0 && !h.Gives && len(h.Moves) == 0 {
			first.Bindings, at = append(first.Bindings, p.Bindings[i]), append(at, i)
		}
	}
	r := newRun(ctx, first, client, outdir.Set{}, Options{})
	defer r.close()
	var beside sync.WaitGroup
	beside.Go(r.blockCertificates)
	beside.Go(r.grant)
	beside.Wait()
	if p.Block != nil {
		block = &r.block
	}
	bindings = map[int]Result{}
	for i, result := range r.bindings {
		if result.Status != NotStarted {
			bindings[at[i]] = result
		}
	}
	return block, bindings
}

// blockResult is that of the block, as not started.
func blockResult(p plan.Plan) Result {
	return notStarted(Block, plan.Object{Kind: "ValidatingAdmissionPolicy", Name: cluster.BlockName(p.Set)}, p.Block.Op, p.Block.Reasons)
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
