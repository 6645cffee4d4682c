package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/view"
)

// holding is what a change holds while it is carried out: the directory and the Lease of every set. For what it could not get it
// has the reason; then only what takes rights away is done.
type holding struct {
	held     context.Context // ends when a Lease is lost
	dir      *outdir.Dir
	lockless error            // nothing is held
	unlocked map[string]error // by set: its Lease is not
	release  func()
}

// onlyRemove is why a set may only lose; nil: it may have all that its plan says.
func (h holding) onlyRemove(set string) error { return cmp.Or(h.lockless, h.unlocked[set]) }

// hold waits for the directory and the Leases, for all together no longer than --lock-timeout. Where something is to be taken
// away and it cannot get them, it goes on without: they might be held by somebody who is to lose a right. The error is why nothing
// can be done; otherwise the caller releases what it gets.
func (c change) hold(ctx context.Context, shown plan.Proposals, read *outdir.Dir) (holding, error) {
	h := holding{held: ctx, dir: read, release: func() {}}
	until := time.Now().Add(c.LockTimeout)
	dir, err := c.openWrite(ctx, shown.Changes())
	if err == nil {
		h.dir, h.release = dir, func() { dir.Close() }
		if !shown.WillChange() {
			return h, nil
		}
		var release func()
		if h.held, h.unlocked, release, err = c.lock(ctx, shown, dir, until); err == nil {
			for _, set := range slices.Sorted(maps.Keys(h.unlocked)) {
				at := slices.IndexFunc(shown, func(p plan.Proposal) bool { return p.Set == set })
				if shown[at].WillChange() {
					c.s.Unlocked(h.unlocked[set], shown[at].TakesAway())
				}
			}
			h.release = func() {
				release()
				dir.Close()
			}
			return h, nil
		}
		h.held = ctx
	}
	h.lockless = err
	if ctx.Err() != nil || !shown.TakesAway() {
		h.release()
		return h, err
	}
	c.s.Lockless(err)
	return h, nil
}

// without goes on without a lock that was lost, if something is to be taken away, and reports whether it does.
func (c change) without(ctx context.Context, h *holding, all plan.Proposals) bool {
	lost := context.Cause(h.held)
	if ctx.Err() != nil || !errors.Is(lost, cluster.ErrLockLost) || !all.TakesAway() {
		return false
	}
	h.held, h.lockless, h.unlocked = ctx, lost, nil
	c.s.Lockless(lost)
	return true
}

// untold is what observe.Complete tells where nothing is given, by this command or because of what it does without; nil elsewhere.
func (c change) untold(lockless error) func(error) {
	if c.verb == view.Apply && lockless == nil {
		return nil
	}
	return c.s.Untold
}

// openWrite opens the output directory for changing, and warns if what is about to be written there may not last.
func (c change) openWrite(ctx context.Context, changes bool) (*outdir.Dir, error) {
	dir, err := outdir.OpenWrite(ctx, c.path, c.LockTimeout)
	if err != nil || !changes {
		return dir, err
	}
	if why := dir.Unsynced(); why != nil {
		c.s.Unsynced(c.path, why)
	}
	return dir, nil
}

// lock takes the Lease of every set, in the order of their names so that two runs cannot wait for each other. It locks a set that
// does not change as planned so far, too: all are planned again under the lock, and then it may. A set whose Lease it cannot get
// does not stop the others, unless it is the only one, or the reason concerns all: it is in unlocked, with the reason. Held ends
// when a Lease is lost. It waits until a moment for all of them together; after that it tries each of the others once.
func (c change) lock(ctx context.Context, all plan.Proposals, dir *outdir.Dir, until time.Time) (held context.Context, unlocked map[string]error, release func(), err error) {
	id, err := dir.ID()
	if err != nil {
		return nil, nil, nil, err
	}
	host, _ := os.Hostname()
	path, err := filepath.Abs(dir.Path())
	if err != nil {
		path = dir.Path()
	}
	holder := fmt.Sprintf("%s on %s, directory %s (%s)", c.client.Username(), host, path, id)
	var locks []*cluster.Lock
	release = func() {
		for _, l := range locks {
			l.Release()
		}
	}
	ordered := slices.Clone(all)
	slices.SortFunc(ordered, func(a, b plan.Proposal) int { return cmp.Compare(a.Set, b.Set) })
	unlocked = map[string]error{}
	held = ctx
	for _, p := range ordered {
		if p.Failed != nil {
			continue
		}
		with, l, lockErr := c.client.Lock(held, p.Ledger.Namespace, p.Set, holder, max(0, time.Until(until)))
		if lockErr != nil {
			if unlocked[p.Set], err = lockErr, lockErr; observe.ConcernsAll(held, err) {
				break
			}
			continue
		}
		held = with
		locks = append(locks, l)
	}
	if err != nil && (observe.ConcernsAll(held, err) || len(locks) == 0) {
		release()
		return nil, nil, nil, err
	}
	return held, unlocked, release, nil
}
