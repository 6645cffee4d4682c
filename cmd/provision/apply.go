package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"provision/internal/apply"
	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/spec"
)

type applyCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	wishFlags
	changeFlags
	Plan string `arg:"" optional:"" placeholder:"PLAN" help:"A plan that provision plan --save wrote: exactly this is done, and nothing is asked."`
}

func (c *applyCmd) Help() string {
	return `Shows the plan, asks, and carries it out: roles and bindings, and for each user a private key, an approved
CertificateSigningRequest, and a kubeconfig in the output directory. Ctrl-C: what is in flight gets 10 s to end; again,
and it stops at once. What is interrupted is resumed by the next apply.

Examples:
  provision apply
  provision apply -f users.yaml -d /secure/kubeconfigs --yes    # in CI
  provision apply --dry-run=server
  provision apply team.plan                                     # from provision plan --save team.plan
  provision apply -f users.yaml -d kubeconfigs team.plan        # the same, and only for these

Exit status: 0 done, 1 error or some users failed, 130 interrupted.`
}

func (c *applyCmd) Run(ctx context.Context, s streams, line *kong.Context) error {
	if c.Plan != "" {
		return c.applySaved(ctx, s, line)
	}
	ask, err := newQuestion(s, c.Yes || c.dry())
	if err != nil {
		return err
	}
	sets, err := spec.Load(c.Filename, s.in)
	if err != nil {
		return err
	}
	client, err := c.open(ctx, sets)
	if err != nil {
		return err
	}
	intents, err := c.intents(sets, client)
	if err != nil {
		return err
	}
	ch := change{c.changeFlags, c.OutputDir, c.Output, client, s, verbApply, nil}
	_, err = ch.run(ctx, intents, ask)
	return err
}

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
	format string // text, json, yaml; "quiet": no report, the caller has a document of its own
	client *cluster.Client
	s      streams
	verb   verb
	accept func() error // refuses, once everything was planned; may be nil
}

// verb is what a change is called where its plan is shown and asked about.
type verb struct{ question, nothing string }

var (
	verbApply   = verb{"Apply these changes?", ""} // the plan says what is as the file says
	verbRevoke  = verb{"Revoke?", "nothing to revoke: no binding of the set, no kubeconfig and no record is left to change"}
	verbDestroy = verb{"Destroy?", "nothing to destroy: no role, no binding and no kubeconfig of the set is there"}
)

// run plans, shows, asks, locks, plans again, and executes. What was planned before the lock was held counts only if
// nothing has changed since.
func (c change) run(ctx context.Context, intents []intent, ask question) (plans, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	read, err := outdir.OpenRead(c.path)
	if err != nil {
		return nil, err
	}
	defer read.Close()
	v := view{dir: read, endpoint: c.client.Endpoint(), all: c.ShowAll, nothing: c.verb.nothing}
	shown, err := compute(ctx, intents, c.client, read)
	if err != nil {
		return nil, err
	}
	if c.accept != nil {
		if err := c.accept(); err != nil {
			return nil, err
		}
	}
	if err := shown.check(ctx, c.client); err != nil {
		return nil, err
	}
	if err := c.show(shown, v); err != nil {
		return nil, err
	}
	at := time.Now()
	if c.dry() {
		return shown, c.execute(ctx, shown, read, v)
	}
	if shown.changes() {
		if err := c.confirm(ctx, ask, shown, v); err != nil {
			return nil, err
		}
	} else if !read.Exists() {
		return shown, c.execute(ctx, shown, read, v)
	}
	dir, err := outdir.OpenWrite(ctx, c.path, c.LockTimeout)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if !shown.changes() { // opening has cleared what a crash left
		return shown, c.execute(ctx, shown, dir, v)
	}
	held, release, err := c.lock(ctx, shown, dir)
	if err != nil {
		return nil, err
	}
	defer release()
	now, err := compute(held, intents, c.client, dir)
	if err != nil {
		return nil, orLost(held, err)
	}
	// What a role allows, or who has a name, may be another while somebody thinks about it.
	changed := !now.same(shown)
	if changed || time.Since(at) > time.Second {
		if err := now.check(held, c.client); err != nil {
			return nil, orLost(held, err)
		}
	}
	if changed || now.blocked() || len(graver(shown, now)) > 0 {
		fmt.Fprintln(c.s.err, "the cluster or the directory has changed since; the plan now:")
		if err := c.show(now, v); err != nil {
			return nil, err
		}
		if now.changes() {
			if err := c.confirm(held, ask, now, v); err != nil {
				return nil, orLost(held, err)
			}
		}
	}
	v.dir = dir
	return now, c.execute(held, now, dir, v)
}

// show prints plans and refuses those that cannot be applied.
func (c change) show(all plans, v view) error {
	if c.format == "text" || all.blocked() {
		if err := all.render(c.s, c.format, v); err != nil {
			return err
		}
	}
	if all.blocked() {
		return errBlocked
	}
	return nil
}

// confirm asks. Nobody is asked blind: where the document for programs does not show the plan, it is shown beside it.
func (c change) confirm(ctx context.Context, ask question, all plans, v view) error {
	if c.format != "text" && ask.tty != nil {
		for i, p := range all {
			v.render(c.s.err, c.s.errStyle, p, i)
		}
	}
	return ask.confirm(ctx, c.verb.question, all)
}

// orLost is err, or that nothing was changed because the lock was lost, which is then behind whatever failed.
func orLost(held context.Context, err error) error {
	if cause := context.Cause(held); errors.Is(cause, cluster.ErrLockLost) {
		return fmt.Errorf("nothing was changed: %w", cause)
	}
	return err
}

// lock takes the Lease of every set, in the order of their names so that two runs cannot wait for each other. A set that
// does not change as planned so far is locked too: all are planned again under the lock, and then it may.
func (c change) lock(ctx context.Context, all plans, dir *outdir.Dir) (context.Context, func(), error) {
	id, err := dir.ID()
	if err != nil {
		return nil, nil, err
	}
	host, _ := os.Hostname()
	path, err := filepath.Abs(dir.Path())
	if err != nil {
		path = dir.Path()
	}
	holder := fmt.Sprintf("%s on %s, directory %s (%s)", c.client.Username(), host, path, id)
	var locks []*cluster.Lock
	release := func() {
		for _, l := range locks {
			l.Release()
		}
	}
	ordered := slices.Clone(all)
	slices.SortFunc(ordered, func(a, b computed) int {
		if a.Set < b.Set {
			return -1
		}
		return 1
	})
	for _, p := range ordered {
		held, l, err := c.client.Lock(ctx, p.Ledger.Namespace, p.Set, holder, c.LockTimeout)
		if err != nil {
			release()
			return nil, nil, err
		}
		ctx = held
		locks = append(locks, l)
	}
	return ctx, release, nil
}

// execute carries plans out, shows how far it is, and reports.
func (c change) execute(ctx context.Context, all plans, dir *outdir.Dir, v view) error {
	if ctx.Err() != nil && all.changes() {
		return orLost(ctx, ctx.Err())
	}
	quiet := context.AfterFunc(ctx, func() {
		if !errors.Is(context.Cause(ctx), cluster.ErrLockLost) {
			c.s.say(fmt.Sprintf("interrupted: what is under way has %v to end; interrupt again to stop at once", apply.DefaultGrace))
		}
	})
	defer quiet()
	lastWords := "stopped at once: run `provision apply` again to go on; the keys of certificates in flight are kept"
	c.s.lastWords.Store(&lastWords)
	defer c.s.lastWords.Store(nil)
	var reports []apply.Report
	var left []string
	for _, p := range all {
		if !p.Changes() {
			continue
		}
		if ctx.Err() != nil {
			left = append(left, p.Set)
			continue
		}
		var progress apply.Progress
		bar := showProgress(c.s, &progress)
		reports = append(reports, apply.Run(ctx, p.Plan, c.client, dir, apply.Options{
			Concurrency: c.Concurrency, StallAfter: c.StallTimeout, DryRun: c.dry(), Progress: &progress,
		}))
		bar.end()
	}
	switch c.format {
	case "text":
		v.report(c.s, all, reports, c.dry())
	case "quiet":
	default:
		if err := printDocument(c.s.out, c.format, reportDocument(all, reports, c.dry())); err != nil {
			return err
		}
	}
	lost := errors.Is(context.Cause(ctx), cluster.ErrLockLost)
	if len(left) > 0 && !lost {
		fmt.Fprintf(c.s.err, "not begun: the set %s\n", strings.Join(left, ", "))
	}
	switch {
	case len(left) > 0 && lost:
		return fmt.Errorf("the set %s was not begun: %w", strings.Join(left, ", "), context.Cause(ctx))
	case ctx.Err() != nil && !lost:
		return exitCode(exitInterrupted)
	}
	if err := outcome(reports); err != nil {
		return err
	}
	if n := all.leftOut(); n > 0 {
		return fmt.Errorf("not all could be done: %s in the plan", plural(n, "error"))
	}
	return nil
}

// outcome is the exit of a run that went to its end, and whose report has been shown.
func outcome(reports []apply.Report) error {
	for _, r := range reports {
		if r.Stopped != nil || r.Count(apply.Done) < len(r.Results) {
			return exitCode(exitError)
		}
	}
	return nil
}
