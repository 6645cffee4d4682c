package apply

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// recorder writes the ledger while a run goes on, in batches: a run costs a handful of writes, not one per user.
//
// An intent is waited for, because its request must not be sent before it is written. The first batch goes out at
// once, so that the signer has work early; each one later waits a little longer for company. Outcomes are not waited
// for: after a crash the next plan finds them again.
type recorder struct {
	ledger *cluster.Ledger
	ctx    context.Context

	mu       sync.Mutex
	expected int                    // intents on their way
	intents  map[string]plan.Record // by key
	outcomes map[string]plan.Record
	voids    map[string]bool
	round    *intentRound // the one that intents now join

	wake chan struct{} // something may be due
	stop chan struct{}
	done chan struct{}
	err  error // of the last write at the end
}

// intentRound is one write of the ledger, for all that gathered before it.
type intentRound struct {
	done chan struct{}
	err  error
}

const (
	// The first batch of intents waits for this long, and each later one batchGrowth times as long as the one before, up to
	// longestBatch: 20 ms, 400 ms, 2 s. The signer has work by then.
	firstBatch   = 20 * time.Millisecond
	batchGrowth  = 20
	longestBatch = 2 * time.Second
	// outcomeEvery is how often outcomes are written. After a crash the next plan finds those of the last moments again.
	outcomeEvery = 30 * time.Second
	// batchSize is how many intents do not wait for more: as many as a ConfigMap of the ledger holds.
	batchSize = 1000
)

// newRecorder starts one, which writes until ctx ends. It has to be closed.
func newRecorder(ctx context.Context, ledger *cluster.Ledger) *recorder {
	r := &recorder{
		ledger: ledger, ctx: ctx,
		intents: map[string]plan.Record{}, outcomes: map[string]plan.Record{}, voids: map[string]bool{},
		round: &intentRound{done: make(chan struct{})},
		wake:  make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go r.run()
	return r
}

// ticket is one intent on its way: it is written or skipped, once. Only one goroutine uses it. A nil ticket is that of a run that
// cannot ask for the ledger; it may be skipped.
type ticket struct {
	*recorder
	settled bool
}

// expect returns the ticket of an intent, for which others will wait. A nil recorder has none.
func (r *recorder) expect() *ticket {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected++
	return &ticket{recorder: r}
}

// intend returns once the ledger says that a certificate may come to exist, or with the error of that write.
func (t *ticket) intend(record plan.Record) error {
	t.settled = true
	t.mu.Lock()
	t.intents[record.KeyHash] = record
	t.expected--
	round := t.round
	due := t.expected <= 0 || len(t.intents) >= batchSize
	t.mu.Unlock()
	if due {
		t.poke()
	}
	<-round.done
	return round.err
}

// skip says that the intent will not come, unless it has come.
func (t *ticket) skip() {
	if t == nil || t.settled {
		return
	}
	t.settled = true
	t.mu.Lock()
	t.expected--
	due := t.expected <= 0 && len(t.intents) > 0
	t.mu.Unlock()
	if due {
		t.poke()
	}
}

// outcome notes what was issued.
func (r *recorder) outcome(record plan.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes[record.KeyHash] = record
}

// write returns once the ledger has a record, or with the error of that write.
func (r *recorder) write(record plan.Record) error {
	r.mu.Lock()
	r.outcomes[record.KeyHash] = record
	round := r.round
	r.mu.Unlock()
	r.poke()
	<-round.done
	return round.err
}

// void notes that a certificate can never come to exist.
func (r *recorder) void(keyHash string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.voids[keyHash] = true
}

// close writes what is left and returns the error of that, if any.
func (r *recorder) close() error {
	close(r.stop)
	<-r.done
	return r.err
}

// poke has what gathered written now.
func (r *recorder) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run writes whenever something is due, until the recorder is closed, and then once more.
func (r *recorder) run() {
	defer close(r.done)
	wait := firstBatch
	outcomes := time.NewTicker(outcomeEvery)
	defer outcomes.Stop()
	batch := time.NewTicker(firstBatch)
	defer batch.Stop()
	for {
		select {
		case <-r.stop:
			r.err = r.flush()
			return
		case <-outcomes.C:
		case <-batch.C:
			r.mu.Lock()
			idle := len(r.intents)+len(r.voids) == 0 // voids while the run may still write: it may be ending
			r.mu.Unlock()
			if idle {
				continue
			}
			wait = min(batchGrowth*wait, longestBatch)
			batch.Reset(wait)
		case <-r.wake:
		}
		_ = r.flush() // those who wait get the error; outcomes are tried again
	}
}

// flush writes everything that has gathered, and returns the error of that, as do all calls that wait for it. Outcomes that could
// not be written stay for the next time; intents do not.
func (r *recorder) flush() error {
	r.mu.Lock()
	round, intents, outcomes, voids := r.round, r.intents, r.outcomes, r.voids
	r.round = &intentRound{done: make(chan struct{})}
	r.intents, r.outcomes, r.voids = map[string]plan.Record{}, map[string]plan.Record{}, map[string]bool{}
	r.mu.Unlock()
	defer close(round.done)
	if len(intents)+len(outcomes)+len(voids) == 0 {
		return nil
	}
	put := append(slices.Collect(maps.Values(intents)), slices.Collect(maps.Values(outcomes))...)
	slices.SortFunc(put, func(a, b plan.Record) int { return a.Intended.Compare(b.Intended) })
	round.err = r.ledger.Write(r.ctx, put, slices.Collect(maps.Keys(voids)))
	if round.err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		for key, record := range outcomes { // not those that a later one has replaced
			if _, newer := r.outcomes[key]; !newer {
				r.outcomes[key] = record
			}
		}
		maps.Copy(r.voids, voids)
	}
	return round.err
}
