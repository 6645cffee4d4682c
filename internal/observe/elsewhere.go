package observe

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// askAtMost is how long what takes rights away waits for answers that it can do without.
const askAtMost = 10 * time.Second

// Complete asks the API server what only it knows of plans that are to be shown: what the operator lacks, and what those have
// from others to whom the plans give something. A plan that only takes rights away does not wait for an answer: that there is
// none is told to untold, which is nil where something is to be given. A set of several for which the questions fail is left out.
func Complete(ctx context.Context, all plan.Proposals, client *cluster.Client, untold func(error)) error {
	goesOn := func(error) bool { return false }
	if untold != nil {
		outer := ctx
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, askAtMost)
		defer done()
		goesOn = func(err error) bool {
			if outer.Err() != nil {
				return false
			}
			untold(err)
			return true
		}
	}
	questions := all.Ask(time.Now())
	found, err := outside(ctx, all, client, questions.Subjects())
	if err != nil && !goesOn(err) {
		return err
	}
	var unread error // the ledgers of all sets
	if questions.Ledgers() {
		if unread = ledgers(ctx, all, client, found); unread != nil && !questions.AnyNames() && !goesOn(unread) {
			return unread
		}
	}
	for i := range all {
		p := &all[i]
		if p.Failed != nil {
			continue
		}
		g, asking := errgroup.WithContext(ctx)
		missing := p.Missing
		g.Go(func() (err error) {
			found[i].Powerful, err = client.AllPowerful(asking, p.Ledger.Namespace, p.OthersRoles())
			return err
		})
		g.Go(func() (err error) {
			missing, err = client.Missing(asking, p.Plan)
			asked := *p
			asked.Missing = missing
			if asked.Blocked() { // a dry run among the questions may stumble over a problem already found
				return nil
			}
			return err
		})
		err := g.Wait()
		p.Missing = missing // only now: the other question reads p
		p.WithoutBlock()
		if err == nil && questions.Names(i) {
			err = unread
		}
		if err != nil && !goesOn(err) {
			if len(all) == 1 || ConcernsAll(ctx, err) {
				return err
			}
			p.Fail(err)
		}
	}
	questions.Answer(found)
	return nil
}

// outside looks at the cluster's bindings, once for all plans. There is one Elsewhere for each plan also with an error.
func outside(ctx context.Context, all plan.Proposals, client *cluster.Client, who map[plan.Subject]bool) ([]plan.Elsewhere, error) {
	sets := make([]plan.Desired, len(all))
	for i, p := range all {
		sets[i] = p.Desired
	}
	found := make([]plan.Elsewhere, len(all))
	_, held, err := client.Granted(ctx, who, sets)
	for i := range held {
		found[i].Held = held[i]
	}
	return found, err
}

// ledgers reads the ledgers of all sets, once for all plans, into each element of found. Those that could be read are there also
// with an error.
func ledgers(ctx context.Context, all plan.Proposals, client *cluster.Client, found []plan.Elsewhere) error {
	var namespaces []string
	for _, p := range all {
		if p.Failed == nil {
			namespaces = append(namespaces, p.Ledger.Namespace)
		}
	}
	list, _, err := client.Ledgers(ctx, namespaces)
	for i := range found {
		found[i].Ledgers = list
	}
	return err
}

// ConcernsAll reports whether an error of one set would be every other's too: a lost login, a network that is not there, an
// interrupt. A refusal is not: what is refused may be that set's own namespace.
func ConcernsAll(ctx context.Context, err error) bool {
	_, refused := errors.AsType[*cluster.PermissionError](err)
	return ctx.Err() != nil || !refused && cluster.Fatal(err)
}
