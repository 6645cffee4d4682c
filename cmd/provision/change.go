package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/apply"
	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

// check refuses flags that make no sense.
func (f changeFlags) check() error {
	if f.Concurrency < 1 {
		return fmt.Errorf("--concurrency %d: must be at least 1", f.Concurrency)
	}
	return nil
}

func (f changeFlags) dry() bool { return f.DryRun == "server" }

// change carries plans out: what apply, destroy and revoke share.
type change struct {
	changeFlags
	path   string // the output directory
	format string // text, json, yaml; "": the caller has a document of its own
	client *cluster.Client
	s      view.Streams
	verb   view.Verb
	accept func(plan.Proposals) error // refuses, once everything was planned; may be nil
	broken usersfile.Errors           // mistakes in the users files, whose sets are left out

	holding holding          // while it is carried out
	taken   map[string]taken // by set: what was done before anything was waited for
}

// approver decides whether plans are carried out: a person who reads them, or a plan that was saved.
type approver interface {
	// first decides on plans before anything is held, and again on those that were computed under the locks: shown are the
	// ones that it approved first. The error is why not, and may have been told (exitCode). Both show the plans where a
	// person is to read them.
	first(ctx context.Context, c change, now plan.Proposals, v view.Page) error
	again(ctx context.Context, c change, shown, now plan.Proposals, v view.Page) error
}

// run is how all that changes anything goes: plan, approve, open the directory and lock, plan again, approve again, execute.
// The plans that it returns were executed, whatever the error; nil: nothing was begun.
func (c change) run(ctx context.Context, goals []plan.Goal, by approver) (plan.Proposals, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	read, err := outdir.OpenRead(c.path)
	if err != nil {
		return nil, err
	}
	defer read.Close()
	v := view.Page{Dir: c.path, Endpoint: c.client.Endpoint(), UID: c.client.UID(), All: c.ShowAll, Verb: c.verb, Broken: c.broken}
	shown, err := c.plan(ctx, goals, read)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	if err := by.first(ctx, c, shown, v); err != nil {
		return nil, err
	}
	if c.dry() || !shown.WillChange() && !read.Exists() {
		return shown, c.execute(ctx, shown, read, v)
	}
	c.takeFirst(ctx, shown)
	h, err := c.hold(ctx, shown, read)
	if err != nil {
		return c.ended(shown, err, v)
	}
	defer h.release()
	if !shown.WillChange() && len(c.taken) == 0 { // opening has cleared what a crash left
		return shown, c.execute(ctx, shown, h.dir, v)
	}
	again := func() (plan.Proposals, error) {
		now, err := c.planAgain(h, shown.Unlooked(goals), shown, at)
		if err == nil {
			err = by.again(h.held, c, shown, now, v)
		}
		return now, err
	}
	now, err := again()
	if err != nil && c.without(ctx, &h, shown) { // the lock was lost already
		now, err = again()
	}
	if err != nil {
		return c.ended(shown, c.orLost(h.held, err), v)
	}
	c.holding = h
	return now, c.execute(h.held, now, h.dir, v)
}

// plan computes plans, with all that only the API server knows of them.
func (c change) plan(ctx context.Context, goals []plan.Goal, dir *outdir.Dir) (plan.Proposals, error) {
	all, err := compute(ctx, goals, c.client, dir)
	if err == nil && c.accept != nil {
		err = c.accept(all)
	}
	if err == nil {
		err = observe.Complete(ctx, all, c.client, c.untold(nil))
	}
	return all, err
}

// unchanged is for how long what was asked of a plan holds that has not changed: a role may allow more by then, or a name be
// somebody's, while a person thinks about it.
const unchanged = time.Second

// planAgain plans once more under the lock: what was planned before it was held counts only if nothing has changed since. At is
// when that was. The error is also that of a lock that is lost meanwhile.
func (c change) planAgain(h holding, goals []plan.Goal, shown plan.Proposals, at time.Time) (plan.Proposals, error) {
	now, err := compute(h.held, goals, c.client, h.dir)
	if err != nil {
		return nil, err
	}
	for i := range now {
		c.taken[now[i].Set].from(&now[i])
	}
	if now.Same(shown) && time.Since(at) <= unchanged {
		for i := range now {
			now[i].Missing, now[i].Warnings = shown[i].Missing, shown[i].Warnings
		}
		return now, nil
	}
	return now, observe.Complete(h.held, now, c.client, c.untold(h.lockless))
}

// person approves by an answer on the terminal.
type person struct{ view.Question }

func (p person) first(ctx context.Context, c change, now plan.Proposals, v view.Page) error {
	if err := c.show(now, v); err != nil {
		return err
	}
	if c.dry() || !now.WillChange() {
		return nil
	}
	err := p.Ask(ctx, v, c.format, now)
	if errors.Is(err, view.ErrInterrupted) {
		return exitCode(exitInterrupted)
	}
	return err
}

// again asks anew if the plans do something else than those that were shown, or give more.
func (p person) again(ctx context.Context, c change, shown, now plan.Proposals, v view.Page) error {
	if now.Same(shown) && len(now.Graver(shown)) == 0 {
		return nil
	}
	fmt.Fprintln(c.s.Err, "the cluster or the directory has changed since; the plan now:")
	return p.first(ctx, c, now, v)
}

// show prints plans, and refuses them where the operator may apply none that changes anything.
func (c change) show(all plan.Proposals, v view.Page) error {
	if c.format == "text" || all.Blocked() {
		if err := v.Plans(c.s, c.format, all); err != nil {
			return err
		}
	}
	if all.Blocked() && !all.WillChange() {
		return errBlocked
	}
	return nil
}

// orLost is err, or that nothing was changed because the lock was lost, which is then behind whatever failed.
func (c change) orLost(held context.Context, err error) error {
	if cause := context.Cause(held); errors.Is(cause, cluster.ErrLockLost) {
		nothing := "nothing was changed"
		if len(c.taken) > 0 {
			nothing = "nothing else was changed"
		}
		return fmt.Errorf("%s: %w", nothing, cause)
	}
	return err
}

// execute carries plans out, shows how far it is, and reports.
func (c change) execute(ctx context.Context, all plan.Proposals, dir *outdir.Dir, v view.Page) error {
	if lost := errors.Is(context.Cause(ctx), cluster.ErrLockLost); ctx.Err() != nil && all.WillChange() && !(lost && all.TakesAway()) {
		return c.orLost(ctx, ctx.Err())
	}
	quiet := context.AfterFunc(ctx, func() {
		if !errors.Is(context.Cause(ctx), cluster.ErrLockLost) {
			c.s.Say(fmt.Sprintf("interrupted: what is under way has %v to end; interrupt again to stop at once", apply.DefaultGrace))
		}
	})
	defer quiet()
	lastWords := fmt.Sprintf("stopped at once: run `%s` again to go on; the keys of certificates in flight are kept", c.verb.Command)
	if c.dry() {
		lastWords = "stopped at once: it was a dry run, nothing was kept"
	}
	c.s.LastWords.Store(&lastWords)
	defer c.s.LastWords.Store(nil)
	var reports []apply.Report
	var left []string
	for _, p := range all {
		before, first := c.taken[p.Set]
		if !p.WillChange() {
			if first {
				reports = append(reports, apply.Report{Set: p.Set, Results: before.results})
			}
			continue
		}
		if ctx.Err() != nil && !(errors.Is(context.Cause(ctx), cluster.ErrLockLost) && p.TakesAway()) {
			left = append(left, p.Set)
			continue
		}
		var progress apply.Progress
		shown := c.s.Progress(&progress)
		report := apply.Run(ctx, p.Plan, c.client, dir, apply.Options{
			Concurrency: c.Concurrency, StallAfter: c.StallTimeout, DryRun: c.dry(), Progress: &progress, OnlyRemove: c.holding.onlyRemove(p.Set),
			ClientCAs: p.Observed.ClientCA, ClockSkew: c.ClockSkew,
		})
		report.Results = slices.Concat(before.results, report.Results)
		reports = append(reports, report)
		shown()
	}
	unprinted := v.Report(c.s, c.format, all, reports, c.dry())
	lost := errors.Is(context.Cause(ctx), cluster.ErrLockLost)
	if len(left) > 0 && !lost {
		fmt.Fprintf(c.s.Err, "not begun: the set %s\n", strings.Join(left, ", "))
	}
	switch {
	case unprinted != nil:
		return unprinted
	case len(left) > 0 && lost:
		return fmt.Errorf("the set %s was not begun: %w", strings.Join(left, ", "), context.Cause(ctx))
	case ctx.Err() != nil && !lost:
		return exitCode(exitInterrupted)
	}
	if err := outcome(reports); err != nil {
		return err
	}
	if n := all.LeftOut(); n > 0 {
		return fmt.Errorf("not all could be done: %s in the plan", view.Plural(n, "error"))
	}
	var refused []string
	for _, p := range all {
		if p.Blocked() {
			refused = append(refused, p.Set)
		}
	}
	if len(refused) > 0 {
		return fmt.Errorf("not begun, because you lack permissions: the set %s", strings.Join(refused, ", "))
	}
	if slices.ContainsFunc(all, func(p plan.Proposal) bool { return len(p.Missing) > 0 }) {
		return errors.New("not all could be done: you lack the permissions above")
	}
	return nil
}

// outcome is the exit of a run that went to its end, and whose report has been shown.
func outcome(reports []apply.Report) error {
	for _, r := range reports {
		if r.Stopped != nil || r.Unrecorded != nil || r.Count(apply.Done)+r.Count(apply.CopyStays) < len(r.Results) {
			return exitCode(exitError)
		}
	}
	return nil
}
