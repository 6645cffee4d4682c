package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"provision/internal/plan"
)

// PermissionError is the API server's refusal of one thing, with the permissions that User lacks: that for this thing,
// and where it is known what else will be refused.
type PermissionError struct {
	Doing   string
	User    string
	Missing []plan.Permission
	Err     error

	NewNamespaces []string // named in Missing, and known not to be there yet
}

func (e *PermissionError) Error() string { return e.Doing + ": " + e.Err.Error() }

func (e *PermissionError) Unwrap() error { return e.Err }

// permission wraps err, as a PermissionError when the API server refused.
func (c *Client) permission(err error, missing plan.Permission, doing string) error {
	if apierrors.IsForbidden(err) && !byAdmission(err) {
		return &PermissionError{Doing: doing, User: c.username, Missing: []plan.Permission{missing}, Err: err}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// byAdmission says whether admission refused, which has the same status code and concerns one object: a namespace that
// is being deleted, a quota, a policy, a webhook.
func byAdmission(err error) bool {
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return true
	}
	for _, words := range []string{"exceeded quota", "denied request", "denied the request"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// Fatal says whether an error concerns everybody, not one user: going on would give the same refusal for each.
func Fatal(err error) bool {
	_, refused := errors.AsType[*PermissionError](err)
	return refused || apierrors.IsUnauthorized(err) || unreachable(err) || errors.Is(err, ErrUnavailable)
}

// patience is how long an API server may be away in the middle of a run before we give up: a control plane node that
// restarts is back in less.
const patience = 2 * time.Minute

// transient is an error that says nothing about the request: the same one may succeed a little later.
func transient(err error) bool {
	return unreachable(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsInternalError(err)
}

// unreachable is an error below HTTP: nobody answered.
func unreachable(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	failure, network := errors.AsType[net.Error](err)
	if _, bare := failure.(syscall.Errno); bare {
		network = false // as such, it may be the error of a file
	}
	return network || utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsHTTP2ConnectionLost(err) ||
		utilnet.IsProbableEOF(err) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "when reading response body") // client-go's words, around errors without a type
}

// UnreachableError says that nobody answers at a server's address, and why in one phrase.
type UnreachableError struct {
	Server string
	Err    error
}

func (e *UnreachableError) Error() string {
	why := e.Err.Error()
	if failure, ok := errors.AsType[*url.Error](e.Err); ok {
		why = failure.Err.Error()
	}
	if failure, ok := errors.AsType[*net.DNSError](e.Err); ok && failure.IsNotFound {
		why = "no such host"
	} else if failure, ok := errors.AsType[syscall.Errno](e.Err); ok {
		why = failure.Error()
	} else if failure, ok := errors.AsType[net.Error](e.Err); ok && failure.Timeout() {
		why = "no answer"
	}
	return "cannot reach " + e.Server + ": " + why
}

// Unwrap returns the failure.
func (e *UnreachableError) Unwrap() error { return e.Err }

// ErrUnavailable says that an API server which answers has carried out nothing of one kind for too long: mostly because
// a webhook that it has to ask is down. Each further request would take as long to say the same.
var ErrUnavailable = errors.New("the API server cannot do this now")

// retry calls do until it succeeds, fails for good, or the API server has been away for too long. A request that
// failed transiently may have taken effect all the same: do must cope with that.
func retry(ctx context.Context, do func() error) error {
	return unavailable(ctx, patience, retryFor(ctx, patience, do))
}

// retry is retry for one of many requests of a kind: as long as others of it succeed, a failure is only its own.
func (c *Client) retry(ctx context.Context, kind string, do func() error) error {
	var failed time.Time
	err := retryFor(ctx, patience, func() error {
		err := do()
		if err != nil && failed.IsZero() {
			failed = time.Now()
		}
		return err
	})
	if err == nil {
		c.works.note(kind)
		return nil
	}
	if c.works.since(kind, failed) {
		return err
	}
	return unavailable(ctx, patience, err)
}

// unavailable marks an error that patience did not help against.
func unavailable(ctx context.Context, patience time.Duration, err error) error {
	if err == nil || ctx.Err() != nil || !transient(err) || unreachable(err) {
		return err
	}
	return fmt.Errorf("%w, and could not for %s: %w", ErrUnavailable, patience, err)
}

// successes are the times when a request of each kind last succeeded.
type successes struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (s *successes) note(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[string]time.Time{}
	}
	s.last[kind] = time.Now()
}

func (s *successes) since(kind string, began time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.last[kind].Before(began)
}

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
