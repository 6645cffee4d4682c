package apply

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// run is one execution of a plan. Each result is written by the one goroutine that owns its slot.
type run struct {
	plan   plan.Plan
	client *cluster.Client
	files  outdir.Set
	opts   Options

	start context.Context // ends: start nothing more
	stop  context.CancelCauseFunc

	issuing     context.Context // ends with start, or before: ask for no further certificate, but go on with all else
	stopIssuing context.CancelCauseFunc
	trial       *trial
	noLogin     bool // of nobody who is to get a certificate the private key is here: users made it, or it is sealed since an earlier run

	work   context.Context // ends a grace period later: give up what is in flight
	taking pace            // of what takes away: that is stopped by nothing but an interrupt
	close  func()

	began    time.Time
	requests *semaphore.Weighted // requests to the API server at once, for certificates
	grants   *semaphore.Weighted // and for all else: it must not stand behind a thousand of those. A quarter as many, as it is far less
	cpu      *semaphore.Weighted // keys being made at once
	disk     *semaphore.Weighted // files being synced at once: what waits together, the disk does together
	progress *Progress

	ledger     *cluster.Ledger // nil in a dry run that cannot ask for it
	record     *recorder       // while certificates are issued; nil without a ledger
	watch      *cluster.Watch  // while certificates are issued; nil in a dry run
	unrecorded error           // why the ledger could not be written, so that nothing was issued
	unlisted   sync.Once       // the first certificate that the ledger cannot take note of tells it
	notAsked   []NotAsked

	recorded       int
	block          Result
	namespaces     []Result
	roles          []Result
	bindings       []Result
	users          []Result
	requestResults []Result
	forgotten      []Result
}

// diskAtOnce is how many files are synced at a time. Those that wait together share one sync of their directory (see outdir), so
// many cost the disk little more than one; but each is an open file, of which a process may not have any number.
const diskAtOnce = 256

// newRun prepares the execution of p: every change has its result, as not started, and nothing has begun. It has to be closed.
func newRun(ctx context.Context, p plan.Plan, client *cluster.Client, files outdir.Set, o Options) *run {
	o = o.withDefaults()
	if o.DryRun {
		client = client.DryRun()
	}
	r := &run{
		plan: p, client: client, files: files, opts: o, progress: o.Progress,
		requests: semaphore.NewWeighted(int64(o.Concurrency)),
		grants:   semaphore.NewWeighted(int64(max(1, o.Concurrency/4))),
		cpu:      semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
		disk:     semaphore.NewWeighted(diskAtOnce),
		trial:    newTrial(o.ClientCAs != nil),
	}
	if o.DryRun {
		_ = r.trial.pass(func() error { return nil }) // no certificate comes of it
	}
	r.setPaces(ctx)
	r.setResults()
	return r
}

// setPaces makes the run follow ctx: what gives ends with it, what takes away only when it was interrupted.
func (r *run) setPaces(ctx context.Context) {
	giving, stop, endGiving := newPace(ctx, func() time.Duration {
		if errors.Is(context.Cause(r.start), ErrStalled) {
			return 0 // waiting for the signer is all that is in flight, and that has been tried
		}
		return r.opts.Grace
	})
	r.start, r.work, r.stop = giving.start, giving.work, stop
	r.issuing, r.stopIssuing = context.WithCancelCause(r.start)
	free, endFree := onlyInterrupted(cluster.Removing(ctx))
	taking, _, endTaking := newPace(free, func() time.Duration { return r.opts.Grace })
	r.taking = taking
	r.close = func() {
		endTaking()
		endFree()
		endGiving()
	}
}

// setResults gives every change of the plan its result, and counts the certificates that are asked for.
func (r *run) setResults() {
	if c := r.plan.Block; c != nil {
		r.block = blockResult(r.plan)
	}
	for _, c := range r.plan.Namespaces {
		r.namespaces = append(r.namespaces, notStarted(Namespace, c.After.Object(), c.Op, c.Reasons))
	}
	for _, c := range r.plan.Roles {
		r.roles = append(r.roles, notStarted(Role, c.Object().Object(), c.Op, c.Reasons))
	}
	for _, c := range r.plan.Bindings {
		r.bindings = append(r.bindings, notStarted(Binding, c.Object().Object(), c.Op, c.Reasons))
	}
	for _, c := range r.plan.Requests {
		r.requestResults = append(r.requestResults, notStarted(Request, plan.Object{Kind: "CertificateSigningRequest", Name: c.Before.Name}, c.Op, c.Reasons))
	}
	for _, c := range r.plan.Forgotten {
		r.forgotten = append(r.forgotten, notStarted(ClusterEntry, plan.Object{Kind: "ClusterEntry", Name: c.Before.File}, c.Op, c.Reasons))
	}
	r.noLogin = true
	for _, u := range r.plan.Users {
		r.users = append(r.users, resultOf(u))
		if u.Certificate.Op != plan.Keep {
			r.progress.total.Add(1)
			sealed := u.Request != nil && u.Certificate.After.Key == plan.KeySealed
			r.noLogin = r.noLogin && (u.Own != nil || sealed)
		}
	}
}

// resultOf is that of all that the plan changes for a user; its Op is Keep where that is nothing.
func resultOf(u plan.UserChange) Result {
	user := plan.Object{Kind: "User", Name: u.Name}
	r := notStarted(OldKey, user, plan.Delete, nil)
	switch {
	case u.Certificate.Op != plan.Keep:
		r = notStarted(Certificate, user, u.Certificate.Op, u.Certificate.Reasons)
	case u.Kubeconfig.Op != plan.Keep || !u.Abandon:
		r = notStarted(Kubeconfig, user, u.Kubeconfig.Op, u.Kubeconfig.Reasons)
	}
	r.User = &u
	return r
}

func notStarted(kind Kind, object plan.Object, op plan.Op, reasons []plan.Reason) Result {
	return Result{Kind: kind, Object: object, Op: op, Reasons: reasons, Status: NotStarted}
}

// fatal stops the whole run if err, which may be nil, concerns everybody.
func (r *run) fatal(err error) {
	if err != nil && cluster.Fatal(err) {
		r.stop(&StoppedError{err})
	}
}
