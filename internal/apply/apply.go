// Package apply runs a plan. It is the only place that changes anything, in the cluster or in the output directory.
//
// It compares nothing: what has to happen was decided in package plan. It joins package cluster and package outdir,
// bounds what runs at once, keeps one user's failure from the others, and says for each item how it ended.
package apply

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// DefaultGrace is how long what is in flight may take after a run was told to stop.
const DefaultGrace = 10 * time.Second

// Options bound a run. Zero fields get the defaults named here.
type Options struct {
	Concurrency int           // requests for certificates at once; 32. Grants have a quarter of that for themselves
	StallAfter  time.Duration // without any certificate issued while some are awaited; 60 s
	Grace       time.Duration // for what is in flight, after the run was told to stop; DefaultGrace
	DryRun      bool          // the API server checks everything and persists nothing; no file is written
	Progress    *Progress     // counted up while the run goes on; may be nil
}

// Run executes p. When ctx ends, nothing more is started, what is in flight gets the grace period, and the report
// says what was not started. Run returns when nothing of it still runs.
func Run(ctx context.Context, p plan.Plan, client *cluster.Client, dir *outdir.Dir, o Options) Report {
	r := newRun(ctx, p, client, dir, o)
	defer r.close()

	if err := r.prepare(); err != nil {
		r.stop(&StoppedError{err})
		return r.report()
	}
	var beside sync.WaitGroup
	beside.Go(r.grant) // whoever loses a right does not wait for the certificates of others
	beside.Go(func() {
		// Before anybody's journal is written anew: the old key is what says that the request is ours.
		r.abandon()
		beside.Go(r.leave)
		r.issue()
	})
	beside.Wait()
	return r.report()
}

// run is one execution of a plan. Each result is written by the one goroutine that owns its slot.
type run struct {
	plan   plan.Plan
	client *cluster.Client
	dir    *outdir.Dir
	opts   Options

	start context.Context // ends: start nothing more
	stop  context.CancelCauseFunc
	work  context.Context // ends a grace period later: give up what is in flight
	close func()

	began    time.Time
	requests *semaphore.Weighted // requests to the API server at once, for certificates
	grants   *semaphore.Weighted // and for all else: it must not stand behind a thousand of those
	cpu      *semaphore.Weighted // keys being made at once
	disk     *semaphore.Weighted // files being synced at once: what waits together, the disk does together
	progress *Progress

	ledger *cluster.Ledger // nil in a dry run
	record *recorder       // while certificates are issued

	recorded       int
	roles          []Result
	bindings       []Result
	users          []Result
	requestResults []Result
}

// prepare brings the ledger up to date before anything is changed: if it cannot be written, nothing is issued.
func (r *run) prepare() (err error) {
	if r.opts.DryRun {
		return nil
	}
	if r.ledger, err = r.client.OpenLedger(r.work, r.plan.Ledger.Namespace, r.plan.Set, r.plan.Ledger.CreateNamespace); err != nil {
		return err
	}
	return r.reconcile()
}

func newRun(ctx context.Context, p plan.Plan, client *cluster.Client, dir *outdir.Dir, o Options) *run {
	if o.Concurrency <= 0 {
		o.Concurrency = 32
	}
	if o.StallAfter <= 0 {
		o.StallAfter = time.Minute
	}
	if o.Grace <= 0 {
		o.Grace = DefaultGrace
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	if o.DryRun {
		client = client.DryRun()
	}
	r := &run{
		plan: p, client: client, dir: dir, opts: o, progress: o.Progress, began: time.Now().UTC().Truncate(time.Second),
		requests: semaphore.NewWeighted(int64(o.Concurrency)),
		grants:   semaphore.NewWeighted(int64(max(1, o.Concurrency/4))),
		cpu:      semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
		disk:     semaphore.NewWeighted(256),
		roles:    make([]Result, len(p.Roles)),
		bindings: make([]Result, len(p.Bindings)),
		users:    make([]Result, len(p.Users)),

		requestResults: make([]Result, len(p.Requests)),
	}
	r.start, r.stop = context.WithCancelCause(ctx)
	work, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	r.work = work
	release := context.AfterFunc(r.start, func() {
		grace := r.opts.Grace
		if errors.Is(context.Cause(r.start), ErrStalled) {
			grace = 0 // waiting for the signer is all that is in flight, and that has been tried
		}
		time.AfterFunc(grace, func() { giveUp(context.Cause(r.start)) })
	})
	r.close = func() {
		release()
		r.stop(nil)
		giveUp(nil)
	}
	for i, c := range p.Roles {
		of := c.Object()
		r.roles[i] = Result{Kind: of.Kind(), Namespace: of.Namespace, Name: of.Name, Op: c.Op, Status: NotStarted}
	}
	for i, c := range p.Bindings {
		of := c.Object()
		r.bindings[i] = Result{Kind: of.Kind(), Namespace: of.Namespace, Name: of.Name, Op: c.Op, Status: NotStarted}
	}
	for i, c := range p.Requests {
		r.requestResults[i] = Result{Kind: "CertificateSigningRequest", Name: c.Before.Name, Op: c.Op, Status: NotStarted}
	}
	for i, u := range p.Users {
		op := u.Certificate.Op
		if op == plan.Keep {
			op = u.Kubeconfig.Op
		}
		if op == plan.Keep && u.Abandon {
			op = plan.Delete
		}
		r.users[i] = Result{Kind: "User", Name: u.Name, Op: op, Status: NotStarted}
		if u.Certificate.Op != plan.Keep {
			r.progress.total.Add(1)
		}
	}
	return r
}

// fatal stops the whole run if err concerns everybody, and returns err.
func (r *run) fatal(err error) error {
	if cluster.Fatal(err) {
		r.stop(&StoppedError{err})
	}
	return err
}

// limited runs do while holding one place of a semaphore. It does not begin once the run was told to stop.
func (r *run) limited(places *semaphore.Weighted, do func() error) error {
	if err := places.Acquire(r.start, 1); err != nil {
		return r.stopped()
	}
	defer places.Release(1)
	if r.start.Err() != nil {
		return r.stopped()
	}
	return do()
}

// finish is limited for the second half of something begun: it goes on during the grace period.
func (r *run) finish(places *semaphore.Weighted, do func() error) error {
	if err := places.Acquire(r.work, 1); err != nil {
		return r.stopped()
	}
	defer places.Release(1)
	return do()
}

// StoppedError is why a run ended early: a failure that concerns everybody, an interrupt, or the loss of the lock.
type StoppedError struct{ Err error }

// stopped is the error of whatever is not begun, or given up, because the run ends.
func (r *run) stopped() error {
	cause := context.Cause(r.start)
	if early, ok := errors.AsType[*StoppedError](cause); ok {
		return early
	}
	return &StoppedError{cause}
}

func (e *StoppedError) Error() string { return e.Err.Error() }

// Unwrap returns the failure.
func (e *StoppedError) Unwrap() error { return e.Err }

// ErrStalled says that the signer issues nothing.
var ErrStalled = errors.New("the signer issues nothing")

func stalled(after time.Duration, waiting int64) error {
	return fmt.Errorf("no certificate was issued for %s while %d approved requests wait: %w", after, waiting, ErrStalled)
}
