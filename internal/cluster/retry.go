package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"provision/internal/plan"
)

// patience is how long an API server may be away in the middle of a run before we give up: a control plane node that
// restarts is back in less.
const patience = 2 * time.Minute

// tellAfter is for how long a request fails before the operator is told what is waited for.
const tellAfter = 3 * time.Second

// tellAgain is how long it is not said again what a kind of request waits for.
const tellAgain = time.Minute

// ErrUnavailable reports that an API server which answers has carried out nothing of one kind for too long: mostly because
// a webhook that it has to ask is down, or slow. Each further request would take as long to say the same.
var ErrUnavailable = errors.New("the API server cannot do this now")

// Waiting is what is waited for: the operator's login plugin, or an API server that is asked again and again.
type Waiting struct {
	Plugin   string          // which has not ended yet; "": the API server
	Need     plan.Permission // the kind of request that it does not carry out; zero: it cannot be reached
	Err      error           // its last answer
	Slow     *SlowError      // where it gives none in time
	Patience time.Duration   // how long it is asked again
}

// retry calls do until it succeeds, fails for good, or the API server has been away for too long. A request that
// failed transiently may have taken effect all the same: do must cope with that.
func retry(ctx context.Context, do func() error) error {
	return unavailable(ctx, patience, retryFor(ctx, patience, do))
}

// retry is retry for one of many requests of a kind, which is what they need: as long as others of it succeed, a failure is
// only its own. Once patience has not helped a kind, the next ones of it are tried once. The operator is told what is waited
// for.
func (c *Client) retry(ctx context.Context, need plan.Permission, do func() error) error {
	need.Namespace, need.Name = "", ""
	patience := patience
	if c.once || c.answers.hopeless(need) {
		patience = 0
	}
	var failed time.Time
	var slow *SlowError
	told := false
	attempt := func() error {
		began := time.Now()
		err := do()
		if err == nil || ctx.Err() != nil || !transient(err) {
			return err
		}
		if failed.IsZero() {
			failed = time.Now()
		}
		if slow == nil && timedOut(err) {
			slow = c.slow(ctx, need, err, time.Since(began))
		}
		if patience > 0 && !told && (slow != nil || time.Since(failed) >= tellAfter) {
			told = true
			c.tellWaiting(Waiting{Need: need, Err: err, Slow: slow, Patience: patience})
		}
		return err
	}
	err := retryFor(ctx, patience, attempt)
	if apierrors.IsUnauthorized(err) && c.loginLost(ctx) == nil {
		// Of one object, or of a credential that has been renewed since.
		err = retryFor(ctx, patience, attempt)
	}
	if err == nil {
		c.answers.succeeded(need)
		return nil
	}
	if slow != nil && timedOut(err) {
		err = slow
	}
	if c.once || ctx.Err() != nil || !transient(err) || unreachable(err) || c.answers.since(need, failed) {
		return err
	}
	c.answers.giveUp(need)
	return unavailable(ctx, patience, err)
}

// tellWaiting tells the operator what is waited for, of each kind once in tellAgain.
func (c *Client) tellWaiting(w Waiting) {
	if w.Slow == nil && unreachable(w.Err) {
		w.Need, w.Err = plan.Permission{}, c.unreachable(w.Err)
	}
	if c.options.Waiting != nil && c.answers.untold(w.Need) {
		c.options.Waiting(w)
	}
}

// unavailable marks an error that patience did not help against.
func unavailable(ctx context.Context, patience time.Duration, err error) error {
	if err == nil || ctx.Err() != nil || !transient(err) || unreachable(err) {
		return err
	}
	if patience == 0 {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w, and could not for %s: %w", ErrUnavailable, patience, err)
}

// answers are how an API server has answered requests lately, by kind: the permission that a request takes, without namespace
// and name. They are safe for concurrent use.
type answers struct {
	mu     sync.Mutex
	last   map[plan.Permission]time.Time // when one last succeeded
	told   map[plan.Permission]time.Time // when it was told that one is waited for
	given  map[plan.Permission]bool      // up: patience did not help; since then none has succeeded
	asking singleflight.Group
	slow   map[plan.Permission]*SlowError
}

func newAnswers() *answers {
	return &answers{
		last: map[plan.Permission]time.Time{}, told: map[plan.Permission]time.Time{},
		given: map[plan.Permission]bool{}, slow: map[plan.Permission]*SlowError{},
	}
}

// succeeded notes that a request of a kind has succeeded now.
func (a *answers) succeeded(need plan.Permission) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last[need] = time.Now()
	delete(a.given, need)
}

// since reports whether a request of a kind has succeeded since a time.
func (a *answers) since(need plan.Permission, began time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.last[need].Before(began)
}

// untold reports whether the operator is to be told now that a kind is waited for, and notes that they are.
func (a *answers) untold(need plan.Permission) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at, ok := a.told[need]; ok && time.Since(at) < tellAgain {
		return false
	}
	a.told[need] = time.Now()
	return true
}

func (a *answers) giveUp(need plan.Permission) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.given[need] = true
}

func (a *answers) hopeless(need plan.Permission) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.given[need]
}

// retryFor calls do until it succeeds, fails for good, ctx ends, or patience has passed since its first failure; its last
// error is the result. It waits 250 ms, twice as long each time up to 4 s, and not less than the API server asks for in
// Retry-After. client-go has obeyed that header by itself already, up to ten times for one request.
func retryFor(ctx context.Context, patience time.Duration, do func() error) error {
	wait := 250 * time.Millisecond
	var since time.Time
	for {
		err := do()
		if err == nil || !transient(err) || ctx.Err() != nil {
			return err
		}
		if since.IsZero() {
			since = time.Now()
		}
		left := patience - time.Since(since)
		if left <= 0 {
			return err
		}
		pause := min(wait, left)
		if seconds, ok := apierrors.SuggestsClientDelay(err); ok {
			pause = max(pause, time.Duration(seconds)*time.Second)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		wait = min(2*wait, 4*time.Second)
	}
}
