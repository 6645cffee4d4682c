package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"provision/internal/plan"
)

// watchedLease is the Lease as the elector reads and writes it. It ends the run at once when the Lease turns out not to be
// ours any more, where the elector itself would go on until renewDeadline; it notes each renewal; and it tells Client.await
// when an attempt has failed, or was refused. It is safe for concurrent use.
type watchedLease struct {
	*resourcelock.LeaseLock
	lock    *Lock
	held    chan struct{}     // closed once the Lease is ours
	tried   chan struct{}     // closed once an attempt has failed
	once    sync.Once         // for tried
	refused chan leaseRefusal // one attempt was, for a reason that waiting does not change; it has room for one

	mu    sync.Mutex
	other bool  // somebody else was seen to hold it
	last  error // of the last attempt
	lost  bool  // it was ours, and is no more: the elector, which has just read it, would take it back or give it away
}

// begun reports whether the Lease is or was ours.
func (w *watchedLease) begun() bool {
	select {
	case <-w.held:
		return true
	default:
		return false
	}
}

// Get reads the Lease. One of ours that is gone, or free, was taken: somebody may have had it meanwhile.
func (w *watchedLease) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := w.LeaseLock.Get(ctx)
	if err == nil {
		capLease(record)
	}
	others := err == nil && record.HolderIdentity != "" && record.HolderIdentity != w.Identity()
	if (apierrors.IsNotFound(err) || err == nil && record.HolderIdentity != w.Identity()) && w.begun() {
		w.lock.lost(ErrLockLost)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.lost = true
		return nil, nil, ErrLockLost
	}
	w.mu.Lock()
	w.other = w.other || others
	w.mu.Unlock()
	if err != nil && !apierrors.IsNotFound(err) || others {
		w.failed("get", err)
	}
	return record, raw, err
}

// capLease makes sure that a Lease ends as one of provision's does, however long it claims to be: the elector believes the
// record, and with a large number in it nobody could apply or revoke any more.
func capLease(record *resourcelock.LeaderElectionRecord) {
	record.LeaseDurationSeconds = min(record.LeaseDurationSeconds, int(leaseDuration/time.Second))
}

// Create makes the Lease.
func (w *watchedLease) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return w.noted("create", func() error { return w.LeaseLock.Create(ctx, record) })
}

// Update changes the Lease.
func (w *watchedLease) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return w.noted("update", func() error { return w.LeaseLock.Update(ctx, record) })
}

// noted makes one attempt to write the Lease, and notes how it ended.
func (w *watchedLease) noted(verb string, write func() error) error {
	w.mu.Lock()
	lost := w.lost
	w.mu.Unlock()
	if lost {
		return ErrLockLost
	}
	sent := time.Now()
	err := write()
	if err == nil {
		w.lock.renew(sent)
		return nil
	}
	if neverMade(err) {
		w.refuse(verb, err)
	}
	w.failed(verb, err)
	return err
}

func (w *watchedLease) refuse(verb string, err error) {
	select {
	case w.refused <- leaseRefusal{verb, err}:
	default:
	}
}

// failed notes that an attempt failed. A login plugin is not run again after it failed, so that waiting is of no use.
func (w *watchedLease) failed(verb string, err error) {
	if plugin, ok := errors.AsType[*LoginPluginError](err); ok {
		w.refuse(verb, err)
		if w.begun() {
			w.lock.lost(loginEnded{plugin})
		}
	}
	w.mu.Lock()
	w.last = err
	w.mu.Unlock()
	w.once.Do(func() { close(w.tried) })
}

// leaseRefusal is the API server's refusal of one verb.
type leaseRefusal struct {
	verb string
	err  error
}

// errFree reports that nobody holds a Lease that we could not get in time.
var errFree = errors.New("it has just become free: try again, or give a longer --lock-timeout")

// lockedBy is the error for a Lease that was not to be had in time: it names the holder, and since when, or why there is none.
func (c *Client) lockedBy(ctx context.Context, w *watchedLease, set string) error {
	ctx, done := context.WithTimeout(ctx, firstTry)
	defer done()
	// Not by w.LeaseLock, which keeps what it read for its next write: the elector would take over a Lease that it has not seen.
	record, _, err := c.leaseOf(w.LeaseMeta.Namespace, set, w.Identity()).Get(ctx)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("lock the set %s: %w", set, err)
	}
	if err != nil || record.HolderIdentity == "" || record.HolderIdentity == w.Identity() {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case w.other:
			return fmt.Errorf("lock the set %s: somebody else was applying it: %w", set, errFree)
		case w.last != nil:
			return fmt.Errorf("lock the set %s: %w", set, w.last)
		}
		return fmt.Errorf("lock the set %s: the API server gave no answer in time: try again, or give a longer --lock-timeout", set)
	}
	const second = "15:04:05 UTC"
	return fmt.Errorf("the set %s is being applied by %s since %s: wait for it to end (if it was killed, its Lease ends at %s), or give a longer --lock-timeout",
		set, record.HolderIdentity, record.AcquireTime.UTC().Format("2006-01-02 "+second), leaseEnd(record.RenewTime.Time, time.Now()).UTC().Format(second))
}

// leaseEnd is when a Lease ends that nobody renews any more. A renewal in the future is only a claim of its holder, and counts
// as now: the elector goes by its own clock, too.
func leaseEnd(renewed, now time.Time) time.Time {
	if renewed.After(now) {
		renewed = now
	}
	return renewed.Add(leaseDuration)
}

// leaseOf describes the Lease of a set. Its client has no time limit of its own: the elector gives each request one.
func (c *Client) leaseOf(namespace, set, holder string) *resourcelock.LeaseLock {
	return &resourcelock.LeaseLock{
		LeaseMeta:  meta(set, namespace, "provision-"+set),
		Client:     c.watch.coordination,
		LockConfig: resourcelock.ResourceLockConfig{Identity: holder},
		Labels:     meta(set, "", "").Labels,
	}
}

// AskLease asks on a client of DryRun whether the Lease of a set may be made, or taken. It does not matter who has it.
func (c *Client) AskLease(ctx context.Context, namespace, set string) error {
	lease := c.leaseOf(namespace, set, c.username)
	leases := resource[*coordinationv1.Lease]{c, c.kube.coordination.Leases(namespace), leasesNeed("", namespace)}
	now, seconds := metav1.NowMicro(), int32(leaseDuration/time.Second)
	taken := coordinationv1.LeaseSpec{HolderIdentity: &lease.LockConfig.Identity, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now}
	verb := "get"
	found, err := leases.get(ctx, lease.LeaseMeta.Name)
	switch {
	case apierrors.IsNotFound(err):
		verb = "create"
		_, err = leases.create(ctx, &coordinationv1.Lease{ObjectMeta: meta(set, namespace, lease.LeaseMeta.Name), Spec: taken})
	case err == nil:
		verb = "update"
		found.Spec = taken
		_, err = leases.update(ctx, found)
	}
	if err == nil || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || verb == "update" && apierrors.IsNotFound(err) {
		return nil // in the last three cases somebody who may is applying the set in this moment
	}
	return c.leasePermission(ctx, err, lease, verb)
}

// leasePermission wraps the failure of one verb on a Lease.
func (c *Client) leasePermission(ctx context.Context, err error, lease *resourcelock.LeaseLock, verb string) error {
	what := doing(verb)
	if verb != "get" {
		what = "lock the set " + lease.Labels[plan.SetLabel] + ": " + verb
	}
	return c.permission(ctx, err, leasesNeed(verb, lease.LeaseMeta.Namespace),
		what+" "+plan.Object{Kind: "Lease", Namespace: lease.LeaseMeta.Namespace, Name: lease.LeaseMeta.Name}.String())
}
