package apply

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"provision/internal/outdir"
)

// entrants let n users knock at a trial, and tell how many are in.
func entrants(ctx context.Context, tr *trial, n int) (in chan func()) {
	in = make(chan func(), n)
	for range n {
		go func() {
			if leave, err := tr.enter(ctx); err == nil {
				in <- leave
			}
		}()
	}
	return in
}

// PROMISE: In each run one user's certificate is issued and logs in before the others are
// asked for; a slow signer is asked for more of them every two seconds.
func TestTrial(t *testing.T) {
	nothing := func() error { return nil }
	inside := func(t *testing.T, in chan func(), want int, when string) {
		t.Helper()
		synctest.Wait()
		if len(in) != want {
			t.Errorf("%s: %d are in, want %d", when, len(in), want)
		}
	}
	run := func(name string, widens bool, f func(*testing.T, *trial, chan func())) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, done := context.WithCancel(t.Context())
				tr := newTrial(widens)
				in := entrants(ctx, tr, 100)
				inside(t, in, 1, "at first")
				f(t, tr, in)
				done()
				synctest.Wait()
			})
		})
	}
	run("a certificate that has passed lets everybody in", true, func(t *testing.T, tr *trial, in chan func()) {
		if err := tr.pass(nothing); err != nil {
			t.Fatal(err)
		}
		inside(t, in, 100, "passed")
		if err := tr.pass(func() error { return errors.New("asked again") }); err != nil {
			t.Error(err)
		}
	})
	run("a certificate whose key is not here lets everybody in, and proves nothing", false, func(t *testing.T, tr *trial, in chan func()) {
		tr.unproved()
		inside(t, in, 100, "unproved")
		if tr.hasPassed() {
			t.Error("has passed")
		}
		tr.unproved()
		why := errors.New("not accepted")
		if err := tr.pass(func() error { return why }); !errors.Is(err, why) {
			t.Errorf("the next was not asked to prove itself: %v", err)
		}
		if err := tr.pass(nothing); err != nil || !tr.hasPassed() {
			t.Errorf("%v, passed %v", err, tr.hasPassed())
		}
	})
	run("who fails makes room for one", true, func(t *testing.T, tr *trial, in chan func()) {
		leave := <-in
		leave()
		leave()
		inside(t, in, 1, "the next")
	})
	run("one that does not pass lets nobody in", false, func(t *testing.T, tr *trial, in chan func()) {
		why := errors.New("not accepted")
		if err := tr.pass(func() error { return why }); !errors.Is(err, why) {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		inside(t, in, 1, "later")
		if err := tr.pass(nothing); err != nil {
			t.Error(err)
		}
		inside(t, in, 100, "when another has passed")
	})
	run("a slow signer holds nobody up for long", true, func(t *testing.T, tr *trial, in chan func()) {
		for _, want := range []int{2, 4, 8} {
			time.Sleep(trialPatience)
			inside(t, in, want, "after a while")
		}
		time.Sleep(10 * trialPatience)
		inside(t, in, 100, "in the end")
		time.Sleep(time.Hour)
		if err := tr.pass(nothing); err != nil {
			t.Error(err)
		}
	})
	run("where only a login tells, it is waited for", false, func(t *testing.T, tr *trial, in chan func()) {
		time.Sleep(time.Hour)
		inside(t, in, 1, "later")
	})
}

// A user who waits for their turn is not let in any more once nothing is asked for.
func TestTrialStopped(t *testing.T) {
	r := newRun(t.Context(), planOf(2), nil, outdir.Set{}, Options{})
	defer r.close()
	if _, err := r.trial.enter(r.issuing); err != nil {
		t.Fatal(err)
	}
	why := &SignerError{"user-0", errors.New("not accepted")}
	r.stopIssuing(&StoppedError{why})
	if _, err := r.trial.enter(r.issuing); err == nil {
		t.Error("let in")
	}
	if err := stopped(r.issuing); !errors.Is(err, why) {
		t.Error(err)
	}
	if r.start.Err() != nil {
		t.Error("all else has stopped, too")
	}
	if got := r.report().Stopped; !errors.Is(got, why) {
		t.Errorf("reported: %v", got)
	}
}
