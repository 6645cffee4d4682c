package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/spec"
)

// intent is what one set is to become, and how that is decided.
type intent struct {
	source       string // the users file
	desired      plan.Desired
	decide       func(plan.Desired, plan.Observed, time.Time) plan.Plan
	allowDeletes int // of all sets together
}

// intents turns the sets of the users files into what apply wants.
func (f wishFlags) intents(sets []spec.Set, client *cluster.Client) ([]intent, error) {
	unknown := map[string]bool{}
	for _, name := range f.Reissue {
		unknown[name] = true
	}
	var list []intent
	for _, set := range sets {
		d := plan.Expand(set, client.Endpoint())
		d.RebuildLedger, d.ReissueMissing = f.RebuildLedger, f.ReissueMissing
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
		list = append(list, intent{set.Pos.File, d, plan.Compute, f.AllowDeletes})
	}
	for _, name := range f.Reissue {
		if unknown[name] {
			return nil, fmt.Errorf("--reissue %s: the users file does not name this user", name)
		}
	}
	return list, nil
}

// computed is a plan together with what it was computed from, and what the operator may not do of it.
type computed struct {
	plan.Plan
	source   string
	cluster  string // UID
	operator string // the user who runs this
	desired  plan.Desired
	observed plan.Observed
	missing  []plan.Permission
}

// inputs are the versions of what the plan was computed from.
func (p computed) inputs() plan.Inputs {
	return plan.InputsOf(p.source, p.cluster, p.desired, p.observed)
}

// plans are the plans of all sets of the users files.
type plans []computed

// compute observes and plans every set. All commands share it, so that what is shown is what is done.
func compute(ctx context.Context, intents []intent, client *cluster.Client, dir *outdir.Dir) (plans, error) {
	var all plans
	for _, in := range intents {
		observed, err := observe(ctx, in.desired, client, dir)
		if err != nil {
			return nil, err
		}
		all = append(all, computed{in.decide(in.desired, observed, time.Now()), in.source, client.UID(), client.Username(), in.desired, observed, nil})
	}
	together := make([]*plan.Plan, len(all))
	for i := range all {
		together[i] = &all[i].Plan
	}
	if len(intents) > 0 {
		plan.Agree(together, intents[0].allowDeletes)
	}
	return all, nil
}

// observe looks at the cluster and at the directory.
func observe(ctx context.Context, desired plan.Desired, client *cluster.Client, dir *outdir.Dir) (plan.Observed, error) {
	var files map[string]plan.File
	var keys map[string]plan.Key
	observed, err := client.Observe(ctx, desired, func() (err error) {
		files, keys, err = dir.Observe(desired.Set, client.UID())
		return err
	})
	if err != nil {
		return observed, err
	}
	observed.Files, observed.Keys = files, keys
	observed.ClientCA, err = accepted(ctx, observed, client, dir)
	return observed, err
}

// accepted leaves out the CAs whose certificates the API server takes no longer. It has to be asked: the list that it
// publishes keeps every CA until that expires. That is one login for each CA that signed any of the kubeconfigs, and
// none while the cluster has never changed its CA.
func accepted(ctx context.Context, observed plan.Observed, client *cluster.Client, dir *outdir.Dir) ([]*x509.Certificate, error) {
	if len(observed.ClientCA) < 2 {
		return observed.ClientCA, nil
	}
	var list []*x509.Certificate
	for _, ca := range observed.ClientCA {
		user, ok := signedBy(ca, observed.Files, time.Now())
		if ok {
			entry, err := dir.ReadEntry(user, client.UID())
			if err != nil {
				return nil, err
			}
			if ok, err := client.Accepts(ctx, entry); err != nil {
				return nil, err
			} else if !ok {
				continue
			}
		}
		list = append(list, ca)
	}
	return list, nil
}

// signedBy finds the user whose certificate of a CA is the furthest from both ends of its validity: the API server's
// clock may differ from this one, and a refusal must not be about the time.
func signedBy(ca *x509.Certificate, files map[string]plan.File, now time.Time) (string, bool) {
	margin := make(map[string]time.Duration)
	for user, f := range files {
		if f.State != plan.FileOurs || f.Leaf == nil || !f.KeyMatches {
			continue
		}
		if m := min(now.Sub(f.Leaf.NotBefore), f.Leaf.NotAfter.Sub(now)); m > 0 {
			margin[user] = m
		}
	}
	for _, user := range slices.SortedFunc(maps.Keys(margin), func(a, b string) int {
		return cmp.Or(cmp.Compare(margin[b], margin[a]), cmp.Compare(a, b))
	}) {
		if plan.SignedByAny(files[user].Leaf, []*x509.Certificate{ca}) {
			return user, true
		}
	}
	return "", false
}

func (all plans) changes() bool {
	for _, p := range all {
		if p.Changes() {
			return true
		}
	}
	return false
}

// blocked says whether anything must be mended before these plans can be applied.
func (all plans) blocked() bool {
	return slices.ContainsFunc(all, computed.blocked)
}

func (p computed) blocked() bool {
	return len(p.missing) > 0 || p.Blocked()
}

// leftOut counts what these plans leave as it is because somebody else's object or file stands in the way.
func (all plans) leftOut() int {
	n := 0
	for _, p := range all {
		for _, problem := range p.Problems {
			if !problem.Code.Blocks() {
				n++
			}
		}
	}
	return n
}

// same says whether these plans do what those do.
func (all plans) same(those plans) bool {
	if len(all) != len(those) {
		return false
	}
	for i := range all {
		if !plan.Same(all[i].Plan, those[i].Plan) {
			return false
		}
	}
	return true
}

func (all plans) render(s streams, format string, v view) error {
	if format == "text" {
		for i, p := range all {
			v.render(s.out, s.outStyle, p, i)
		}
		return nil
	}
	return printDocument(s.out, format, planDocument(all, v))
}

// errBlocked is what apply says after a plan that cannot be applied.
var errBlocked = errors.New("the plan has errors: nothing was changed")
