package main

import (
	"cmp"
	"context"

	"provision/internal/apply"
	"provision/internal/plan"
	"provision/internal/view"
)

// ended is how a run ends that could not go on to its plans: with what was blocked before, if anything was.
func (c change) ended(shown plan.Proposals, err error, v view.Page) (plan.Proposals, error) {
	var reports []apply.Report
	for _, p := range shown {
		if blocked, first := c.blocked[p.Set]; first {
			reports = append(reports, apply.Report{Set: p.Set, Results: []apply.Result{blocked}})
		}
	}
	if len(reports) == 0 {
		return nil, err
	}
	return shown, cmp.Or(v.Report(c.s, c.format, shown, reports, false), err)
}

// blockFirst blocks what revoke blocks before anything is waited for, and moves it from what the plans change to what they have found;
// a failure is not tried again.
func (c *change) blockFirst(ctx context.Context, shown plan.Proposals) {
	c.blocked = map[string]apply.Result{}
	for i, p := range shown {
		if p.Block == nil || !p.Desired.Revoke || !p.WillChange() {
			continue
		}
		result := apply.BlockFirst(ctx, p.Plan, c.client)
		if result.Status == apply.Done {
			shown[i].Observed.Block = p.Block.After
		}
		c.blocked[p.Set], shown[i].Block = result, nil
	}
}
