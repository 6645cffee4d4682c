package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"provision/internal/cluster"
	"provision/internal/hint"
	"provision/internal/observe"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

// goals turns the sets of the users files into what apply wants.
func (f wishFlags) goals(sets []usersfile.Set, broken usersfile.Errors, client *cluster.Client) ([]plan.Goal, error) {
	unknown := map[string]bool{}
	for _, name := range f.Reissue {
		unknown[name] = true
	}
	var list []plan.Goal
	for _, set := range sets {
		d := plan.Expand(set, client.Context())
		d.RebuildLedger, d.ReissueMissing, d.Forget = f.RebuildLedger, f.ReissueMissing, f.ForgetCluster
		d.RenewElsewhere = f.RenewElsewhere
		names := f.Reissue
		if f.ReissueAll {
			names = nil
			for _, u := range set.Users {
				names = append(names, u.Name)
			}
		}
		missed := map[string]bool{}
		for _, name := range d.Reissue(names) {
			missed[name] = true
		}
		for name := range unknown {
			unknown[name] = unknown[name] && missed[name]
		}
		list = append(list, plan.Goal{Source: set.Pos.File, Desired: d, Decide: plan.Compute, AllowDeletes: f.AllowDeletes, Partial: broken.LeaveOut()})
	}
	for _, name := range f.Reissue {
		if unknown[name] {
			return nil, hint.With(fmt.Errorf("--reissue %s: the users file does not name this user", name), view.Meant(name, "--reissue ", sets))
		}
	}
	return list, nil
}

// compute observes and plans every set. All commands share it, so that what is shown is what is done.
func compute(ctx context.Context, goals []plan.Goal, client *cluster.Client, dir *outdir.Dir) (plan.Proposals, error) {
	all, err := observe.All(ctx, goals, client, dir)
	if err != nil {
		return nil, err
	}
	all.Decide(goals, time.Now())
	if observe.Fronts(ctx, all, goals, client) {
		all.Decide(goals, time.Now())
	}
	return all, nil
}

// errBlocked is what apply says after plans none of which the operator may apply.
var errBlocked = errors.New("nothing was changed: you lack the permissions above")
