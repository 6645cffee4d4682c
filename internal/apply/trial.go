package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"provision/internal/cluster"
	"provision/internal/credential"
)

const (
	// trialPatience is how long the others wait for the certificate of those who go first. A stock signer takes some
	// hundredths of a second. One that is slow, or one user whom it leaves waiting, must not hold everybody up.
	trialPatience = 2 * time.Second
	// loginPatience is how long the first login may take where the certificate's CA is known to be accepted.
	loginPatience = 2 * time.Second
	// everybody is more than there are users.
	everybody = 1 << 30
)

// trial lets users send their requests: one at first, and all others once a certificate has passed. Whatever is wrong with the
// signer would be wrong with everybody's: so it is found after one request and not after a thousand.
//
// A user who ends without a certificate, for a reason of their own, makes room for the next. Where the API server's CAs are
// known, twice as many may be asked for whenever no certificate has come for trialPatience; where they are not, only the
// first login tells whether a certificate is any good, and it is waited for.
type trial struct {
	places *semaphore.Weighted
	began  sync.Once
	widens bool

	mu     sync.Mutex // held while somebody logs in
	open   int64      // places that there are
	passed bool
}

// newTrial has one place. With widens there are more when no certificate comes.
func newTrial(widens bool) *trial {
	t := &trial{places: semaphore.NewWeighted(everybody), open: 1, widens: widens}
	_ = t.places.Acquire(context.Background(), everybody-1)
	return t
}

// enter returns once the user may send a request, and the function with which they give their place back.
func (t *trial) enter(ctx context.Context) (leave func(), err error) {
	if err := t.places.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	t.began.Do(func() {
		if t.widens {
			go t.widen(ctx)
		}
	})
	return sync.OnceFunc(func() { t.places.Release(1) }), nil
}

// widen doubles the places until a certificate has passed or ctx ends.
func (t *trial) widen(ctx context.Context) {
	tick := time.NewTicker(trialPatience)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.mu.Lock()
			more := min(t.open, everybody-t.open)
			t.open += more
			t.places.Release(more)
			done := t.open == everybody
			t.mu.Unlock()
			if done {
				return
			}
		}
	}
}

// pass lets everybody in if prove, which is asked of one certificate at a time, finds nothing wrong with it. After the first
// that has passed nothing is asked any more.
func (t *trial) pass(prove func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.passed {
		return nil
	}
	if err := prove(); err != nil {
		return err
	}
	t.passed = true
	t.places.Release(everybody - t.open)
	t.open = everybody
	return nil
}

// unproved lets everybody in after a certificate with which nobody can log in, for want of its key: what was judged is all that is
// known of it. The next one with which somebody can is still asked to prove itself.
func (t *trial) unproved() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.places.Release(everybody - t.open)
	t.open = everybody
}

// hasPassed reports whether a certificate has passed.
func (t *trial) hasPassed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.passed
}

// SignerError is why nobody else is asked for: what was wrong with one user's certificate would be wrong with everybody's.
type SignerError struct {
	User string
	Err  error
}

// Error says it in words.
func (e *SignerError) Error() string {
	return fmt.Sprintf("nobody else is asked for: each further certificate would be refused as that of user/%s was; what they had before is untouched", e.User)
}

// Unwrap returns what was wrong.
func (e *SignerError) Unwrap() error { return e.Err }

// prove logs in with a certificate, at the server that the kubeconfig names, before anything is replaced by it: the list of
// CAs that the API server publishes is not all that it takes to be let in. Where nobody answers there, the server that this
// run talks to is asked. Where the CAs are known, no answer does not count.
func (r *run) prove(e credential.Entry, asked credential.Asked, issued credential.Certificate) error {
	ctx, known := r.work, asked.ClientCAs != nil
	if known {
		within, done := context.WithTimeout(ctx, loginPatience)
		defer done()
		ctx = within
	}
	err := r.client.Prove(ctx, e)
	said := err == nil || answered(err)
	if !said {
		// A front before the operator's own server says nothing of the users' server.
		if other := r.client.Accepts(ctx, []credential.Entry{e}, asked.ClientCAs); other == nil || errors.Is(other, cluster.ErrLoginRefused) {
			err, said = other, true
		}
	}
	switch {
	case err == nil:
		return nil
	case r.work.Err() != nil:
		return stopped(r.start)
	case known && !said:
		return nil
	case known && r.client.ServerTime().Before(issued.NotBefore):
		return nil // and that was judged, give or take the clocks
	case !said:
		err = fmt.Errorf("the API server's client CAs are not known, so only a login could tell whether it accepts the certificate: %w", err)
	}
	return &credential.Refusal{Code: credential.RefusedLogin, Err: err}
}

// answered reports whether the error of a login is somebody's word about the certificate, and not that there is none.
func answered(err error) bool {
	_, some := errors.AsType[*cluster.DisagreeError](err)
	return cluster.IsFront(err) || some || errors.Is(err, cluster.ErrLoginRefused)
}
