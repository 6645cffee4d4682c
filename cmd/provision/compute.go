package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	reissue, target := newNames(f.Reissue), newNames(f.Target)
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
		reissue.missedBy(d.Reissue(names))
		target.missedBy(d.Target(f.Target))
		d.Named = slices.Concat(f.Reissue, f.Target)
		list = append(list, plan.Goal{Source: set.Pos.File, Desired: d, Decide: plan.Compute, AllowDeletes: f.AllowDeletes, Partial: broken.LeaveOut()})
	}
	if err := cmp.Or(reissue.err("--reissue ", f.Reissue, sets), target.err("--target ", f.Target, sets)); err != nil {
		return nil, err
	}
	return list, nil
}

// names are those that a flag gives, and whether no set has had them so far.
type names map[string]bool

func newNames(list []string) names {
	n := names{}
	for _, name := range list {
		n[name] = true
	}
	return n
}

// missedBy keeps as unknown what one more set does not have.
func (n names) missedBy(list []string) {
	for name := range n {
		n[name] = n[name] && slices.Contains(list, name)
	}
}

// err is that no users file names the first of the users of a flag that is unknown, or nil.
func (n names) err(flag string, given []string, sets []usersfile.Set) error {
	for _, name := range given {
		if n[name] {
			return hint.With(fmt.Errorf("%s%s: the users file does not name this user", flag, name), view.Meant(name, flag, sets))
		}
	}
	return nil
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
