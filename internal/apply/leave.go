package apply

import (
	"context"
	"sync"

	"provision/internal/plan"
)

// leave removes the kubeconfigs of those who left, and the keys that nothing will come of, of all who have no pipeline. The ledger
// lists their certificates by now: the file may have been the last that told of one.
func (r *run) leave() {
	for i, u := range r.plan.Users {
		if u.Kubeconfig.Op != plan.Remove && (!u.Abandon || u.Kubeconfig.Op == plan.Rewrite) {
			continue
		}
		r.settle(&r.users[i], r.taking.limited(r.disk, func(context.Context) error {
			if r.opts.DryRun {
				return nil
			}
			if u.Abandon {
				if err := r.files.DropKey(u.Name); err != nil {
					return err
				}
			}
			if u.Kubeconfig.Op != plan.Remove {
				return nil
			}
			if err := r.reclaim(u); err != nil {
				return err
			}
			return r.files.Remove(u.Name)
		}))
	}
}

// forgetClusters takes the entries of clusters that are no more out of the kubeconfigs, before anything is written into those.
func (r *run) forgetClusters() {
	for i, c := range r.plan.Forgotten {
		r.settle(&r.forgotten[i], r.limited(r.start, r.disk, func() error {
			if r.opts.DryRun {
				return nil
			}
			return r.files.Forget(*c.Before)
		}))
	}
}

// abandon deletes requests of ours that nobody waits for any more, before they are issued. With OnlyRemove it deletes only those
// whose user leaves.
func (r *run) abandon() {
	var requests sync.WaitGroup
	for i, c := range r.plan.Requests {
		if r.opts.OnlyRemove != nil && !r.plan.Ends(c) {
			continue
		}
		requests.Go(func() {
			err := r.taking.limited(r.grants, func(ctx context.Context) error { return r.client.DeleteRequest(ctx, *c.Before) })
			r.taken(&r.requestResults[i], err)
		})
	}
	requests.Wait()
}

// forgets reports whether no certificate can come, or can have come, of a request that was deleted.
func forgets(r plan.Request) bool { return r.State == plan.Pending && r.Conforms && !r.Resent }
