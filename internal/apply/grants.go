package apply

import (
	"context"
	"sync"
	"time"

	"provision/internal/plan"
)

// grant creates and updates roles, then bindings: who may not bind freely can only bind a role that exists.
func (r *run) grant() {
	var roles sync.WaitGroup
	for i, c := range r.plan.Roles {
		if c.Op != plan.Create && c.Op != plan.Update {
			continue
		}
		roles.Go(func() {
			r.write(&r.roles[i], func(ctx context.Context) error { return r.client.PutRole(ctx, r.plan.Set, *c.After) })
		})
	}
	roles.Wait()
	var bindings sync.WaitGroup
	for i, c := range r.plan.Bindings {
		if c.Op != plan.Create && c.Op != plan.Update {
			continue
		}
		bindings.Go(func() {
			r.write(&r.bindings[i], func(ctx context.Context) error {
				if c.Op == plan.Create && c.Before != nil { // ours, but made anew by somebody with another roleRef
					if err := r.client.DeleteBinding(ctx, *c.Before); err != nil {
						return err
					}
				}
				return r.client.PutBinding(ctx, r.plan.Set, *c.After)
			})
		})
	}
	bindings.Wait()
}

// withdraw deletes what the file no longer says: bindings, then roles, and the kubeconfigs of those who left.
func (r *run) withdraw() {
	var bindings sync.WaitGroup
	for i, c := range r.plan.Bindings {
		if c.Op == plan.Delete {
			bindings.Go(func() {
				r.write(&r.bindings[i], func(ctx context.Context) error { return r.client.DeleteBinding(ctx, *c.Before) })
			})
		}
	}
	bindings.Wait()
	var roles sync.WaitGroup
	for i, c := range r.plan.Roles {
		if c.Op == plan.Delete {
			roles.Go(func() {
				r.write(&r.roles[i], func(ctx context.Context) error { return r.client.DeleteRole(ctx, *c.Before) })
			})
		}
	}
	roles.Wait()
	for i, u := range r.plan.Users {
		if u.Kubeconfig.Op != plan.Remove && !u.Abandon {
			continue
		}
		r.settle(&r.users[i], r.limited(r.disk, func() error {
			if r.opts.DryRun {
				return nil
			}
			if u.Abandon {
				if err := r.dir.DropKey(r.plan.Set, u.Name, r.client.UID()); err != nil {
					return err
				}
			}
			if u.Kubeconfig.Op != plan.Remove {
				return nil
			}
			return r.dir.RemoveKubeconfig(u.Name, r.plan.Set, r.client.UID())
		}))
	}
}

// abandon deletes requests of ours that would only be issued behind our back. A request that was still pending can
// never be issued after that, so the ledger forgets it; one that was approved may have been issued in this very moment,
// so its record stays.
func (r *run) abandon() {
	var drop []string
	var requests sync.WaitGroup
	for i, c := range r.plan.Requests {
		requests.Go(func() {
			r.write(&r.requestResults[i], func(ctx context.Context) error { return r.client.DeleteRequest(ctx, *c.Before) })
		})
	}
	requests.Wait()
	for i, c := range r.plan.Requests {
		if r.requestResults[i].Status == Done && c.Before.State == plan.Pending && c.Before.Conforms {
			drop = append(drop, c.Before.KeyHash)
		}
	}
	if len(drop) == 0 || r.opts.DryRun {
		return
	}
	if err := r.ledger.Write(r.work, nil, drop, time.Now()); err != nil {
		r.stop(&StoppedError{err})
	}
}

// write makes one call and fills its result.
func (r *run) write(result *Result, call func(context.Context) error) {
	err := r.limited(r.requests, func() error { return call(r.work) })
	r.settle(result, err)
	if err != nil {
		r.fatal(err)
	}
}
