package cluster

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// fence holds back whatever a client writes while it holds Leases, until each of them is known to be held.
type fence struct {
	mu    sync.Mutex
	locks []*Lock
}

func (f *fence) add(l *Lock) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.locks = append(f.locks, l)
}

func (f *fence) remove(l *Lock) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.locks = slices.DeleteFunc(slices.Clone(f.locks), func(other *Lock) bool { return other == l })
}

// check returns once all Leases are known to be held, or the error of one that is not.
func (f *fence) check(ctx context.Context) error {
	f.mu.Lock()
	locks := f.locks
	f.mu.Unlock()
	for _, l := range locks {
		if err := l.hold(ctx); err != nil {
			return err
		}
	}
	return nil
}

// removing is the key of a context of Removing.
type removing struct{}

// Removing marks what only takes rights away: it needs no lock, and goes on when one is lost.
func Removing(ctx context.Context) context.Context { return context.WithValue(ctx, removing{}, true) }

// fenced is the last thing that a request passes before it is sent, each time that it is.
type fenced struct {
	http.RoundTripper
	fence *fence
}

// RoundTrip sends a request; one that writes something only while the locks are held.
func (t fenced) RoundTrip(r *http.Request) (*http.Response, error) {
	question := strings.HasPrefix(r.URL.Path, "/apis/auth") // reviews: authentication, authorization
	if r.Method != http.MethodGet && !question && r.Context().Value(removing{}) == nil {
		if err := t.fence.check(r.Context()); err != nil {
			if r.Body != nil {
				r.Body.Close()
			}
			return nil, err
		}
	}
	return t.RoundTripper.RoundTrip(r)
}

// WrappedRoundTripper is for client-go, which looks for what is below.
func (t fenced) WrappedRoundTripper() http.RoundTripper { return t.RoundTripper }
