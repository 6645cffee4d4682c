package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// A run outlives an API server that is away for less than renewDeadline: one that restarts is back in 10 to 20 s. Between
// renewDeadline and leaseDuration lie 15 s, which is more than the 10 s that a run has to end after it lost its lock, so that
// nothing of it is in flight when another may begin. The elector renews every retryPeriod, so a renewal older than freshness
// means that two are late, or that the machine slept: a write then waits for the next one.
const (
	leaseDuration = 45 * time.Second
	renewDeadline = 30 * time.Second
	retryPeriod   = 2 * time.Second
	freshness     = 5 * time.Second
)

// firstTry is how long the API server has for the answers of the first attempt, whatever the timeout is.
const firstTry = 10 * time.Second

// ErrLockLost reports that somebody else may be applying the same set now.
var ErrLockLost = errors.New("the lock of this set was lost: the API server could not be reached in time, or somebody took it")

// loginEnded is the loss of a lock because the login plugin failed. Its message is that of the plugin.
type loginEnded struct{ *LoginPluginError }

// Unwrap returns the failure of the plugin.
func (e loginEnded) Unwrap() error { return e.LoginPluginError }

// Is reports whether target is ErrLockLost: whoever cannot log in cannot renew a Lease either.
func (loginEnded) Is(target error) bool { return target == ErrLockLost }

// Lock holds the Lease of a set, so that one apply runs at a time, on whatever machine. It is safe for concurrent use.
type Lock struct {
	stop  context.CancelFunc
	done  chan struct{}
	lost  func(why error) // ends the run; why is ErrLockLost, also where it says more
	fence *fence

	mu      sync.Mutex
	renewed time.Time     // when the request of the last renewal was sent; zero until the Lease is held
	next    chan struct{} // closed at the next renewal
}

// Lock takes the Lease of a set, waiting up to timeout for another holder: with 0 there is one attempt. The context it
// returns ends, with ErrLockLost as its cause, when the Lease is lost. holder is who we are: two that run at the same time
// must differ, and one that comes back after a crash is the same, so that it need not wait for its own old Lease.
func (c *Client) Lock(ctx context.Context, namespace, set, holder string, timeout time.Duration) (context.Context, *Lock, error) {
	if err := c.CreateLedgerNamespace(ctx, namespace); err != nil {
		// An operator who may not create namespaces needs to only if there is none.
		if there, _ := c.namespaceExists(ctx, namespace); !there {
			return nil, nil, err
		}
	}
	lease := c.leaseOf(namespace, set, holder)
	// The elector tries again in silence; a refusal must be told at once.
	if _, _, err := lease.Get(ctx); err != nil && !apierrors.IsNotFound(err) {
		return nil, nil, c.leasePermission(ctx, err, lease, "get")
	}
	held, lose := context.WithCancelCause(ctx)
	l := &Lock{lost: lose, fence: c.fence, done: make(chan struct{}), next: make(chan struct{})}
	w, err := l.elect(ctx, lease)
	if err != nil {
		return nil, nil, fmt.Errorf("lock the set %s: %w", set, err)
	}
	if err := c.await(ctx, w, set, timeout); err != nil {
		l.Release()
		return nil, nil, err
	}
	c.fence.add(l)
	return held, l, nil
}

// elect starts client-go's leader election for a Lease, which goes on until the lock is released, and returns without
// waiting for it. It outlives ctx: requests that are in flight at an interrupt still need the Lease.
func (l *Lock) elect(ctx context.Context, lease *resourcelock.LeaseLock) (*watchedLease, error) {
	w := &watchedLease{LeaseLock: lease, lock: l, held: make(chan struct{}), tried: make(chan struct{}), refused: make(chan leaseRefusal, 1)}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: w, Name: lease.LeaseMeta.Name, ReleaseOnCancel: true,
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(w.held) },
			OnStoppedLeading: func() { l.lost(ErrLockLost) },
		},
	})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	go func() {
		defer close(l.done)
		elector.Run(running)
	}()
	return w, nil
}

// await returns when the Lease is held, or with the reason why it is not: the API server refuses it, another holder has it
// and timeout is over, or ctx ended. timeout begins when the first attempt has failed, for which there is firstTry.
func (c *Client) await(ctx context.Context, w *watchedLease, set string, timeout time.Duration) error {
	expired := time.NewTimer(max(firstTry, timeout))
	defer expired.Stop()
	tried, extended := (<-chan struct{})(w.tried), false
	for {
		select {
		case <-w.held:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case refusal := <-w.refused:
			return c.leasePermission(ctx, refusal.err, w.LeaseLock, refusal.verb)
		case <-tried:
			tried = nil
			expired.Reset(timeout)
		case <-expired.C:
			err := c.lockedBy(ctx, w, set)
			if !errors.Is(err, errFree) || extended {
				return err
			}
			// It has just become free, and the elector looks again within 2.2 retryPeriods.
			extended = true
			expired.Reset(3 * retryPeriod)
		}
	}
}

// renew notes a renewal whose request was sent at a time.
func (l *Lock) renew(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewed = sent
	close(l.next)
	l.next = make(chan struct{})
}

// age is how old the last renewal is, and a channel that is closed at the next one.
func (l *Lock) age() (time.Duration, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return elapsed(l.renewed, time.Now()), l.next
}

// elapsed is the time between two moments by the clock that says more: while a machine sleeps, the monotonic clock of Linux
// stands still; the other one may be set back.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// hold returns once the Lease is known to be ours, for a write that begins now. A process that was stopped, or a machine
// that slept, does not know by itself what happened meanwhile: unless the last renewal is fresh, the next one decides.
func (l *Lock) hold(ctx context.Context) error {
	for {
		age, next := l.age()
		switch {
		case age < freshness:
			return nil
		case age >= renewDeadline:
			l.lost(ErrLockLost)
			return ErrLockLost
		}
		select {
		case <-next:
		case <-time.After(renewDeadline - age):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Release gives the Lease back and returns when that is done.
func (l *Lock) Release() {
	l.fence.remove(l)
	l.stop()
	<-l.done
}
