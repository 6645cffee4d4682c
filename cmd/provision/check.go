package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/cluster"
	"provision/internal/plan"
	"provision/internal/spec"
)

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

// boundElsewhere looks for bindings outside the set. It warns of names that are given for the first time and are bound
// already: who gets such a certificate gets that too. Groups are often bound elsewhere on purpose: of them only what
// allows everything is told, and that nothing at all is bound to one. And of those whose certificates outlive them it
// keeps only the groups that anything is bound to.
func boundElsewhere(ctx context.Context, client *cluster.Client, p *computed) ([]plan.Warning, error) {
	fresh, stays := p.NewNames(p.observed), p.StillBound(p.observed)
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
	var ofGroups []plan.Binding
	for subject := range fresh {
		if subject.Kind == "Group" {
			ofGroups = append(ofGroups, found[subject]...)
		}
	}
	powerful := map[types.UID]bool{}
	if ofGroups, err = client.AllPowerful(ctx, ofGroups); err != nil {
		return nil, err
	}
	for _, b := range ofGroups {
		powerful[b.UID] = true
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
			bindings = slices.DeleteFunc(bindings, func(b plan.Binding) bool { return !powerful[b.UID] })
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
	for s := range p.NewNames(p.observed) {
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
		if !own[c.After.Role()] && c.After.RoleRef != plan.ClusterAdminRole { // both are told without asking
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
