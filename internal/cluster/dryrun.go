package cluster

import (
	"context"
	"fmt"
	"strings"

	"provision/internal/plan"
)

// dryRun tries one change of a plan without making it, to find out whether the operator needs a permission for it.
type dryRun struct {
	need plan.Permission
	do   func(context.Context) error
}

// notNeeded finds out which of the refused permissions to bind and to escalate a plan does not need, because the operator
// holds every rule that it grants. The API server compares rules in a dry run as well, so it decides:
//
//	change of the plan                        permission   decided by
//	a role is created or gets other rules     escalate     a dry run of that
//	a role that is there is bound             bind         a dry run of that
//	a role that the plan writes is bound      bind         the dry run of the role: it is not there yet, or has other rules
//
// Where several changes need one permission, each of them must pass. A change that would fail for any other reason passes:
// the plan or the run tells that reason.
func (c *Client) notNeeded(ctx context.Context, p plan.Plan, refused []plan.Permission) (map[plan.Permission]bool, error) {
	isRefused := map[plan.Permission]bool{}
	for _, r := range refused {
		isRefused[r] = true
	}
	dry := c.DryRun()
	dry.once = true
	var runs []dryRun
	written := map[plan.ObjectKey]plan.Permission{} // roles that the plan writes -> what that needs
	for _, r := range p.Roles {
		if r.Op != plan.Create && r.Op != plan.Update {
			continue
		}
		need := escalates(strings.ToLower(r.After.Kind())+"s", r.After.Namespace, plan.EscalateName(r))
		written[r.After.Key()] = need
		if isRefused[need] {
			runs = append(runs, dryRun{need, func(ctx context.Context) error { return dry.PutRole(ctx, p.Set, *r.After, r.Before) }})
		}
	}
	follows := map[plan.Permission]plan.Permission{} // bind -> the escalate that decides it
	for _, b := range p.Bindings {
		if b.Op != plan.Create && b.Op != plan.Update {
			continue
		}
		need := binds(*b.After)
		if !isRefused[need] {
			continue
		}
		if escalate, ok := written[b.After.Role()]; ok {
			follows[need] = escalate
			continue
		}
		seen := b.Before
		if b.Op == plan.Create { // another object in its place is deleted first
			seen = nil
		}
		runs = append(runs, dryRun{need, func(ctx context.Context) error { return dry.PutBinding(ctx, p.Set, *b.After, seen) }})
	}
	passed, err := pass(ctx, runs)
	if err != nil {
		return nil, err
	}
	for bind, escalate := range follows {
		// An operator who may write the role only by the verb escalate does not hold its rules, and may not bind it.
		passed[bind] = isRefused[escalate] && passed[escalate]
	}
	return passed, nil
}

// pass makes the dry runs at once and returns which permissions none of them lacked. The error is one that concerns them
// all.
func pass(ctx context.Context, runs []dryRun) (map[plan.Permission]bool, error) {
	lacks := make([]bool, len(runs))
	err := atOnce(ctx, len(runs), func(ctx context.Context, i int) error {
		err := runs[i].do(ctx)
		lacks[i] = isPermissionError(err)
		if err != nil && !lacks[i] && (ctx.Err() != nil || Fatal(err)) {
			return fmt.Errorf("try %s %s: %w", runs[i].need.Verb, runs[i].need.Resource, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	passed := map[plan.Permission]bool{}
	for i, run := range runs {
		earlier, again := passed[run.need]
		passed[run.need] = !lacks[i] && (earlier || !again)
	}
	return passed, nil
}
