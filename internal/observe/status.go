package observe

import (
	"context"
	"time"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// SetStatus is what is there of one set.
type SetStatus struct {
	Desired  plan.Desired
	Observed plan.Observed
	Users    []plan.UserStatus
	Outside  [][]plan.Held  // for each of Users, what bindings that are not of the set grant, and the set's do not
	Covered  []plan.Binding // of no set, that grant nobody anything which the set does not: they can go
	Failed   error          // why the set could not be looked at; then nothing else is known but what is desired
}

// Status looks at sets, in their order, as of now by the clock of this machine. One that cannot be looked at does not stop the
// others; the error is that of all, or what would be wrong with every other too.
func Status(ctx context.Context, sets []plan.Desired, client *cluster.Client, dir *outdir.Dir, now time.Time) ([]SetStatus, error) {
	list := make([]SetStatus, len(sets))
	who := map[plan.Subject]bool{}
	var failed error
	seen := 0
	for i, desired := range sets {
		observed, err := Accepted(ctx, desired, client, dir)
		if err != nil && ConcernsAll(ctx, err) {
			return nil, err
		}
		list[i] = SetStatus{Desired: desired, Failed: err}
		if err != nil {
			if failed == nil {
				failed = err
			}
			continue
		}
		seen++
		desired = desired.At(observed, now)
		list[i].Desired, list[i].Observed, list[i].Users = desired, observed, plan.Status(desired, observed, now)
		for _, u := range list[i].Users {
			for _, s := range plan.Identities(u.User, u.Groups) {
				who[s] = true
			}
		}
	}
	if seen == 0 && failed != nil {
		return nil, failed // nothing is left to go on with
	}
	_, outside, err := client.Granted(ctx, who, sets)
	if err != nil {
		return nil, err
	}
	for i := range list {
		for _, u := range list[i].Users {
			list[i].Outside = append(list[i].Outside, outside[i].Beyond(u.Grants, u.User, u.Groups))
		}
		list[i].Covered = plan.Covered(outside[i], list[i].Users)
	}
	return list, nil
}
