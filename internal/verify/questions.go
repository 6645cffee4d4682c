package verify

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// settle is how long a question is asked again to which the answer was no: each API server learns of a new binding a little later.
const settle = 10 * time.Second

// pause is how long to wait before a question is asked again: 40 times at the most.
const pause = 250 * time.Millisecond

// question is what shows whether a grant of a role holds.
type question struct {
	probe   cluster.Probe
	role    plan.RoleRef
	missing *Difference // the role is not there, so there is nothing to ask; else nil
}

// questionsOf finds the questions for every subject: one for each grant. A role that allows nothing has none.
func questionsOf(ctx context.Context, desired plan.Desired, client *cluster.Client) (map[plan.Subject][]question, error) {
	own := map[plan.ObjectKey]bool{}
	for _, r := range desired.Roles {
		own[r.Object().Key()] = true
	}
	asked := make([]bool, len(desired.Bindings))
	questions := make([]question, len(desired.Bindings))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, b := range desired.Bindings {
		g.Go(func() (err error) {
			q := question{role: b.RoleRef}
			q.probe, asked[i], err = client.Probe(ctx, b)
			if errors.Is(err, cluster.ErrRoleMissing) {
				q.missing = &Difference{Code: RoleMissing, Err: err}
				if own[b.Role()] {
					q.missing.Code = RoleNotApplied
				}
				asked[i], err = true, nil
			}
			questions[i] = q
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	of := map[plan.Subject][]question{}
	for i, b := range desired.Bindings {
		if !asked[i] {
			continue
		}
		for _, s := range b.Subjects {
			of[s] = append(of[s], questions[i])
		}
	}
	return of, nil
}

// holds reports whether ask allows what q stands for. It asks again for a while when the answer is no, see settle.
func holds(ctx context.Context, ask func(context.Context, cluster.Probe) (bool, error), q cluster.Probe) (bool, error) {
	within, done := context.WithTimeout(ctx, settle)
	defer done()
	for refused := false; ; refused = true {
		ok, err := ask(within, q)
		if refused && within.Err() != nil && ctx.Err() == nil { // the time ended while it was asked once more
			return false, nil
		}
		if ok || err != nil {
			return ok, err
		}
		select {
		case <-within.Done():
			return false, ctx.Err()
		case <-time.After(pause):
		}
	}
}
