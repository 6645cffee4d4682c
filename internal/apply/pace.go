package apply

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"

	"provision/internal/cluster"
)

// pace is when to begin nothing more, and when to give up what is in flight.
type pace struct{ start, work context.Context }

// newPace returns a pace that follows ctx, or ends when stop is called. work ends later than start by what grace returns at that
// moment. end frees what it holds.
func newPace(ctx context.Context, grace func() time.Duration) (p pace, stop context.CancelCauseFunc, end func()) {
	p.start, stop = context.WithCancelCause(ctx)
	work, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	p.work = work
	release := context.AfterFunc(p.start, func() {
		time.AfterFunc(grace(), func() { giveUp(context.Cause(p.start)) })
	})
	return p, stop, func() {
		release()
		stop(nil)
		giveUp(nil)
	}
}

// limited runs do, with the context of what is in flight, while holding one place of a semaphore, as run.limited does.
func (p pace) limited(places *semaphore.Weighted, do func(context.Context) error) error {
	return limited(p.start, places, func() error { return do(p.work) })
}

// onlyInterrupted returns ctx without the end that comes of a lost lock. The function frees what it holds.
func onlyInterrupted(ctx context.Context) (context.Context, func()) {
	free, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	release := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); !errors.Is(cause, cluster.ErrLockLost) {
			cancel(cause)
		}
	})
	return free, func() {
		release()
		cancel(nil)
	}
}

// limited runs do while holding one place of a semaphore. It does not begin once ctx, which is r.start or r.issuing, has
// ended.
func (r *run) limited(ctx context.Context, places *semaphore.Weighted, do func() error) error {
	return limited(ctx, places, do)
}

func limited(ctx context.Context, places *semaphore.Weighted, do func() error) error {
	if err := places.Acquire(ctx, 1); err != nil {
		return stopped(ctx)
	}
	defer places.Release(1)
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	return do()
}

// finish runs do, the second half of something that has begun, while holding one place of a semaphore. It goes on during the grace
// period.
func (r *run) finish(places *semaphore.Weighted, do func() error) error {
	if err := places.Acquire(r.work, 1); err != nil {
		return stopped(r.start)
	}
	defer places.Release(1)
	return do()
}

// StoppedError is why a run ended early: a failure that concerns everybody, an interrupt, or the loss of the lock.
type StoppedError struct{ Err error }

// stopped is the error of whatever is not begun, or given up, because ctx has ended.
func stopped(ctx context.Context) error {
	cause := context.Cause(ctx)
	if early, ok := errors.AsType[*StoppedError](cause); ok {
		return early
	}
	return &StoppedError{cause}
}

// Error says it in words.
func (e *StoppedError) Error() string { return e.Err.Error() }

// Unwrap returns the failure.
func (e *StoppedError) Unwrap() error { return e.Err }
