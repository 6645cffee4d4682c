package apply

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"provision/internal/plan"
)

// Users enter their pipelines one alone, see trial, and then in groups that grow from firstGroup to batchSize. The first group
// is soon at the signer, and the keys of each next one are made while the servers work on the last.
const (
	// firstGroup is more than a stock signer takes at once, which is 30.
	firstGroup = 50
	// groupGrowth makes each group larger than all before it together. A group costs the ledger one write, as the intents of
	// those who enter together reach it in one batch: at this rate 1,000 users cost five.
	groupGrowth = 4
	// maxInFlight is how many are under way at a time. That keeps any signer busy, and memory flat at any number of users:
	// ten thousand waiting goroutines held 140 MB of stack.
	maxInFlight = 2 * batchSize
)

// issue takes everybody who needs a certificate or another kubeconfig through their pipeline, and returns when all have ended.
func (r *run) issue() {
	if r.plan.Issues() {
		end, err := r.startHelpers()
		defer end()
		if err != nil {
			r.stop(&StoppedError{err})
			return
		}
	}
	var busy []int // those who stay as they are, or are on the way out, have no pipeline: see leave
	for i, u := range r.plan.Users {
		if u.Certificate.Op != plan.Keep || u.Kubeconfig.Op == plan.Rewrite {
			busy = append(busy, i)
		}
	}
	a := newAdmission(r.start, r.issuing)
	for len(busy) > 0 {
		n := a.next(len(busy))
		if n == 0 {
			break // told to stop: they stay as not started
		}
		a.admit(r.pipelines(busy[:n]))
		busy = busy[n:]
	}
	a.users.Wait()
}

// startHelpers starts what works beside the pipelines: the recorder, which writes the ledger; the watch, which brings what was
// issued; and the one that stops a run when the signer issues nothing. end, which is never nil, ends those that were started,
// and returns when the ledger is written.
func (r *run) startHelpers() (end func(), err error) {
	closeRecord, stopWatch, endStall := func() {}, func() {}, func() {}
	end = func() {
		endStall()
		stopWatch()
		closeRecord()
	}
	if r.ledger != nil {
		r.record = newRecorder(r.work, r.ledger)
		closeRecord = func() {
			if err := r.record.close(); err != nil {
				r.stop(&StoppedError{err})
			}
		}
	}
	if r.opts.DryRun {
		return end, nil // nothing comes of its requests
	}
	if r.watch, err = r.client.Watch(r.work, r.plan.Set); err != nil {
		return end, err
	}
	stopWatch = r.watch.Stop
	ctx, cancel := context.WithCancel(r.start)
	endStall = cancel
	go func() {
		if err := r.progress.watchStall(ctx, r.opts.StallAfter, r.client.SignerBusy()); err != nil {
			r.stop(&StoppedError{err})
		}
	}()
	return end, nil
}

// pipelines are those of a group of users of the plan. All exist before one of them begins: so the recorder knows of every
// intent that it is to wait for.
func (r *run) pipelines(users []int) []func(entered func()) {
	group := make([]func(func()), 0, len(users))
	for _, i := range users {
		group = append(group, r.newPipeline(i).perform)
	}
	return group
}

// admission lets users into their pipelines, group by group. It is not safe for concurrent use.
type admission struct {
	start   context.Context // ends: let nobody else in
	issuing context.Context // ends: nobody who is in will enter any more
	size    int             // of the next group
	places  *semaphore.Weighted
	users   sync.WaitGroup // those who are in
}

func newAdmission(start, issuing context.Context) *admission {
	return &admission{start: start, issuing: issuing, size: 1, places: semaphore.NewWeighted(maxInFlight)}
}

// next returns how many of some users are the next group, once there are places for them; 0 when nobody else is to be let in.
func (a *admission) next(users int) int {
	n := min(a.size, users)
	if a.places.Acquire(a.start, int64(n)) != nil {
		return 0
	}
	a.size = min(max(firstGroup, groupGrowth*a.size), batchSize)
	return n
}

// admit lets a group in and returns once half of it has entered, which is when their requests may be sent. The other half is
// not waited for: one slow disk or one late key would leave the servers idle. A pipeline calls entered, once or more
// often; one that ends without counts as entered.
func (a *admission) admit(group []func(entered func())) {
	half := make(chan struct{})
	var missing atomic.Int64
	missing.Store(int64(len(group)+1) / 2)
	for _, perform := range group {
		a.users.Go(func() {
			defer a.places.Release(1)
			entered := sync.OnceFunc(func() {
				if missing.Add(-1) == 0 {
					close(half)
				}
			})
			defer entered()
			perform(entered)
		})
	}
	select {
	case <-half:
	case <-a.issuing.Done():
	}
}
