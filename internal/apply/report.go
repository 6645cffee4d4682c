package apply

import (
	"context"
	"errors"
	"time"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// Status is how far one item came.
type Status string

// Statuses of a result.
const (
	Done       Status = "done"
	Failed     Status = "failed"
	Pending    Status = "pending"    // a request was sent; the next apply resumes it
	NotStarted Status = "notStarted" // the run was stopped before
)

// Result is how one change of the plan ended.
type Result struct {
	Kind      string // User, Role, ClusterRole, RoleBinding, ClusterRoleBinding, CertificateSigningRequest
	Namespace string
	Name      string
	Op        plan.Op
	Status    Status
	Err       error
	NotBefore time.Time // of a certificate that was issued
	NotAfter  time.Time
	Took      time.Duration
}

// settle sets the final status of an item. One that was stopped keeps how far it came: that is the run's end, not the
// item's own failure.
func (r *run) settle(result *Result, err error) {
	_, stopped := errors.AsType[*StoppedError](err)
	switch {
	case result.Status == Failed: // what comes after a failure does not make it good
	case err == nil:
		result.Status = Done
	case stopped || r.work.Err() != nil || errors.Is(err, cluster.ErrUnavailable): // which ends the run, and is said once
	default:
		result.Status, result.Err = Failed, err
	}
}

// Report is how a run ended: one result per change of the plan, in plan order; Keep has none.
type Report struct {
	Set      string
	Results  []Result
	Recorded int   // records of the ledger that were changed besides those of new certificates
	Stopped  error // why the run ended early, or nil
}

// Count counts the results with a status.
func (r Report) Count(s Status) int {
	n := 0
	for _, one := range r.Results {
		if one.Status == s {
			n++
		}
	}
	return n
}

func (r *run) report() Report {
	rep := Report{Set: r.plan.Set, Recorded: r.recorded}
	if r.start.Err() != nil {
		rep.Stopped = context.Cause(r.start)
	}
	for _, list := range [][]Result{r.roles, r.bindings, r.requestResults, r.users} {
		for _, one := range list {
			if one.Op != plan.Keep {
				rep.Results = append(rep.Results, one)
			}
		}
	}
	return rep
}
