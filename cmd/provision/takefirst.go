package main

import (
	"cmp"
	"context"

	"provision/internal/apply"
	"provision/internal/plan"
	"provision/internal/view"
)

// taken is what was done of the plan of a set before anything was waited for.
type taken struct {
	block   *apply.Result           // nil: the plan does not change it
	stay    map[plan.ObjectKey]bool // bindings that could not be written as planned
	results []apply.Result
}

// from takes out of a later plan what was tried already and is not tried again.
func (t taken) from(p *plan.Proposal) {
	if t.block != nil {
		p.Block = nil
	}
	if len(t.stay) == 0 {
		return
	}
	var left []plan.Change[plan.Binding]
	for _, b := range p.Bindings {
		if b.Before == nil || !t.stay[b.Before.Key()] {
			left = append(left, b)
		}
	}
	p.Bindings = left
}

// ended is how a run ends that could not go on to its plans: with what was done before, if anything was.
func (c change) ended(shown plan.Proposals, err error, v view.Page) (plan.Proposals, error) {
	var reports []apply.Report
	for _, p := range shown {
		if t, first := c.taken[p.Set]; first {
			reports = append(reports, apply.Report{Set: p.Set, Results: t.results})
		}
	}
	if len(reports) == 0 {
		return nil, err
	}
	return shown, cmp.Or(v.Report(c.s, c.format, shown, reports, false), err)
}

// takeFirst does what revoke does before anything is waited for, and moves it from what the plans change to what they have found.
// Whatever fails is told, and not tried again.
func (c *change) takeFirst(ctx context.Context, shown plan.Proposals) {
	c.taken = map[string]taken{}
	for i, p := range shown {
		if !p.Desired.Revoke || !p.WillChange() {
			continue
		}
		first := p.Plan
		if len(p.Missing) > 0 {
			first.Bindings = nil // what can be done all the same is told with what cannot, once the lock was tried
		}
		block, bindings := apply.TakeFirst(ctx, first, c.client)
		if block == nil && len(bindings) == 0 {
			continue
		}
		t := taken{block: block, stay: map[plan.ObjectKey]bool{}}
		if block != nil {
			t.results = append(t.results, *block)
			if block.Status == apply.Done {
				shown[i].Observed.Block = p.Block.After
			}
			shown[i].Block = nil
		}
		var left []plan.Change[plan.Binding]
		for at, b := range p.Bindings {
			result, tried := bindings[at]
			if !tried {
				left = append(left, b)
				continue
			}
			t.results = append(t.results, result)
			if result.Status != apply.Done {
				t.stay[b.Before.Key()] = true
			}
		}
		shown[i].Bindings, c.taken[p.Set] = left, t
	}
}
