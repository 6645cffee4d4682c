package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// grant brings roles and bindings to what the plan says. What only takes away goes first: the rights of somebody who
// leaves must not live until others have theirs. Then roles, and the bindings that give something: who may not bind
// freely can only bind a role that exists. Last goes what somebody has something else instead of, so that nobody is
// without access in between, and it stays for those whose new grant failed.
func (r *run) grant() {
	moved := handovers(r.plan)
	r.eachBinding(func(i int, c plan.Change[plan.Binding]) {
		if c.Op == plan.Update && moved[i].gives {
			r.release(c, moved[i])
		}
		if moved[i].gives || len(moved[i].moves) > 0 {
			return
		}
		r.write(&r.bindings[i], func(ctx context.Context) error {
			if c.Op == plan.Delete {
				return r.client.DeleteBinding(ctx, *c.Before)
			}
			return r.client.PutBinding(ctx, r.plan.Set, *c.After)
		})
	})
	r.eachRole(func(i int, c plan.Change[plan.Role]) {
		if c.Op == plan.Create || c.Op == plan.Update {
			r.write(&r.roles[i], func(ctx context.Context) error { return r.client.PutRole(ctx, r.plan.Set, *c.After) })
		}
	})
	given := make([]bool, len(r.plan.Bindings))
	r.eachBinding(func(i int, c plan.Change[plan.Binding]) {
		if moved[i].gives {
			given[i] = r.give(&r.bindings[i], c, moved[i])
		}
	})
	r.withdraw(moved, given)
}

// release takes those out of a binding who lose it for good, before others are put into it: that may be refused. Whether
// it worked shows when the binding is written again.
func (r *run) release(c plan.Change[plan.Binding], h handover) {
	stay := slices.Concat(c.After.Subjects, subjectsOf(h.moves))
	rest := *c.Before
	rest.Subjects = slices.DeleteFunc(slices.Clone(rest.Subjects), func(s plan.Subject) bool { return !slices.Contains(stay, s) })
	if len(rest.Subjects) == len(c.Before.Subjects) {
		return
	}
	if err := r.limited(r.grants, func() error { return r.client.PutBinding(r.work, r.plan.Set, rest) }); err != nil {
		r.fatal(err)
	}
}

// give makes a binding grant what it is to grant, and for now also what those have of it who are to lose it later. It
// says whether that is so.
func (r *run) give(result *Result, c plan.Change[plan.Binding], h handover) bool {
	err := r.limited(r.grants, func() error {
		if c.Op == plan.Create && c.Before != nil { // ours, but made anew by somebody with another roleRef
			if err := r.client.DeleteBinding(r.work, *c.Before); err != nil || r.opts.DryRun { // dry, it is still there
				return err
			}
		}
		return r.client.PutBinding(r.work, r.plan.Set, granting(*c.After, subjectsOf(h.moves)))
	})
	if err != nil || len(h.moves) == 0 { // else withdraw has the last word
		r.settle(result, err)
	}
	if err != nil {
		r.fatal(err)
	}
	return err == nil
}

// withdraw takes away what others have replaced, then the roles that the file no longer says. given says which bindings
// give what the plan says.
func (r *run) withdraw(moved []handover, given []bool) {
	if r.start.Err() != nil {
		return // what was not given may only not have been tried
	}
	lacking := map[plan.ObjectKey]bool{} // bindings to these grant nothing
	for i, c := range r.plan.Roles {
		if c.Op == plan.Create && r.roles[i].Status != Done {
			lacking[plan.ObjectKey{Namespace: c.After.Namespace, Name: c.After.Name}] = true
		}
	}
	// One that somebody else's object stands in the way of is no reason to keep anything: else whoever may write one
	// binding could keep a right that is taken away.
	lost := make([]bool, len(given))
	for i, c := range r.plan.Bindings {
		err := r.bindings[i].Err
		lost[i] = c.After != nil && (!given[i] || lacking[c.After.Role()]) && !errors.Is(err, cluster.ErrEdited) && !errors.Is(err, cluster.ErrForeign)
	}
	failed := func(i int) bool { return lost[i] }
	stays := make([]error, len(r.plan.Bindings))
	r.eachBinding(func(i int, c plan.Change[plan.Binding]) {
		if len(moved[i].moves) == 0 || moved[i].gives && !given[i] {
			return
		}
		var held []plan.Subject
		if c.Before.RoleRef != plan.ClusterAdminRole { // that is better lost than kept
			held, stays[i] = r.unreplaced(moved[i].moves, failed)
		}
		r.write(&r.bindings[i], func(ctx context.Context) error {
			var err error
			switch {
			case c.Op == plan.Update:
				err = r.client.PutBinding(ctx, r.plan.Set, granting(*c.After, held))
			case len(held) == 0:
				err = r.client.DeleteBinding(ctx, *c.Before)
			case len(held) < len(c.Before.Subjects): // the others lose it all the same
				rest := *c.Before
				rest.Subjects = nil
				err = r.client.PutBinding(ctx, r.plan.Set, granting(rest, held))
			}
			return cmp.Or(err, stays[i])
		})
	})
	needed := map[plan.ObjectKey]error{}
	for i, err := range stays {
		if err != nil {
			needed[r.plan.Bindings[i].Before.Role()] = err
		}
	}
	r.eachRole(func(i int, c plan.Change[plan.Role]) {
		if c.Op != plan.Delete {
			return
		}
		if err := needed[plan.ObjectKey{Namespace: c.Before.Namespace, Name: c.Before.Name}]; err != nil {
			r.settle(&r.roles[i], err)
			return
		}
		r.write(&r.roles[i], func(ctx context.Context) error { return r.client.DeleteRole(ctx, *c.Before) })
	})
}

// unreplaced finds those who would be left with nothing because what they were to get failed.
func (r *run) unreplaced(moves []moving, failed func(int) bool) ([]plan.Subject, error) {
	var held []plan.Subject
	heir := ""
	for _, m := range moves {
		if at := slices.IndexFunc(m.heirs, failed); at >= 0 {
			held = append(held, m.subject)
			of := r.plan.Bindings[m.heirs[at]].After
			heir = strings.ToLower(of.Kind()) + "/" + of.Name
			if of.Namespace != "" {
				heir += " -n " + of.Namespace
			}
		}
	}
	if len(held) == 0 {
		return nil, nil
	}
	who := plan.SubjectTexts(held[:1])[0]
	if len(held) > 1 {
		who += fmt.Sprintf(" and %d more", len(held)-1)
	}
	return held, fmt.Errorf("%s: not taken away, because what was to follow it failed: %s", who, heir)
}

// granting is a binding with more subjects.
func granting(b plan.Binding, more []plan.Subject) plan.Binding {
	b.Subjects = slices.Concat(b.Subjects, more)
	return b
}

func subjectsOf(moves []moving) []plan.Subject {
	list := make([]plan.Subject, 0, len(moves))
	for _, m := range moves {
		list = append(list, m.subject)
	}
	return list
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

// leave removes the kubeconfigs of those who left and the keys that nothing will come of. Who has a pipeline is not
// among them.
func (r *run) leave() {
	for i, u := range r.plan.Users {
		if u.Kubeconfig.Op != plan.Remove && (!u.Abandon || u.Kubeconfig.Op == plan.Rewrite) {
			continue
		}
		r.settle(&r.users[i], r.limited(r.disk, func() error {
			if r.opts.DryRun {
				return nil
			}
			if u.Abandon {
				if err := r.dir.DropKey(r.plan.Set, u.Name, r.client.UID()); err != nil {
					return err
				}
			}
			if u.Kubeconfig.Op != plan.Remove {
				return nil
			}
			return r.dir.RemoveKubeconfig(u.Name, r.plan.Set, r.client.UID())
		}))
	}
}

// abandon deletes requests of ours that would only be issued behind our back. A request that was still pending can
// never be issued after that, so the ledger forgets it; one that was approved may have been issued in this very moment,
// and one that was sent twice may have been the first time, so their records stay.
func (r *run) abandon() {
	var drop []string
	var requests sync.WaitGroup
	for i, c := range r.plan.Requests {
		requests.Go(func() {
			r.write(&r.requestResults[i], func(ctx context.Context) error { return r.client.DeleteRequest(ctx, *c.Before) })
		})
	}
	requests.Wait()
	for i, c := range r.plan.Requests {
		if r.requestResults[i].Status == Done && forgets(*c.Before) {
			drop = append(drop, c.Before.KeyHash)
		}
	}
	if len(drop) == 0 || r.opts.DryRun {
		return
	}
	if err := r.ledger.Write(r.work, nil, drop, time.Now()); err != nil {
		r.stop(&StoppedError{err})
	}
}

// forgets says whether no certificate can come, or can have come, of a request that was deleted.
func forgets(r plan.Request) bool { return r.State == plan.Pending && r.Conforms && !r.Resent }

// write makes one call and fills its result.
func (r *run) write(result *Result, call func(context.Context) error) {
	err := r.limited(r.grants, func() error { return call(r.work) })
	r.settle(result, err)
	if err != nil {
		r.fatal(err)
	}
}
