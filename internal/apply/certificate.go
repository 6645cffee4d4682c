package apply

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// Users enter the pipeline in groups that grow from firstGroup to batchSize: the first is soon at the signer, and the keys
// of the next are made while the servers work on it. As a group enters together, its intents reach the ledger in one
// batch. No more than maxInFlight are under way: that keeps any signer busy, and memory flat at any number of users
// (ten thousand waiting goroutines held 140 MB of stack).
const (
	firstGroup  = 50
	maxInFlight = 2 * batchSize
)

// ErrRefused says that what was issued is not what was asked for.
var ErrRefused = errors.New("refuse the issued certificate")

// ErrDirectoryGone says that there is nothing left to write to.
var ErrDirectoryGone = errors.New("the output directory was removed while provision ran, and the private key with it")

// issue takes every user who needs a certificate or another kubeconfig through her pipeline.
func (r *run) issue() {
	awaited := 0
	for _, u := range r.plan.Users {
		if u.Certificate.Op != plan.Keep {
			awaited++
		}
	}
	var watch *cluster.Watch
	if awaited > 0 && !r.opts.DryRun {
		var err error
		if watch, err = r.client.Watch(r.work, r.plan.Set); err != nil {
			r.stop(&StoppedError{err})
			return
		}
		defer watch.Stop()
		r.record = newRecorder(r.work, r.ledger)
		defer func() {
			if err := r.record.close(); err != nil {
				r.stop(&StoppedError{err})
			}
		}()
		ctx, done := context.WithCancel(r.start)
		defer done()
		go func() {
			if err := r.progress.watchStall(ctx, r.opts.StallAfter, r.client.SignerBusy()); err != nil {
				r.stop(&StoppedError{err})
			}
		}()
	}
	var busy []int
	for i, u := range r.plan.Users {
		if u.Certificate.Op != plan.Keep || u.Kubeconfig.Op == plan.Rewrite {
			busy = append(busy, i) // who is idle, or on the way out, has no pipeline: see leave
		}
	}
	var users sync.WaitGroup
	inFlight := semaphore.NewWeighted(maxInFlight)
	for size := firstGroup; len(busy) > 0; size = min(4*size, batchSize) {
		n := min(size, len(busy))
		if inFlight.Acquire(r.start, int64(n)) != nil {
			break // told to stop: they stay as not started
		}
		r.expect(busy[:n])
		entered := make(chan struct{})
		half := atomic.Int64{}
		half.Store(int64(n+1) / 2)
		for _, i := range busy[:n] {
			users.Go(func() {
				defer inFlight.Release(1)
				enter := sync.OnceFunc(func() {
					if half.Add(-1) == 0 {
						close(entered)
					}
				})
				defer enter()
				r.user(&r.users[i], r.plan.Users[i], watch, enter)
			})
		}
		busy = busy[n:]
		select {
		case <-entered:
		case <-r.start.Done():
		}
	}
	users.Wait()
}

// user brings one user to what the plan says and fills her result. She calls entered once her request may be sent.
func (r *run) user(result *Result, u plan.UserChange, watch *cluster.Watch, entered func()) {
	began := time.Now()
	var err error
	if u.Certificate.Op == plan.Keep {
		err = r.rewrite(u)
	} else {
		err = r.certificate(result, u, watch, entered)
	}
	result.Took = time.Since(began)
	r.settle(result, err)
	if result.Status == Failed { // and not one that was only stopped
		r.progress.failed.Add(1)
	}
	if err != nil {
		r.fatal(err)
	}
}

// rewrite changes what a kubeconfig says of the cluster and keeps its certificate.
func (r *run) rewrite(u plan.UserChange) error {
	return r.limited(r.disk, func() error {
		if r.opts.DryRun {
			return nil
		}
		if err := r.dir.RewriteKubeconfig(r.entry(u, nil, nil), u.Certificate.Before.KeyHash); err != nil || !u.Abandon {
			return err
		}
		return r.dir.DropKey(r.plan.Set, u.Name, r.client.UID())
	})
}

// certificate is the pipeline of one user, top to bottom:
//
//	key -> journal -> ledger -> create request -> approve -> wait -> judge -> write kubeconfig -> drop journal -> ledger
//
// A resumed user enters behind the creation, with the key in the journal. Until the kubeconfig is written her key stays
// there, so a crash at any instant loses nothing.
func (r *run) certificate(result *Result, u plan.UserChange, watch *cluster.Watch, entered func()) error {
	key, request, spec, err := r.request(result, u, entered)
	if err != nil || r.opts.DryRun {
		return err
	}
	r.progress.await(1)
	pem, err := watch.Wait(r.work, request.Ref())
	r.progress.await(-1)
	if err != nil {
		return r.ended(u, spec, err)
	}
	r.progress.issue()

	want := u.Certificate.After
	record := r.recordOf(u, spec)
	issued, err := credential.Judge(pem, spec.KeyHash, want.User, want.Groups)
	if err != nil {
		// Its key is of no use: with it the next apply would get the same certificate again.
		return errors.Join(fmt.Errorf("certificatesigningrequest/%s: %w: %w", spec.Name, ErrRefused, err), r.dir.DropKey(r.plan.Set, u.Name, r.client.UID()))
	}
	keyPEM, err := credential.MarshalKey(key)
	if err != nil {
		return err
	}
	err = r.finish(r.disk, func() error { return r.dir.WriteKubeconfig(r.entry(u, pem, keyPEM)) })
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", err, ErrDirectoryGone)
	}
	if err != nil {
		return err
	}
	result.NotBefore, result.NotAfter = issued.NotBefore, issued.NotAfter
	r.progress.written.Add(1)
	record.Serial, record.CredentialID, record.NotBefore, record.NotAfter = issued.Serial, issued.CredentialID, issued.NotBefore, issued.NotAfter
	r.record.outcome(record)
	return r.dir.DropKey(r.plan.Set, u.Name, r.client.UID())
}

// request returns the user's key and her approved request: both new, both of an earlier try, or a new request by the key
// of an earlier try that nothing came of.
func (r *run) request(result *Result, u plan.UserChange, entered func()) (crypto.Signer, cluster.Request, cluster.RequestSpec, error) {
	want := u.Certificate.After
	spec := cluster.RequestSpec{Set: r.plan.Set, User: want.User, Groups: want.Groups, Duration: want.Duration}
	var request cluster.Request
	intended := false
	skip := sync.OnceFunc(func() {
		if !intended && r.record != nil {
			r.record.skip()
		}
	})
	defer skip()
	key, err := r.key(u, &spec)
	if err != nil {
		return nil, request, spec, err
	}
	begin := r.client.CreateRequest
	if u.Certificate.Op == plan.Resume {
		spec.Name, begin = u.Request.Name, r.client.Resume
	}
	// The ledger should list what is resumed, but somebody may have deleted that since it was asked for.
	if !r.opts.DryRun && (u.Certificate.Op != plan.Resume || !r.ledger.Lists(spec.KeyHash)) {
		intended = true
		if err := r.record.intend(r.recordOf(u, spec)); err != nil {
			return nil, request, spec, fmt.Errorf("nothing is asked for that the ledger does not list: %w", err)
		}
	}
	skip() // nobody waits for an intent that does not come
	entered()
	request, sent, err := r.approved(result, spec, begin)
	if u.Request == nil && !r.opts.DryRun && !sent { // of an earlier try it is not known
		r.record.void(spec.KeyHash)
		err = errors.Join(err, r.dir.DropKey(r.plan.Set, u.Name, r.client.UID()))
	}
	return key, request, spec, err
}

// key returns the user's key, which is in the journal, and fills what follows from it: a new one, or that of an earlier
// try.
func (r *run) key(u plan.UserChange, spec *cluster.RequestSpec) (key crypto.Signer, err error) {
	if u.Request != nil {
		kept, err := r.dir.ReadKey(r.plan.Set, u.Name, r.client.UID())
		if err != nil {
			return nil, err
		}
		if key, err = credential.ParseKey([]byte(kept.PEM)); err != nil {
			return nil, err
		}
	}
	err = r.limited(r.cpu, func() (err error) {
		if key == nil {
			if key, err = credential.NewKey(u.Certificate.After.KeyAlgorithm); err != nil {
				return err
			}
		}
		if spec.KeyHash, err = credential.KeyHash(key.Public()); err != nil {
			return err
		}
		spec.PEM, err = credential.NewRequest(key, spec.User, spec.Groups)
		return err
	})
	if err != nil {
		return nil, err
	}
	spec.Name = plan.RequestName(spec.Set, spec.User, spec.KeyHash)
	if u.Request == nil && !r.opts.DryRun {
		err = r.limited(r.disk, func() error { return r.remember(key, *spec) })
	}
	return key, err
}

// approved makes or finds a request and approves it, holding one place for both: were approvals to queue behind the
// creation of a thousand others, the signer would idle first and be late in the end. Unless sent, the API server never
// had the request: the run was told to stop before, or it was refused for good.
func (r *run) approved(result *Result, spec cluster.RequestSpec, begin func(context.Context, cluster.RequestSpec) (cluster.Request, error)) (request cluster.Request, sent bool, err error) {
	err = r.limited(r.requests, func() error {
		request, err = begin(r.work, spec)
		_, refused := errors.AsType[*cluster.RefusedError](err)
		if sent = !refused; err != nil || r.opts.DryRun {
			return err
		}
		result.Status = Pending // from here on the next apply resumes
		if request.State() == plan.Pending {
			request, err = r.client.Approve(r.work, request, spec)
		}
		return err
	})
	return request, sent, err
}

// remember puts a key into the journal before anything is asked for it.
func (r *run) remember(key crypto.Signer, spec cluster.RequestSpec) error {
	pem, err := credential.MarshalKey(key)
	if err != nil {
		return err
	}
	return r.dir.WriteKey(outdir.Key{
		Set: spec.Set, Cluster: r.client.UID(), User: spec.User, Request: spec.Name, Created: time.Now().UTC(), PEM: string(pem),
	})
}

// expect tells the recorder how many intents some users will bring, or skip.
func (r *run) expect(users []int) {
	if r.record == nil {
		return
	}
	n := 0
	for _, i := range users {
		if r.plan.Users[i].Certificate.Op != plan.Keep {
			n++
		}
	}
	r.record.expect(n)
}

// neverIssued says whether a user has no certificate of a request that ended without one. It may have been sent by an
// earlier run too, and nobody saw what came of that.
func neverIssued(u plan.UserChange) bool { return u.Request == nil || !u.Request.Resent }

// recordOf is the ledger's record of a request.
func (r *run) recordOf(u plan.UserChange, spec cluster.RequestSpec) plan.Record {
	return plan.Record{
		User: spec.User, Groups: spec.Groups, KeyHash: spec.KeyHash, Request: spec.Name, Duration: spec.Duration,
		Intended: r.began, By: r.client.Username(), Digest: r.plan.Digest, Resent: !neverIssued(u),
	}
}

// ended drops the key of a request that we shall get no certificate for, and returns err. One that was decided was never
// issued, so the ledger forgets it, unless it was sent before; one that somebody deleted may have been, unseen.
func (r *run) ended(u plan.UserChange, spec cluster.RequestSpec, err error) error {
	_, decided := errors.AsType[*cluster.DecidedError](err)
	if decided && neverIssued(u) {
		r.record.void(spec.KeyHash)
	}
	if decided || errors.Is(err, cluster.ErrGone) {
		return errors.Join(err, r.dir.DropKey(r.plan.Set, u.Name, r.client.UID()))
	}
	return err
}

// entry is what the user's kubeconfig will say.
func (r *run) entry(u plan.UserChange, certificate, key []byte) credential.Entry {
	k := u.Kubeconfig.After
	e := credential.Entry{
		Owner:                    credential.Owner{Set: r.plan.Set, Cluster: r.client.UID(), User: u.Name},
		Context:                  k.Context,
		Cluster:                  k.Endpoint.Name,
		Namespace:                k.Namespace,
		Server:                   k.Endpoint.Server,
		CertificateAuthorityData: k.Endpoint.CertificateAuthorityData,
		TLSServerName:            k.Endpoint.TLSServerName,
		ProxyURL:                 k.Endpoint.ProxyURL,
		InsecureSkipTLSVerify:    k.Endpoint.InsecureSkipTLSVerify,
		DisableCompression:       k.Endpoint.DisableCompression,
		Certificate:              certificate,
		Key:                      key,
	}
	if u.Certificate.After != nil {
		e.Owner.Duration = u.Certificate.After.Duration
	}
	return e
}
