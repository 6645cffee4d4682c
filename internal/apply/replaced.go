package apply

import (
	"cmp"
	"context"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/plan"
)

// withdraw takes away what other bindings have replaced: of each binding the subjects that have what was to follow. It comes after
// all that the plan gives, and reads from g.given what of that was given.
func (g *granting) withdraw() {
	lacking := map[plan.ObjectKey]bool{} // bindings to these grant nothing
	for i, c := range g.plan.Roles {
		if c.Op == plan.Create && g.roles[i].Status != Done {
			lacking[c.After.Key()] = true
		}
	}
	failed := func(i int) bool { return !g.given[i] || lacking[g.plan.Bindings[i].After.Role()] }
	stays := make([]error, len(g.plan.Bindings))
	g.eachBinding(func(i int, c plan.Change[plan.Binding]) {
		h := g.moved[i]
		if len(h.Moves) == 0 || h.Gives && !g.given[i] {
			return
		}
		var held []plan.Subject
		held, stays[i] = g.unreplaced(c, h.Moves, failed)
		goes := (&plan.Binding{Subjects: held}).Lacks(subjectsOf(h.Moves))
		var err error
		switch {
		case c.Op == plan.Delete && len(held) == 0:
			err = g.remove(func(ctx context.Context) error { return g.client.DeleteBinding(ctx, g.plan.Set, *c.Before) })
		case len(goes) > 0:
			err = g.release(i, goes)
		}
		g.takenBinding(i, cmp.Or(err, stays[i]))
	})
	for i, err := range stays {
		if err != nil {
			g.stays[i] = err
		}
	}
}

// unreplaced finds the subjects that stay because something of what they were to get instead failed (one of several is enough), and
// why, as a *KeptError; nil: nobody stays. They keep what they have only if what they were to get allows as much. failed reports
// whether a binding, by its place in the plan, gives nothing.
func (g *granting) unreplaced(c plan.Change[plan.Binding], moves []plan.Move, failed func(int) bool) ([]plan.Subject, error) {
	var held []plan.Subject
	var heir plan.Object
	for _, m := range moves {
		at := slices.IndexFunc(m.Heirs, failed)
		if at < 0 || !g.covered(*c.Before, m.Heirs) {
			continue
		}
		held = append(held, m.Subject)
		heir = g.plan.Bindings[m.Heirs[at]].After.Object()
	}
	if len(held) == 0 {
		return nil, nil
	}
	return held, &KeptError{Subjects: held, Heir: heir, Leavers: c.Reasons[0].Leavers}
}

// covered reports whether some bindings together are to grant all that one does; heirs are their places in the plan. The same role
// does, unread. Any other that cannot be read does not.
func (g *granting) covered(b plan.Binding, heirs []int) bool {
	var rules []rbacv1.PolicyRule
	for _, i := range heirs {
		after := *g.plan.Bindings[i].After
		if after.RoleRef == b.RoleRef && (after.RoleRef.Kind == "ClusterRole" || after.Namespace == b.Namespace) {
			return true
		}
		more, err := g.rules(after)
		if err != nil {
			return false
		}
		rules = append(rules, more...)
	}
	old, err := g.rules(b)
	return err == nil && plan.Covers(rules, old)
}

// rules are what the role of a binding allows: as the plan has it if it is one of the set's.
func (g *granting) rules(b plan.Binding) ([]rbacv1.PolicyRule, error) {
	for _, c := range g.plan.Roles {
		if o := c.Object(); o.Key() == b.Role() && o.Kind() == b.RoleRef.Kind {
			return o.Rules, nil
		}
	}
	return g.client.Rules(g.work, b)
}

// subjectsOf lists who moves, in their order.
func subjectsOf(moves []plan.Move) []plan.Subject {
	list := make([]plan.Subject, 0, len(moves))
	for _, m := range moves {
		list = append(list, m.Subject)
	}
	return list
}
