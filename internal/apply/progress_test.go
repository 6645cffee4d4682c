package apply

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"provision/internal/outdir"
)

// stall runs watchStall beside what happens, and returns when it ended and how. Nothing in it takes real time.
func stall(t *testing.T, busy func() (bool, error), happen func(*Progress)) (after time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var p Progress
		began := time.Now()
		go happen(&p)
		err = p.watchStall(ctx, time.Minute, func(context.Context) (bool, error) { return busy() })
		after = time.Since(began)
	})
	return after, err
}

func idle() (bool, error) { return false, nil }

func TestWatchStall(t *testing.T) {
	t.Run("nobody waits", func(t *testing.T) {
		if after, err := stall(t, idle, func(p *Progress) {}); err != nil || after != time.Hour {
			t.Errorf("%v after %v", err, after)
		}
	})
	t.Run("nothing is issued", func(t *testing.T) {
		after, err := stall(t, idle, func(p *Progress) { p.await(3) })
		if !errors.Is(err, ErrStalled) || after < time.Minute || after > time.Minute+2*time.Second {
			t.Errorf("%v after %v", err, after)
		}
	})
	t.Run("the time counts from when somebody waits", func(t *testing.T) {
		after, err := stall(t, idle, func(p *Progress) {
			time.Sleep(10 * time.Minute)
			p.await(1)
		})
		if !errors.Is(err, ErrStalled) || after < 11*time.Minute || after > 11*time.Minute+2*time.Second {
			t.Errorf("%v after %v", err, after)
		}
	})
	t.Run("one in 50 s is enough, and the last wait ends it", func(t *testing.T) {
		after, err := stall(t, idle, func(p *Progress) {
			p.await(10)
			for range 10 {
				time.Sleep(50 * time.Second)
				p.issue()
				p.await(-1)
			}
		})
		if err != nil || after != time.Hour {
			t.Errorf("%v after %v", err, after)
		}
	})
	t.Run("the signer works for others first", func(t *testing.T) {
		began := time.Now()
		busy := func() (bool, error) { return true, nil }
		if after, err := stall(t, busy, func(p *Progress) { p.await(1) }); err != nil || after != time.Hour {
			t.Errorf("%v after %v", err, after)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %v of real time", took)
		}
	})
	t.Run("what it did for others before it was first asked does not count", func(t *testing.T) {
		asked := 0
		after, err := stall(t, func() (bool, error) { asked++; return asked == 1, nil }, func(p *Progress) { p.await(1) })
		if !errors.Is(err, ErrStalled) || after > time.Minute+2*time.Second {
			t.Errorf("%v after %v", err, after)
		}
	})
	t.Run("others' work ends", func(t *testing.T) {
		asked := 0
		after, err := stall(t, func() (bool, error) { asked++; return asked < 6, nil }, func(p *Progress) { p.await(1) })
		if !errors.Is(err, ErrStalled) || after < 2*time.Minute || after > 10*time.Minute {
			t.Errorf("%v after %v", err, after)
		}
	})
	t.Run("one is issued while the answer is on its way", func(t *testing.T) {
		slow := func() (bool, error) { time.Sleep(20 * time.Second); return false, nil }
		after, err := stall(t, slow, func(p *Progress) {
			p.await(2)
			time.Sleep(70 * time.Second)
			p.issue()
			p.await(-1)
		})
		if !errors.Is(err, ErrStalled) || after < 130*time.Second {
			t.Errorf("%v after %v", err, after)
		}
	})
	t.Run("the last wait ends while the answer is on its way", func(t *testing.T) {
		slow := func() (bool, error) { time.Sleep(20 * time.Second); return false, nil }
		after, err := stall(t, slow, func(p *Progress) {
			p.await(1)
			time.Sleep(70 * time.Second)
			p.await(-1)
		})
		if err != nil || after != time.Hour {
			t.Errorf("%v after %v", err, after)
		}
	})
	t.Run("the question fails", func(t *testing.T) {
		why := errors.New("no answer")
		if _, err := stall(t, func() (bool, error) { return false, why }, func(p *Progress) { p.await(1) }); !errors.Is(err, why) {
			t.Errorf("%v", err)
		}
	})
}

func TestReportCount(t *testing.T) {
	r := Report{Results: []Result{{Status: Done}, {Status: Failed}, {Status: Done}, {Status: Pending}}}
	for status, want := range map[Status]int{Done: 2, Failed: 1, Pending: 1, NotStarted: 0} {
		if got := r.Count(status); got != want {
			t.Errorf("%s: %d, want %d", status, got, want)
		}
	}
}

// What was only stopped keeps how far it came; what failed by itself says why.
func TestSettle(t *testing.T) {
	why := errors.New("disk full")
	work, giveUp := context.WithCancel(t.Context())
	r := &run{work: work}
	for _, c := range []struct {
		name string
		had  Status
		err  error
		want Status
	}{
		{"done", Pending, nil, Done},
		{"failed", Pending, why, Failed},
		{"stopped before it began", NotStarted, &StoppedError{why}, NotStarted},
		{"stopped while it waited", Pending, &StoppedError{why}, Pending},
	} {
		result := Result{Status: c.had}
		r.settle(&result, c.err)
		if result.Status != c.want || (result.Err != nil) != (c.want == Failed) {
			t.Errorf("%s: %+v", c.name, result)
		}
	}
	giveUp()
	result := Result{Status: Pending}
	if r.settle(&result, why); result.Status != Pending { // the grace period is over: everything fails then
		t.Errorf("given up: %+v", result)
	}
}

// A place that is waited for is not taken once the run was told to stop; the second half of something begun is.
func TestLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t.Context(), planOf(0), nil, outdir.Set{}, Options{Concurrency: 1, Grace: time.Minute})
		defer r.close()
		held := make(chan struct{})
		go r.limited(r.start, r.requests, func() error { <-held; return nil })
		synctest.Wait()
		ran := false
		waiting := make(chan error, 1)
		go func() { waiting <- r.limited(r.start, r.requests, func() error { ran = true; return nil }) }()
		synctest.Wait()
		why := errors.New("told to stop")
		r.stop(&StoppedError{why})
		if err := <-waiting; !errors.Is(err, why) || ran {
			t.Errorf("%v, ran %v", err, ran)
		}
		finished := make(chan error, 1)
		go func() { finished <- r.finish(r.requests, func() error { return nil }) }()
		time.Sleep(30 * time.Second)
		close(held)
		if err := <-finished; err != nil {
			t.Errorf("within the grace: %v", err)
		}
		if r.work.Err() != nil {
			t.Error("the work was given up within the grace")
		}
		time.Sleep(31 * time.Second)
		if r.work.Err() == nil {
			t.Error("the work was not given up after the grace")
		}
	})
}

// With a signer that stalls there is nothing to wait for.
func TestNoGraceForAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t.Context(), planOf(0), nil, outdir.Set{}, Options{})
		defer r.close()
		r.stop(&StoppedError{stalled(time.Minute, 3)})
		synctest.Wait()
		if r.work.Err() == nil {
			t.Error("the work goes on")
		}
	})
}

// One request is not "1 requests".
func TestStalledWords(t *testing.T) {
	for waiting, want := range map[int64]string{
		1: "no certificate was issued for 5m0s while an approved request waits: the signer issues nothing",
		3: "no certificate was issued for 5m0s while 3 approved requests wait: the signer issues nothing",
	} {
		if got := stalled(5*time.Minute, waiting).Error(); got != want {
			t.Errorf("%d: %q, want %q", waiting, got, want)
		}
	}
}
