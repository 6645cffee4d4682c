package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// ErrNoNamespace reports that an object was not made because its namespace could not be.
var ErrNoNamespace = errors.New("its namespace could not be made")

// granting brings roles and bindings to what the plan says, in this order:
//
//  1. All that only takes away: rules leave a role, subjects leave a binding for good. This waits for nothing and nobody, needs no
//     lock, and goes on when the run is stopped by a failure elsewhere.
//  2. Namespaces that are not there, then roles, and what those of 1 gain: an operator without the verb bind can only bind a role that exists.
//  3. Bindings that give something. Each is written once, with its old and new subjects changed in that one write: nobody is
//     without access in between, and where it is refused the old ones stay, but for those who leave for good. One whose subjects are
//     followed in bindings that are made anew comes after these.
//  4. A right is taken away that its subject is to have another instead of, in another binding. It stays where that could not be
//     given, but only if that would have allowed as much: somebody who can have a grant refused must not keep a right by it.
//
// Each slot of its slices is written by the one goroutine that has the binding.
type granting struct {
	*run
	moved []plan.Handover
	given []bool          // a binding grants what the plan says
	seen  []*plan.Binding // a binding as the run knows it: as planned, or as it was left by an earlier step
	stays map[int]error   // bindings that keep somebody, and why
	// fresh are the namespaces that the run makes, and why one could not be made: nothing can be made in it.
	fresh map[string]error
}

// grant goes through the steps of granting, or through the first and the last where nothing may be given.
func (r *run) grant() {
	n := len(r.plan.Bindings)
	g := &granting{run: r, moved: r.plan.Handovers(), given: make([]bool, n), seen: make([]*plan.Binding, n), stays: map[int]error{}}
	for i, c := range r.plan.Bindings {
		g.seen[i] = c.Before
	}
	g.takeAway()
	if r.opts.OnlyRemove != nil {
		g.deleteRoles()
		return
	}
	g.createNamespaces()
	r.eachRole(func(i int, c plan.Change[plan.Role]) {
		less, gains, loses := plan.Lessened(c)
		if (c.Op == plan.Create || c.Op == plan.Update) && (gains || !loses) && r.roles[i].Status != Failed {
			if out, err := g.outOf(c.After.Namespace); out {
				r.settle(&r.roles[i], err)
				return
			}
			seen := c.Before
			if loses {
				less.UID, less.ResourceVersion = seen.UID, seen.ResourceVersion // a dry run has not written it
				seen = &less
			}
			r.write(&r.roles[i], func(ctx context.Context) error { return r.client.PutRole(ctx, r.plan.Set, *c.After, seen) })
		}
	})
	for _, last := range []bool{false, true} {
		r.eachBinding(func(i int, c plan.Change[plan.Binding]) {
			if g.moved[i].Last != last || !g.moved[i].Gives || g.given[i] || r.bindings[i].Status == Failed {
				return
			}
			if last && g.followed(g.moved[i].Moves) {
				g.moved[i].Moves = nil // they leave in the same write
			}
			g.settle(&r.bindings[i], g.give(i, c), len(g.moved[i].Moves) == 0)
		})
	}
	if r.start.Err() == nil { // else what was not given may only not have been tried
		g.withdraw()
		g.deleteRoles()
	}
}

// createNamespaces makes the namespaces that are not there, all at once.
func (g *granting) createNamespaces() {
	g.fresh = map[string]error{}
	each(g.plan.Namespaces, func(i int, c plan.Change[plan.Namespace]) {
		g.write(&g.namespaces[i], func(ctx context.Context) error { return g.client.CreateNamespace(ctx, g.plan.Set, c.After.Name) })
	})
	for i, c := range g.plan.Namespaces {
		switch one := g.namespaces[i]; one.Status {
		case Done:
			g.fresh[c.After.Name] = nil
		case Failed:
			g.fresh[c.After.Name] = fmt.Errorf("%w: %s", ErrNoNamespace, c.After.Name)
		case NotStarted, Pending:
		}
	}
}

// outOf reports whether nothing can be made in a namespace: it could not be made, or a dry run has not made it, which is no error.
func (g *granting) outOf(namespace string) (bool, error) {
	err, fresh := g.fresh[namespace]
	return fresh && (err != nil || g.opts.DryRun), err
}

// settle notes how a step of a binding's change ended; last says that none comes after it.
func (g *granting) settle(result *Result, err error, last bool) {
	if err != nil || last {
		g.run.settle(result, err)
	}
	g.fatal(err)
}

// takeAway is the first step: it takes away all that nothing is to follow. A binding of which some subjects leave and others come
// is written once, with both.
func (g *granting) takeAway() {
	fresh := map[plan.ObjectKey]bool{} // roles that have to be made before they are bound
	for _, c := range g.plan.Roles {
		if c.Op == plan.Create {
			fresh[c.After.Key()] = true
		}
	}
	g.eachRole(func(i int, c plan.Change[plan.Role]) {
		if less, gains, loses := plan.Lessened(c); loses {
			err := g.remove(func(ctx context.Context) error { return g.client.PutRole(ctx, g.plan.Set, less, c.Before) })
			if err != nil || !gains || g.opts.OnlyRemove != nil {
				g.takenRole(i, err)
			}
		}
	})
	g.eachBinding(func(i int, c plan.Change[plan.Binding]) {
		result, h := &g.bindings[i], g.moved[i]
		switch {
		case c.Op == plan.Delete && len(h.Moves) == 0:
			g.takenBinding(i, g.remove(func(ctx context.Context) error { return g.client.DeleteBinding(ctx, g.plan.Set, *c.Before) }))
		case c.Op == plan.Create && c.Before != nil: // ours, but made anew by somebody with another roleRef
			if err := g.remove(func(ctx context.Context) error { return g.client.DeleteBinding(ctx, g.plan.Set, *c.Before) }); err != nil {
				g.takenBinding(i, err)
			}
		case c.Op == plan.Update && h.Gives && len(h.Leaves) > 0 && !fresh[c.After.Role()] && g.opts.OnlyRemove == nil:
			if err := g.give(i, c); err != nil {
				g.settle(result, errors.Join(err, g.release(i, h.Leaves)), true)
			} else if len(h.Moves) == 0 {
				g.settle(result, nil, true)
			}
		case len(h.Leaves) > 0:
			err := g.release(i, h.Leaves)
			if err == nil && !g.opts.DryRun && !h.Gives && len(h.Moves) == 0 && len(c.After.Lacks(g.seen[i].Subjects)) > 0 {
				err = cluster.ErrEdited // by somebody who has put more into it since
			}
			if err != nil || !h.Gives && len(h.Moves) == 0 {
				g.takenBinding(i, err)
			}
		case c.Op == plan.Update && !h.Gives && len(h.Moves) == 0 && g.opts.OnlyRemove == nil: // subjects that stand in it twice
			g.settle(result, g.give(i, c), true)
		}
	})
}

// remove makes a call that only takes away.
func (g *granting) remove(call func(context.Context) error) error {
	return g.taking.limited(g.grants, call)
}

// release takes subjects out of the i-th binding of the plan, and notes what is left of it.
func (g *granting) release(i int, who []plan.Subject) error {
	return g.remove(func(ctx context.Context) error {
		var ended []plan.EndedGroup
		if after := g.plan.Bindings[i].After; after != nil {
			ended = after.Ended
		}
		left, err := g.client.Withdraw(ctx, g.plan.Set, *g.plan.Bindings[i].Before, who, ended)
		if err != nil {
			kept := &KeptError{Subjects: who, Err: err}
			if slices.ContainsFunc(who, func(s plan.Subject) bool { return s.Kind == rbacv1.GroupKind }) {
				kept.Leavers = g.plan.Bindings[i].Reasons[0].Leavers
			}
			return kept
		}
		if !g.opts.DryRun {
			now := *g.plan.Bindings[i].Before
			now.Subjects, now.ResourceVersion = left, ""
			g.seen[i] = &now
		}
		return nil
	})
}

// give makes the i-th binding grant what it is to grant. Subjects that lose it in a later step stay in it for now.
func (g *granting) give(i int, c plan.Change[plan.Binding]) error {
	seen := g.seen[i]
	if c.Op == plan.Create { // the one that was in its place is gone
		seen = nil
	}
	want := *c.After
	for _, m := range g.moved[i].Moves {
		want.Subjects = append(slices.Clip(want.Subjects), m.Subject)
	}
	if out, err := g.outOf(want.Namespace); out {
		g.given[i] = err == nil
		return err
	}
	err := g.limited(g.start, g.grants, func() error {
		if g.opts.DryRun && c.Op == plan.Create && c.Before != nil {
			return nil // dry, the old one is still there
		}
		return g.client.PutBinding(g.work, g.plan.Set, want, seen)
	})
	g.given[i] = err == nil
	if c.Op == plan.Update && err != nil {
		if stay := (&plan.Binding{Subjects: g.moved[i].Leaves}).Lacks(c.After.Lacks(c.Before.Subjects)); len(stay) > 0 {
			err = &KeptError{Subjects: stay, Unfollowed: true, Leavers: c.Reasons[0].Leavers, Err: err}
		}
	}
	return err
}

// followed reports whether what is to follow some subjects is there.
func (g *granting) followed(moves []plan.Move) bool {
	return !slices.ContainsFunc(moves, func(m plan.Move) bool {
		return slices.ContainsFunc(m.Heirs, func(h int) bool { return !g.given[h] })
	})
}

// deleteRoles deletes the roles that the file no longer has, unless a binding to one stays.
func (g *granting) deleteRoles() {
	needed := map[plan.ObjectKey]error{}
	for i, c := range g.plan.Bindings {
		if c.Op == plan.Delete && g.bindings[i].Status != Done {
			needed[c.Before.Role()] = g.stays[i] // nil: it was not tried
		}
	}
	g.eachRole(func(i int, c plan.Change[plan.Role]) {
		if c.Op != plan.Delete {
			return
		}
		if why, ok := needed[c.Before.Key()]; ok && (why != nil || g.opts.OnlyRemove != nil) {
			if why != nil {
				g.run.settle(&g.roles[i], why)
			}
			return
		}
		g.takenRole(i, g.remove(func(ctx context.Context) error { return g.client.DeleteRole(ctx, g.plan.Set, *c.Before) }))
	})
}

// eachBinding calls do for every change of a binding, all at once, and returns when all have ended.
func (r *run) eachBinding(do func(int, plan.Change[plan.Binding])) { each(r.plan.Bindings, do) }

// eachRole is eachBinding for roles.
func (r *run) eachRole(do func(int, plan.Change[plan.Role])) { each(r.plan.Roles, do) }

func each[T any](changes []plan.Change[T], do func(int, plan.Change[T])) {
	var all sync.WaitGroup
	for i, c := range changes {
		if c.Op != plan.Keep {
			all.Go(func() { do(i, c) })
		}
	}
	all.Wait()
}

// write makes one call that gives something, and fills its result.
func (r *run) write(result *Result, call func(context.Context) error) {
	err := r.limited(r.start, r.grants, func() error { return call(r.work) })
	r.settle(result, err)
	r.fatal(err)
}
