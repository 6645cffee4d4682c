package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func TestCapLease(t *testing.T) {
	for claimed, want := range map[int]int{1: 1, 45: 45, 46: 45, 3600: 45, 2147483647: 45} {
		record := resourcelock.LeaderElectionRecord{LeaseDurationSeconds: claimed}
		if capLease(&record); record.LeaseDurationSeconds != want {
			t.Errorf("%d s become %d", claimed, record.LeaseDurationSeconds)
		}
	}
}

// A Lease that claims to be renewed in the future ends as one does that was renewed now.
func TestLeaseEnd(t *testing.T) {
	for renewed, want := range map[time.Duration]time.Duration{-time.Minute: -15 * time.Second, 0: leaseDuration, time.Hour: leaseDuration} {
		if got := leaseEnd(noon.Add(renewed), noon).Sub(noon); got != want {
			t.Errorf("renewed at %v: it ends at %v, want %v", renewed, got, want)
		}
	}
}

// Somebody else holds the Lease, and gives it back within the time that one has to wait. The elector looks only now and then:
// it has the time to see that. Where others are quicker each time, that is said, and not that the API server was silent.
func TestLockGivenBackInTime(t *testing.T) {
	lock := func(t *testing.T, taken bool) (after time.Duration, err error) {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			leases := schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}
			c := memoryClient(t, func(w http.ResponseWriter, r *http.Request) {
				holder, renewed := "carol", metav1.NewMicroTime(begun)
				if time.Since(begun) >= 500*time.Millisecond {
					holder = ""
				}
				lease := coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "provision-team", Namespace: "books", ResourceVersion: "1"}}
				lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &holder, RenewTime: &renewed, AcquireTime: &renewed, LeaseDurationSeconds: new(int32(45))}
				switch {
				case !strings.HasSuffix(r.URL.Path, "/leases/provision-team"):
					answer(w, corev1.Namespace{}, nil)
				case r.Method == http.MethodGet:
					answer(w, lease, nil)
				case taken:
					answer(w, nil, apierrors.NewConflict(leases, "provision-team", errors.New("somebody was quicker")))
				default:
					if err := json.NewDecoder(r.Body).Decode(&lease); err != nil {
						t.Error(err)
					}
					answer(w, lease, nil)
				}
			})
			var held *Lock
			if _, held, err = c.Lock(t.Context(), "books", "team", "ann", time.Second); err == nil {
				held.Release()
			}
			after = time.Since(begun)
		})
		return after, err
	}
	if after, err := lock(t, false); err != nil || after > 10*time.Second {
		t.Errorf("given back: after %v: %v", after, err)
	}
	after, err := lock(t, true)
	if !errors.Is(err, errFree) || !strings.Contains(err.Error(), "somebody else was applying it") || after > 10*time.Second {
		t.Errorf("taken by others: after %v: %v", after, err)
	}
}

// memoryClient talks to a handler without a network, so that no time passes but what a test makes pass.
func memoryClient(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	config := &rest.Config{
		Host: "https://server", QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}, Transport: inMemory(handler),
	}
	kube, _, err := newClientset(config, route{})
	if err != nil {
		t.Fatal(err)
	}
	return &Client{kube: kube, watch: kube, username: "operator", answers: newAnswers(), clock: &clock{}, fence: &fence{}}
}

type inMemory http.HandlerFunc

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	m(w, r)
	return w.Result(), nil
}

// fencedRun is a run that holds Leases, and notes what it sends.
type fencedRun struct {
	ctx  context.Context // ends when a Lease is lost
	lose context.CancelCauseFunc
	http fenced
	sent []time.Time
}

func (r *fencedRun) RoundTrip(*http.Request) (*http.Response, error) {
	r.sent = append(r.sent, time.Now())
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func newFencedRun(t *testing.T) *fencedRun {
	r := &fencedRun{}
	r.ctx, r.lose = context.WithCancelCause(t.Context())
	r.http = fenced{r, &fence{}}
	return r
}

// hold adds a Lease that was renewed at a moment.
func (r *fencedRun) hold(renewed time.Time) *Lock {
	l := &Lock{lost: r.lose, fence: r.http.fence, next: make(chan struct{})}
	l.renew(renewed)
	r.http.fence.add(l)
	return l
}

// send is a request of the run: what came of it, and after how long.
func (r *fencedRun) send(t *testing.T, ctx context.Context, method, path string) (time.Duration, error) {
	t.Helper()
	body := &closedBody{Reader: strings.NewReader("{}")}
	request, err := http.NewRequestWithContext(ctx, method, "https://server"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	begun, before := time.Now(), len(r.sent)
	_, err = r.http.RoundTrip(request)
	if sent := len(r.sent) > before; sent != (err == nil) {
		t.Errorf("sent: %v, and the error is %v", sent, err)
	}
	if err != nil && !body.closed {
		t.Error("the body of what is not sent stays open, as no RoundTripper may leave it")
	}
	return time.Since(begun), err
}

type closedBody struct {
	io.Reader
	closed bool
}

func (b *closedBody) Close() error {
	b.closed = true
	return nil
}

const bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/web/rolebindings"

// A write goes on while the last renewal is fresh; later the next renewal decides, and without one nothing is sent.
func TestFenceHoldsBackWrites(t *testing.T) {
	for _, c := range []struct {
		name   string
		age    time.Duration // of the last renewal when the write begins
		next   time.Duration // how long after that the next renewal comes, 0 for never
		waits  time.Duration
		writes bool
	}{
		{"fresh", freshness - 1, 0, 0, true},
		{"in time", freshness, time.Second, time.Second, true},
		{"just in time", freshness, renewDeadline - freshness - 1, renewDeadline - freshness - 1, true},
		{"no renewal", freshness, 0, renewDeadline - freshness, false},
		{"too late a renewal", freshness, renewDeadline - freshness + 1, renewDeadline - freshness, false},
		{"stood still until the end", renewDeadline - 1, 0, 1, false},
		{"stood still", renewDeadline, 0, 0, false},
		{"stood still for an hour", time.Hour, 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newFencedRun(t)
				l := r.hold(time.Now().Add(-c.age))
				if c.next > 0 {
					defer time.AfterFunc(c.next, func() { l.renew(time.Now()) }).Stop()
				}
				waited, err := r.send(t, r.ctx, http.MethodPut, bindings)
				if waited != c.waits || (err == nil) != c.writes {
					t.Errorf("%v after %v, want one that writes (%v) after %v", err, waited, c.writes, c.waits)
				}
				if lost := errors.Is(context.Cause(r.ctx), ErrLockLost); lost == c.writes || !c.writes && !errors.Is(err, ErrLockLost) {
					t.Errorf("the run ended: %v; the write: %v", lost, err)
				}
			})
		})
	}
}

// Renewals end at some moment, and somebody else may take the Lease leaseDuration after the last: nothing is sent by then,
// whenever it was begun.
// PROMISE: An apply that stood still writes nothing after its lock.
func TestFenceEndsBeforeTheLease(t *testing.T) {
	const renewals = 20 * time.Second
	for begins := time.Duration(0); begins < 2*time.Minute; begins += 500 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			r := newFencedRun(t)
			start := time.Now()
			l := r.hold(start)
			for after := retryPeriod; after <= renewals; after += retryPeriod {
				defer time.AfterFunc(after, func() { l.renew(time.Now()) }).Stop()
			}
			time.Sleep(begins)
			_, err := r.send(t, r.ctx, http.MethodPost, bindings)
			for _, sent := range r.sent {
				if free := start.Add(renewals + leaseDuration); !sent.Before(free) {
					t.Errorf("a write that began after %v was sent %v after the Lease was free", begins, sent.Sub(free))
				}
			}
			if wants := begins < renewals+freshness; wants != (err == nil) {
				t.Errorf("a write that began after %v: %v", begins, err)
			}
		})
	}
}

// While a machine sleeps its monotonic clock stands still, and the other one may be set back: each tells what the other does
// not. Not in a bubble of synctest, which has one clock.
func TestFenceAfterSleep(t *testing.T) {
	for name, renewed := range map[string]time.Time{
		"a sleep":                  sleptSince(t, time.Now(), renewDeadline),
		"a clock that is set back": sleptSince(t, time.Now().Add(-renewDeadline), -time.Hour),
	} {
		r := newFencedRun(t)
		r.hold(renewed)
		if _, err := r.send(t, r.ctx, http.MethodPut, bindings); !errors.Is(err, ErrLockLost) {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

// sleptSince is a moment with the clock on the wall set so much earlier, and the monotonic one as it is. Package time makes
// none such: its seconds are the bits above 30 of the first word (time.Time.wall).
func sleptSince(t *testing.T, at time.Time, slept time.Duration) time.Time {
	moment := at
	*(*uint64)(unsafe.Pointer(&moment)) -= uint64(int64(slept/time.Second) << 30)
	if at.Sub(moment) != 0 || at.Round(0).Sub(moment.Round(0)) != slept {
		t.Fatalf("time.Time is made in another way now: %v and %v", at, moment)
	}
	return moment
}

// What reads, asks or takes away needs no lock, nor does a run that has none; who holds several needs each.
func TestFenceIsForWrites(t *testing.T) {
	for _, c := range []struct {
		name, method, path string
		taking             bool
		held, lost         int
		sent               bool
	}{
		{"read", http.MethodGet, bindings, false, 0, 1, true},
		{"may I", http.MethodPost, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", false, 0, 1, true},
		{"who am I", http.MethodPost, "/apis/authentication.k8s.io/v1/selfsubjectreviews", false, 0, 1, true},
		{"take away", http.MethodPut, bindings, true, 0, 1, true},
		{"delete", http.MethodDelete, bindings + "/x", true, 0, 1, true},
		{"delete and more", http.MethodDelete, bindings + "/x", false, 0, 1, false},
		{"create", http.MethodPost, bindings, false, 0, 1, false},
		{"patch", http.MethodPatch, bindings + "/x", false, 0, 1, false},
		{"approve", http.MethodPut, "/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval", false, 0, 1, false},
		{"ledger", http.MethodPut, "/api/v1/namespaces/provision-system/configmaps/x", false, 0, 1, false},
		{"no lock", http.MethodPut, bindings, false, 0, 0, true},
		{"two locks", http.MethodPut, bindings, false, 2, 0, true},
		{"one of two", http.MethodPut, bindings, false, 1, 1, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newFencedRun(t)
			for range c.held {
				r.hold(time.Now())
			}
			for range c.lost {
				r.hold(time.Now().Add(-time.Hour))
			}
			ctx := r.ctx
			if c.taking {
				ctx = Removing(ctx)
			}
			if _, err := r.send(t, ctx, c.method, c.path); (err == nil) != c.sent {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
}

// A lock that was given back holds nothing back.
func TestFenceReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFencedRun(t)
		l, other := r.hold(time.Now().Add(-time.Hour)), r.hold(time.Now())
		r.http.fence.remove(l)
		if _, err := r.send(t, r.ctx, http.MethodPut, bindings); err != nil || !slices.Equal(r.http.fence.locks, []*Lock{other}) {
			t.Errorf("%v, %d locks", err, len(r.http.fence.locks))
		}
	})
}

// Who is interrupted does not wait for a renewal.
func TestFenceInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFencedRun(t)
		r.hold(time.Now().Add(-freshness))
		ctx, stop := context.WithTimeout(r.ctx, time.Second)
		defer stop()
		if waited, err := r.send(t, ctx, http.MethodPut, bindings); waited != time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v", err, waited)
		}
		if r.ctx.Err() != nil {
			t.Error("the Lease is not lost")
		}
	})
}
