package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Progress counts what a run has done so far. The zero value is ready. A run writes it, anybody may read it at any time.
type Progress struct {
	total  atomic.Int64 // counted up before the first one begins
	issued atomic.Int64
	failed atomic.Int64 // users without one, whatever it failed at

	mu      sync.Mutex
	waiting int64
	moved   time.Time // when the signer last issued one, or when somebody began to wait with nobody waiting before
}

// Counts is one look at a Progress.
type Counts struct {
	Total   int64 // certificates that the plan asks for
	Waiting int64 // approved and not yet issued
	Issued  int64
	Failed  int64
}

// Counts returns the present figures.
func (p *Progress) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Counts{Total: p.total.Load(), Waiting: p.waiting, Issued: p.issued.Load(), Failed: p.failed.Load()}
}

// await counts n more as waiting for the signer, or fewer where n is negative.
func (p *Progress) await(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == 0 {
		p.moved = time.Now()
	}
	p.waiting += n
}

// issue counts a certificate, and does not take it from those that wait: await(-1) does.
func (p *Progress) issue() {
	p.issued.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved = time.Now()
}

// state returns how many wait, and since when nothing has moved.
func (p *Progress) state() (waiting int64, moved time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting, p.moved
}

// watchStall returns an error when nothing was issued for a time although requests wait, or nil when ctx ends. The
// time is about the signer, not about one user: in a batch of thousands each waits for minutes. Nor is it about this set
// alone: busy reports whether the signer has issued anything for anybody since it was asked last. It is asked only while this set
// stands still: at half of the time, from where it counts, and then from the whole time on each second until it says no, which is
// the stall, or yes, for which the time begins anew. An error of busy ends the watch, and is returned.
func (p *Progress) watchStall(ctx context.Context, after time.Duration, busy func(context.Context) (bool, error)) error {
	tick := time.NewTicker(time.Second) // fine enough for StallAfter, which is a minute or so
	defer tick.Stop()
	asked := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			waiting, moved := p.state()
			quiet := now.Sub(moved)
			if waiting == 0 || quiet < after/2 {
				asked = false
				continue
			}
			if asked && quiet < after {
				continue
			}
			works, err := busy(ctx)
			switch {
			case ctx.Err() != nil:
				return nil
			case err != nil:
				return err
			case !asked: // from here on counts what it issues
				asked = true
			case works:
				p.mu.Lock()
				p.moved = time.Now()
				p.mu.Unlock()
			default: // the answer may have taken long
				if still, last := p.state(); still > 0 && last.Equal(moved) {
					return stalled(after, still)
				}
			}
		}
	}
}

// ErrStalled is why a run stops whose signer issues nothing.
var ErrStalled = errors.New("the signer issues nothing")

// stalled wraps ErrStalled with the time and how many wait.
func stalled(after time.Duration, waiting int64) error {
	wait := fmt.Sprintf("%d approved requests wait", waiting)
	if waiting == 1 {
		wait = "an approved request waits"
	}
	return fmt.Errorf("no certificate was issued for %s while %s: %w", after, wait, ErrStalled)
}
