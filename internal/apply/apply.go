// Package apply runs a plan. It is the only place that changes anything, in the cluster or in the output directory.
//
// It compares nothing: what has to happen was decided in package plan. It joins package cluster and package outdir,
// bounds what runs at once, keeps one user's failure from the others, and reports for each item how it ended.
package apply

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// DefaultGrace is how long what is in flight may take after a run was told to stop. It is less than the 15 s for which a Lease still
// lives when its run gives it up for lost.
const DefaultGrace = 10 * time.Second

// Options bound a run. Zero fields get the defaults named here.
type Options struct {
	Concurrency int           // requests for certificates at once; 32. Grants have a quarter of that for themselves
	StallAfter  time.Duration // how long the signer may issue nothing while certificates are awaited, before the run stops; 60 s
	Grace       time.Duration // for what is in flight, after the run was told to stop; DefaultGrace
	DryRun      bool          // the API server checks everything and persists nothing; no file is written
	// OnlyRemove is why nothing may be given or issued, such as a lock that somebody else holds: then only what takes away
	// is done, and the run ends with this error. Nil: all is done.
	OnlyRemove error
	Progress   *Progress // counted up while the run goes on; may be nil

	ClientCAs []*x509.Certificate // which the API server accepts client certificates from; nil: not known
	ClockSkew time.Duration       // how far the signer's clock may be from the API server's
}

// withDefaults fills in what is not set.
func (o Options) withDefaults() Options {
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
	return o
}

// Run executes p and reports how each of its changes ended. When ctx ends, nothing more is started, what is in flight gets the
// grace period, and the report says what was not started. Run returns when nothing of it still runs. Where the context ends
// because a lock was lost, what takes rights away goes on. With OnlyRemove, a directory that is open only to be read is left as
// it is.
//
// All that takes away begins at once and waits for nobody: not for the certificates of others, and not for the ledger, which
// may be one that cannot be written. Only what is issued needs that, and the kubeconfigs that go: one of those may be the
// last that tells of a certificate.
func Run(ctx context.Context, p plan.Plan, client *cluster.Client, dir *outdir.Dir, o Options) Report {
	r := newRun(ctx, p, client, dir.Of(p.Set, client.UID()), o)
	defer r.close()
	r.began = client.Latest().UTC().Truncate(time.Second) // a request that is recorded too late is kept too long, and none is lost
	if o.OnlyRemove != nil {
		r.stop(&StoppedError{o.OnlyRemove})
	}
	var beside sync.WaitGroup
	beside.Go(r.blockCertificates)
	beside.Go(r.grant)
	beside.Go(func() {
		// Before anybody's journal is written anew: the old key is what says that the request is ours.
		r.abandon()
		if err := r.prepare(); err != nil {
			if !errors.Is(err, cluster.ErrLockLost) { // which ends the run, and is said once
				r.unrecorded = err
			}
			if r.ledger = nil; !o.DryRun {
				return
			}
		}
		if o.OnlyRemove == nil || dir.Writable() {
			beside.Go(r.leave)
		}
		if o.OnlyRemove == nil {
			r.forgetClusters()
			r.issue()
		}
	})
	beside.Wait()
	return r.report()
}
