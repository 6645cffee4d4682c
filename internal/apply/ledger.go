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

type intentRound struct {
	done chan struct{}
	err  error
}

const (
	firstBatch   = 20 * time.Millisecond
	longestBatch = 2 * time.Second
	outcomeEvery = 30 * time.Second
	batchSize    = 1000
)

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

// expect says that n more intents are on their way.
func (r *recorder) expect(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expected += n
}

// intend returns once the ledger says that a certificate may come to exist.
func (r *recorder) intend(record plan.Record) error {
	r.mu.Lock()
	r.intents[record.KeyHash] = record
	r.expected--
	round := r.round
	due := r.expected <= 0 || len(r.intents) >= batchSize
	r.mu.Unlock()
	if due {
		r.poke()
	}
	<-round.done
	return round.err
}

// skip says that an intent which was expected will not come.
func (r *recorder) skip() {
	r.mu.Lock()
	r.expected--
	due := r.expected <= 0 && len(r.intents) > 0
	r.mu.Unlock()
	if due {
		r.poke()
	}
}

// outcome notes what was issued.
func (r *recorder) outcome(record plan.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes[record.KeyHash] = record
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

func (r *recorder) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

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
			wait = min(20*wait, longestBatch)
			batch.Reset(wait)
		case <-r.wake:
		}
		_ = r.flush() // those who wait get the error; outcomes are tried again
	}
}

// flush writes everything that has gathered.
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
	round.err = r.ledger.Write(r.ctx, put, slices.Collect(maps.Keys(voids)), time.Now())
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

// reconcile writes what the plan itself found missing in the ledger, before anything else happens.
func (r *run) reconcile() error {
	var put []plan.Record
	var drop []string
	for _, c := range r.plan.Ledger.Records {
		if c.Op == plan.Delete {
			drop = append(drop, c.Before.KeyHash)
		} else {
			put = append(put, *c.After)
		}
	}
	if len(put)+len(drop) == 0 {
		return nil
	}
	if err := r.ledger.Write(r.work, put, drop, time.Now()); err != nil {
		return err
	}
	r.recorded = len(put) + len(drop)
	return nil
}
