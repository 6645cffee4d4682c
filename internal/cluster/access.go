package cluster

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// Access is one binding, ours or anybody's, that grants something to a user or to a group in their certificates.
type Access struct {
	Binding plan.Binding
	Set     string       // the set that owns the binding, "" for a foreign one
	Subject plan.Subject // through whom
	Proof   string       // a question to the API server: "get pods -n x"; "" when the role has no rule to ask about
	Allowed bool         // its answer

	// These are questions about what no block at admission refuses, to which the API server says yes; "": there is none.
	Impersonates string // to act as others, whom admission sees instead
	Alters       string // to change webhooks and policies, the block among them
}

// proofs are the permissions that Accesses needs.
func proofs() []plan.Permission {
	return append(grantReads(), plan.Permission{Verb: "create", Group: authorizationv1.GroupName, Resource: "subjectaccessreviews"})
}

// Accesses finds, for each user with groups, every binding in the cluster that has the user or one of the groups as a subject,
// and asks the API server, as a SubjectAccessReview for that user and groups, about the first thing that its role allows.
// Bindings that every cluster has for everybody are left out. The bindings are listed once for all users.
func (c *Client) Accesses(ctx context.Context, users map[string][]string) (map[string][]Access, error) {
	who := map[plan.Subject]bool{}
	for user, groups := range users {
		for _, s := range plan.Identities(user, groups) {
			who[s] = true
		}
	}
	found, err := c.bindingsOf(ctx, who)
	if err != nil {
		return nil, c.withMissing(ctx, err, proofs())
	}
	by := map[string][]Access{}
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(parallelReviews)
	for user, groups := range users {
		theirs := plan.Identities(user, groups)
		list := slices.DeleteFunc(slices.Clone(found), func(a Access) bool { return !slices.Contains(theirs, a.Subject) })
		by[user] = list
		for i := range list {
			g.Go(func() error { return c.prove(each, &list[i], user, groups) })
		}
	}
	if err := g.Wait(); err != nil {
		return nil, c.withMissing(ctx, err, proofs())
	}
	return by, nil
}

// Granted finds what bindings grant to some subjects, and for each of some sets what of that is from outside the set, with
// what it is worth. It lists every binding in the cluster, once.
func (c *Client) Granted(ctx context.Context, who map[plan.Subject]bool, sets []plan.Desired) (plan.Holdings, []plan.Holdings, error) {
	all, outside := plan.Holdings{}, make([]plan.Holdings, len(sets))
	if len(who) == 0 {
		return all, outside, nil
	}
	found, err := c.bindingsOf(ctx, who)
	if err != nil {
		return nil, nil, c.withMissing(ctx, err, grantReads())
	}
	for _, a := range found {
		all[a.Subject] = append(all[a.Subject], plan.Held{Binding: a.Binding, Set: a.Set, Subject: a.Subject})
	}
	var bindings []plan.Binding
	for i, of := range sets {
		outside[i] = all.Outside(of.Set)
		bindings = append(bindings, outside[i].Bindings()...)
	}
	rules, err := c.RulesOf(ctx, bindings)
	if err != nil {
		return nil, nil, err
	}
	for i, of := range sets {
		outside[i] = outside[i].Judge(rules, of.LedgerNamespace)
	}
	return all, outside, nil
}

// bindingsOf lists every binding in the cluster that has one of the subjects.
func (c *Client) bindingsOf(ctx context.Context, who map[plan.Subject]bool) ([]Access, error) {
	var found []Access
	note := func(b plan.Binding, set string) {
		for i, s := range b.Subjects {
			if who[s] && !plan.Stock(s, b.Role(), b.RoleRef) && !slices.Contains(b.Subjects[:i], s) { // it may be there twice
				found = append(found, Access{Binding: b, Set: b.SetOf(set), Subject: s})
			}
		}
	}
	if err := c.eachClusterRoleBinding(ctx, metav1.ListOptions{}, note); err != nil {
		return nil, err
	}
	err := c.eachRoleBinding(ctx, metav1.ListOptions{}, note)
	return found, err
}

// prove asks about the first thing that a binding's role allows, and about what no block refuses.
func (c *Client) prove(ctx context.Context, a *Access, user string, groups []string) error {
	rules, err := c.Rules(ctx, a.Binding)
	probe, ok := probeOfAny(rules, a.Binding.Namespace)
	if errors.Is(err, ErrRoleMissing) || err == nil && !ok {
		return nil // a binding to nothing grants nothing
	}
	if err != nil {
		return err
	}
	a.Proof = probe.String()
	authenticated := append(slices.Clone(groups), "system:authenticated")
	if a.Subject.Anonymous() {
		user, authenticated = "system:anonymous", []string{"system:unauthenticated"}
	}
	if a.Allowed, err = c.mayAs(ctx, user, authenticated, probe); err != nil {
		return err
	}
	if a.Subject.Anonymous() { // whoever leaves out the certificate is not blocked anyway
		return nil
	}
	ask := func(right plan.Permission, is bool) (string, error) {
		if !is {
			return "", nil
		}
		probe := Probe{resource: attributes(right)}
		if yes, err := c.mayAs(ctx, user, authenticated, probe); !yes {
			return "", err
		}
		return probe.String(), nil
	}
	if a.Impersonates, err = ask(plan.Impersonation(a.Binding.Namespace, rules)); err != nil {
		return err
	}
	a.Alters, err = ask(plan.AltersAdmission(a.Binding.Namespace, rules))
	return err
}
