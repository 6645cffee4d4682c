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

	"golang.org/x/sync/errgroup"

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

// check asks the API server what only it knows of a plan that is to be shown: what the operator lacks, and what new
// names are granted already.
func (all plans) check(ctx context.Context, client *cluster.Client) error {
	for i := range all {
		p := &all[i]
		g, ctx := errgroup.WithContext(ctx)
		var warnings, powerful, taken []plan.Warning
		g.Go(func() (err error) {
			warnings, err = boundElsewhere(ctx, client, p)
			return err
		})
		g.Go(func() (err error) {
			powerful, err = powerfulGrants(ctx, client, p.Plan)
			return err
		})
		g.Go(func() (err error) {
			taken, err = takenNames(ctx, client, p)
			return err
		})
		g.Go(func() (err error) {
			p.missing, err = client.Missing(ctx, p.Plan)
			if p.blocked() { // a dry run among the questions may stumble over a problem already found
				return nil
			}
			return err
		})
		if err := g.Wait(); err != nil {
			return err
		}
		p.Warnings = append(p.Warnings, slices.Concat(taken, warnings, powerful)...)
	}
	return nil
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

// boundElsewhere looks for bindings outside the set. It warns of names that are given for the first time and are bound
// already: who gets such a certificate gets that too. Groups are often bound elsewhere on purpose: of them only what
// allows everything is told, and that nothing at all is bound to one. And of those whose certificates outlive them it
// keeps only the groups that anything is bound to.
func boundElsewhere(ctx context.Context, client *cluster.Client, p *computed) ([]plan.Warning, error) {
	fresh, stays := newNames(p.Plan, p.observed), stillBound(p.Plan, p.observed)
	who := map[plan.Subject]bool{}
	for s := range fresh {
		who[s] = true
	}
	for _, w := range p.Warnings {
		if w.Code == plan.StillAuthenticates {
			for _, g := range w.Items {
				who[plan.Subject{Kind: "Group", Name: g}] = true
			}
		}
	}
	if len(who) == 0 {
		return nil, nil
	}
	found, err := client.GrantedElsewhere(ctx, p.Set, who)
	if err != nil {
		return nil, err
	}
	for i, w := range p.Warnings {
		if w.Code == plan.StillAuthenticates {
			p.Warnings[i].Items = slices.DeleteFunc(slices.Clone(w.Items), func(g string) bool {
				s := plan.Subject{Kind: "Group", Name: g}
				return !stays[s] && len(found[s]) == 0
			})
		}
	}
	var list []plan.Warning
	for _, subject := range slices.SortedFunc(maps.Keys(fresh), func(a, b plan.Subject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	}) {
		bindings := found[subject]
		w := plan.Warning{Code: plan.GrantedElsewhere, Name: plan.SubjectTexts([]plan.Subject{subject})[0]}
		switch {
		case subject.Kind == "User":
			w.User = subject.Name
		case len(bindings) == 0 && !stays[subject]:
			if slices.ContainsFunc(p.desired.SimilarGroups, func(g spec.SimilarGroup) bool { return g.Group == subject.Name }) {
				continue // that doubt is the same
			}
			list = append(list, plan.Warning{Code: plan.UnboundGroup, Name: subject.Name, Items: fresh[subject]})
			continue
		default:
			if bindings, err = client.AllPowerful(ctx, bindings); err != nil {
				return nil, err
			}
		}
		for _, b := range bindings {
			w.Items = append(w.Items, objectName(b.Kind(), b.Namespace, b.Name)+" ("+objectName(b.RoleRef.Kind, "", b.RoleRef.Name)+")")
		}
		if len(w.Items) > 0 {
			list = append(list, w)
		}
	}
	return list, nil
}

// takenNames looks whether names that are given for the first time are, or were, somebody's in another set whose ledger is
// in the same namespace.
func takenNames(ctx context.Context, client *cluster.Client, p *computed) ([]plan.Warning, error) {
	names := map[string]bool{}
	for s := range newNames(p.Plan, p.observed) {
		if s.Kind == "User" {
			names[s.Name] = true
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	others, err := client.OtherLedgers(ctx, p.Ledger.Namespace, p.Set, names)
	return plan.TakenNames(names, others, time.Now()), err
}

// powerfulGrants warns of roles that allow everything, which others made and which the plan grants to somebody new.
func powerfulGrants(ctx context.Context, client *cluster.Client, p plan.Plan) ([]plan.Warning, error) {
	own := map[plan.ObjectKey]bool{}
	for _, c := range p.Roles {
		if c.After != nil {
			own[plan.ObjectKey{Namespace: c.After.Namespace, Name: c.After.Name}] = true
		}
	}
	var grants []plan.Binding
	for _, c := range p.Bindings {
		if c.Op != plan.Create && c.Op != plan.Update {
			continue
		}
		key := plan.ObjectKey{Name: c.After.RoleRef.Name}
		if c.After.RoleRef.Kind == "Role" {
			key.Namespace = c.After.Namespace
		}
		if !own[key] && c.After.RoleRef.Name != "cluster-admin" { // both are told without asking
			grants = append(grants, *c.After)
		}
	}
	powerful, err := client.AllPowerful(ctx, grants)
	if err != nil {
		return nil, err
	}
	var list []plan.Warning
	for _, b := range powerful {
		list = append(list, plan.Warning{Code: plan.PowerfulGrant, Namespace: b.Namespace, Name: objectName(b.RoleRef.Kind, "", b.RoleRef.Name), Items: plan.SubjectTexts(b.Subjects)})
	}
	return list, nil
}

// newNames are the users who get their first certificate of the set, and the groups that a certificate has for the first
// time, with the users who get them.
func newNames(p plan.Plan, observed plan.Observed) map[plan.Subject][]string {
	had := map[string][]string{} // user -> groups
	for _, r := range observed.Ledger {
		had[r.User] = append(had[r.User], r.Groups...)
	}
	known := map[string]bool{}
	for _, r := range observed.Ledger {
		known[r.User] = true
	}
	who := map[plan.Subject][]string{}
	for _, u := range p.Users {
		after, before := u.Certificate.After, u.Certificate.Before
		if u.Certificate.Op == plan.Keep || after == nil {
			continue
		}
		groups := had[u.Name]
		if before != nil {
			groups = append(slices.Clone(groups), before.Groups...)
		} else if !known[u.Name] {
			who[plan.Subject{Kind: "User", Name: u.Name}] = []string{u.Name}
		}
		for _, g := range after.Groups {
			if !slices.Contains(groups, g) {
				s := plan.Subject{Kind: "Group", Name: g}
				who[s] = append(who[s], u.Name)
			}
		}
	}
	return who
}

// stillBound are the subjects of the bindings with the set's label as they are once the plan is done.
func stillBound(p plan.Plan, observed plan.Observed) map[plan.Subject]bool {
	after := map[plan.ObjectKey][]plan.Subject{}
	for _, b := range observed.Bindings {
		after[plan.ObjectKey{Namespace: b.Namespace, Name: b.Name}] = b.Subjects
	}
	for _, c := range p.Bindings {
		if c.Before != nil {
			delete(after, plan.ObjectKey{Namespace: c.Before.Namespace, Name: c.Before.Name})
		}
		if c.After != nil {
			after[plan.ObjectKey{Namespace: c.After.Namespace, Name: c.After.Name}] = c.After.Subjects
		}
	}
	bound := map[plan.Subject]bool{}
	for _, subjects := range after {
		for _, s := range subjects {
			bound[s] = true
		}
	}
	return bound
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
	return len(p.missing) > 0 || slices.ContainsFunc(p.Problems, func(problem plan.Problem) bool { return problem.Code.Blocks() })
}

// leftOut counts what these plans leave as it is because somebody else's object stands in the way.
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
