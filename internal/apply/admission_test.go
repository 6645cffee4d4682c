package apply

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The first user enters alone. Groups grow from there.
func TestGroups(t *testing.T) {
	a := newAdmission(t.Context(), t.Context())
	var got []int
	for left := 6000; left > 0; {
		n := a.next(left)
		a.places.Release(int64(n)) // they have ended
		got, left = append(got, n), left-n
	}
	if want := []int{1, 50, 200, 800, 1000, 1000, 1000, 1000, 949}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The next group is let in once half of the last has entered, or has ended, or when nobody will enter any
// more.
func TestAdmit(t *testing.T) {
	for _, c := range []struct {
		name    string
		enter   int // of five
		end     int // besides, without having entered
		stopped bool
		want    time.Duration // until the group counts as in
	}{
		{"half", 3, 0, false, time.Second},
		{"fewer than half", 2, 0, false, time.Minute},
		{"some end before", 2, 1, false, time.Second},
		{"told to stop", 0, 0, true, 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuing, stop := context.WithCancel(t.Context())
				defer stop()
				a := newAdmission(t.Context(), issuing)
				a.size = 5
				if n := a.next(5); n != 5 {
					t.Fatal(n)
				}
				var group []func(func())
				for i := range 5 {
					group = append(group, func(entered func()) {
						time.Sleep(time.Second)
						switch {
						case i < c.enter:
							entered()
							entered() // counts once
						case i < c.enter+c.end:
							return
						}
						time.Sleep(time.Minute - time.Second)
					})
				}
				if c.stopped {
					time.AfterFunc(10*time.Second, stop)
				}
				began := time.Now()
				a.admit(group)
				if took := time.Since(began); took != c.want {
					t.Errorf("after %v, want %v", took, c.want)
				}
				a.users.Wait()
			})
		})
	}
}

// While all places are taken nobody else is let in, and nobody at all once the run was told to stop.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, stop := context.WithCancel(t.Context())
		a := newAdmission(start, start)
		a.size = maxInFlight
		if n := a.next(maxInFlight); n != maxInFlight {
			t.Fatal(n)
		}
		var in atomic.Int64
		in.Store(-1)
		go func() { in.Store(int64(a.next(7))) }()
		synctest.Wait()
		if in.Load() != -1 {
			t.Errorf("%d were let in besides", in.Load())
		}
		a.places.Release(7)
		synctest.Wait()
		if in.Load() != 7 {
			t.Errorf("%d were let in", in.Load())
		}
		stop()
		if n := a.next(7); n != 0 {
			t.Errorf("%d were let in after the end", n)
		}
	})
}
