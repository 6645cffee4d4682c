package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"provision/internal/plan"
)

// A run outlives an API server that is away for less than renewDeadline: one that restarts is back in 10 to 20 s. Between
// renewDeadline and leaseDuration lies more than the grace period of a run that lost its lock, so that nothing of it is
// in flight when another may begin.
const (
	leaseDuration = 45 * time.Second
	renewDeadline = 30 * time.Second
	retryPeriod   = 2 * time.Second
)

// firstTry is how long the API server has for the answers of the first attempt, whatever the timeout is.
const firstTry = 10 * time.Second

// ErrLockLost says that somebody else may be applying the same set now.
var ErrLockLost = errors.New("the lock of this set was lost: the API server could not be reached in time, or somebody took it")

// Lock holds the Lease of a set, so that one apply runs at a time, on whatever machine.
type Lock struct {
	stop context.CancelFunc
	done chan struct{}
}

// Lock takes the Lease of a set, waiting up to timeout for another holder: with 0 there is one attempt. The context it
// returns ends, with ErrLockLost as its cause, when the Lease is lost. Holder is who we are: two that run at the same
// time must differ, and one that comes back after a crash is the same, so that it need not wait for its own old Lease.
func (c *Client) Lock(ctx context.Context, namespace, set, holder string, timeout time.Duration) (context.Context, *Lock, error) {
	if err := (&Ledger{client: c, namespace: namespace}).namespaceExists(ctx); err != nil {
		if _, getErr := c.kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); getErr != nil {
			return nil, nil, err
		}
	}
	name := "provision-" + set
	lease := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: name},
		Client:     c.watch.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: holder},
		Labels:     map[string]string{plan.SetLabel: set, managedBy: "provision"},
	}
	// The elector retries in silence; a refusal must be told at once.
	if _, _, err := lease.Get(ctx); err != nil && !apierrors.IsNotFound(err) {
		return nil, nil, c.permission(err, plan.Permission{Verb: "get", Group: "coordination.k8s.io", Resource: "leases", Namespace: namespace},
			"read lease/"+name+" -n "+namespace)
	}
	held, lose := context.WithCancelCause(ctx)
	// The Lease outlives an interrupt: what is in flight still needs it.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	started, tried := make(chan struct{}), make(chan struct{})
	taken := func(by string) {
		select {
		case <-started:
			if by != holder {
				lose(ErrLockLost)
			}
		default: // it is still another's
		}
	}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          watchedLease{lease, taken, sync.OnceFunc(func() { close(tried) })},
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true, Name: name,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(started) },
			OnStoppedLeading: func() { lose(ErrLockLost) },
		},
	})
	if err != nil {
		stop()
		return nil, nil, fmt.Errorf("lock the set %s: %w", set, err)
	}
	l := &Lock{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		elector.Run(running)
	}()
	expired := time.NewTimer(max(firstTry, timeout))
	defer expired.Stop()
	for failed := (<-chan struct{})(tried); ; {
		select {
		case <-started:
			return held, l, nil
		case <-ctx.Done():
			l.Release()
			return nil, nil, context.Cause(ctx)
		case <-failed: // only now can it be said that there is something to wait for
			failed = nil
			expired.Reset(timeout)
		case <-expired.C:
			l.Release()
			return nil, nil, c.lockedBy(ctx, lease, set)
		}
	}
}

// watchedLease tells at once who holds a Lease, whenever it is read: the elector itself goes on until renewDeadline. And
// it tells when an attempt has failed.
type watchedLease struct {
	*resourcelock.LeaseLock
	held   func(by string)
	failed func()
}

// Get reads the Lease.
func (l watchedLease) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.LeaseLock.Get(ctx)
	if err == nil {
		capLease(record)
		l.held(record.HolderIdentity)
	}
	if err != nil && !apierrors.IsNotFound(err) || err == nil && record.HolderIdentity != "" && record.HolderIdentity != l.Identity() {
		l.failed()
	}
	return record, raw, err
}

// capLease makes sure that a Lease ends as one of provision's does, however long it claims to be: the elector believes the
// record, and with a large number in it nobody could apply or revoke any more.
func capLease(record *resourcelock.LeaderElectionRecord) {
	record.LeaseDurationSeconds = min(record.LeaseDurationSeconds, int(leaseDuration/time.Second))
}

// Create makes the Lease.
func (l watchedLease) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.noted(l.LeaseLock.Create(ctx, record))
}

// Update changes the Lease.
func (l watchedLease) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.noted(l.LeaseLock.Update(ctx, record))
}

func (l watchedLease) noted(err error) error {
	if err != nil {
		l.failed()
	}
	return err
}

// Release gives the Lease back and returns when that is done.
func (l *Lock) Release() {
	l.stop()
	<-l.done
}

// lockedBy says who holds the Lease, and since when.
func (c *Client) lockedBy(ctx context.Context, lease *resourcelock.LeaseLock, set string) error {
	ctx, done := context.WithTimeout(ctx, firstTry)
	defer done()
	record, _, err := lease.Get(ctx)
	if apierrors.IsNotFound(err) {
		need := plan.Permission{Verb: "create", Group: "coordination.k8s.io", Resource: "leases", Namespace: lease.LeaseMeta.Namespace}
		if allowed, err := c.allowed(ctx, need); err == nil && !allowed {
			forbidden := apierrors.NewForbidden(corev1.Resource("leases"), lease.LeaseMeta.Name, errors.New("you may not create it"))
			return c.permission(forbidden, need, "lock the set "+set)
		}
	}
	if err != nil {
		return fmt.Errorf("lock the set %s: %w", set, err)
	}
	if record.HolderIdentity == "" || record.HolderIdentity == lease.Identity() { // nobody else has it: we were not quick enough
		return fmt.Errorf("lock the set %s: the API server gave no answer in time: try again, or give a longer --lock-timeout", set)
	}
	const second = "15:04:05 UTC"
	return fmt.Errorf("the set %s is being applied by %s since %s: wait for it to end (if it was killed, its Lease ends at %s), or give a longer --lock-timeout",
		set, record.HolderIdentity, record.AcquireTime.UTC().Format("2006-01-02 "+second), record.RenewTime.Add(leaseDuration).UTC().Format(second))
}
