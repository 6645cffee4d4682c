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
	CopyStays  Status = "copyStays"  // somebody's copy could not be removed; whoever is in it has the original too
)

// NotAsked is something that a dry run does not ask the API server about.
type NotAsked struct {
	Code      NotAskedCode `json:"code"`
	Kind      string       `json:"kind,omitempty"`
	Namespace string       `json:"namespace,omitempty"`
	Name      string       `json:"name,omitempty"`
}

// NotAskedCode is what a dry run does not ask about, and why.
type NotAskedCode string

// Codes of NotAsked, with the fields that are set.
const (
	LedgerInNewNamespace NotAskedCode = "LedgerInNewNamespace" // Namespace: of the ledger and the Lease, which is not there yet
	InNewNamespace       NotAskedCode = "InNewNamespace"       // Namespace: roles and bindings in it, which is not there yet
	Approvals            NotAskedCode = "Approvals"            // of requests, of which a dry run keeps none
	TakenName            NotAskedCode = "TakenName"            // Kind, Namespace, Name: an object whose name has one that would go first
)

// Kind is what a result is about.
type Kind string

// Kinds of results.
const (
	Certificate  Kind = "certificate"  // that was asked for, with the kubeconfig that holds it
	Kubeconfig   Kind = "kubeconfig"   // that was rewritten with the certificate that it has, or removed
	OldKey       Kind = "oldKey"       // that was dropped from the journal, as nothing will come of it
	Namespace    Kind = "namespace"    // that the file refers to
	Role         Kind = "role"         // or a ClusterRole
	Binding      Kind = "binding"      // or a ClusterRoleBinding
	Request      Kind = "request"      // that was deleted
	Block        Kind = "block"        // of certificates at admission
	ClusterEntry Kind = "clusterEntry" // of a kubeconfig, for a cluster that is no more
)

// Result is how one change of the plan ended.
type Result struct {
	Kind      Kind
	Object    plan.Object // what was changed; of a certificate, a kubeconfig or an old key the user whose it is
	Op        plan.Op
	Reasons   []plan.Reason    // why the plan has it; of a certificate, why that is issued
	User      *plan.UserChange // what it is of, for a certificate, a kubeconfig or an old key; nil of all else
	Status    Status
	Err       error     // why it is Failed, or CopyStays
	NotBefore time.Time // of a certificate that was issued
	NotAfter  time.Time
	Unproved  error       // why it is not known whether a block is in force
	CAEnds    []time.Time // when the CAs end that came with it, beside the cluster's own
	NotProved bool        // nobody has logged in with it, nor with another of the run: only its owner has the key
}

// settle sets the final status of an item. One that was stopped keeps how far it came: that is the run's end, not the
// item's own failure.
func (r *run) settle(result *Result, err error) { settle(r.work, result, err) }

// taken is settle for an item that takes away. That the operator may not take it away stops nothing: the next may be elsewhere,
// and theirs to take.
func (r *run) taken(result *Result, err error) {
	settle(r.taking.work, result, err)
	if _, lacks := errors.AsType[*cluster.PermissionError](err); err != nil && !lacks {
		r.fatal(err)
	}
}

// takenBinding is taken for the i-th binding. A copy that may not be removed stops nothing else, and is no failure unless it has
// subjects that the original no longer has.
func (r *run) takenBinding(i int, err error) {
	r.takenOrCopy(&r.bindings[i], err, r.plan.Bindings[i].Copy)
}

// takenRole is takenBinding for the i-th role.
func (r *run) takenRole(i int, err error) {
	r.takenOrCopy(&r.roles[i], err, r.plan.Roles[i].Copy)
}

// takenOrCopy is taken for an object that may be a copy; copied reports that, and whether the copy has to go.
func (r *run) takenOrCopy(result *Result, err error, copied func() (is, needed bool)) {
	is, needed := copied()
	if !is || !cluster.Refused(err) {
		r.taken(result, err)
		return
	}
	settle(r.taking.work, result, err)
	if result.Status == Failed && !needed {
		result.Status = CopyStays
	}
}

// settle sets the final status of an item that was done before work ended.
func settle(work context.Context, result *Result, err error) {
	_, stopped := errors.AsType[*StoppedError](err)
	switch {
	case result.Status == Failed: // what comes after a failure does not make it good
	case err == nil:
		result.Status = Done
	// These end the run, and are said once.
	case stopped || work.Err() != nil || errors.Is(err, cluster.ErrLockLost):
	default:
		result.Status, result.Err = Failed, err
	}
}

// HandedOut reports whether there is a kubeconfig now that its owner does not have yet.
func (r Result) HandedOut() bool { return r.User != nil && r.Status == Done && r.User.HandOut() }

// Report is how a run ended: one result per change of the plan, in plan order; Keep has none.
type Report struct {
	Set      string
	Results  []Result
	Recorded int   // records of the ledger that were changed besides those of new certificates
	Stopped  error // why the run ended early, or nil
	// Unrecorded is why the ledger could not be written, or nil. Nothing was issued then; what takes away was done.
	Unrecorded error
	NotAsked   []NotAsked // of a dry run
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

// NotProved are the users whose certificate nobody could log in with, if there was none in the run with which somebody did; sorted.
func (r Report) NotProved() []string {
	var users []string
	for _, one := range r.Results {
		if one.NotProved && one.Status == Done {
			users = append(users, one.Object.Name)
		}
	}
	return users
}

// report collects the results of a run that has ended.
func (r *run) report() Report {
	rep := Report{Set: r.plan.Set, Recorded: r.recorded, Unrecorded: r.unrecorded, NotAsked: r.notAsked}
	if r.opts.DryRun && r.plan.Issues() {
		rep.NotAsked = append(rep.NotAsked, NotAsked{Code: Approvals})
	}
	for _, c := range r.plan.Namespaces {
		if r.opts.DryRun {
			rep.NotAsked = append(rep.NotAsked, NotAsked{Code: InNewNamespace, Namespace: c.After.Name})
		}
	}
	for _, c := range r.plan.Bindings {
		if r.opts.DryRun && c.Op == plan.Create && c.Before != nil {
			rep.NotAsked = append(rep.NotAsked, NotAsked{TakenName, c.After.Kind(), c.After.Namespace, c.After.Name})
		}
	}
	if r.issuing.Err() != nil {
		rep.Stopped = context.Cause(r.issuing)
	}
	for i := range r.users {
		r.users[i].NotProved = r.users[i].NotProved && !r.trial.hasPassed()
	}
	if r.plan.Block != nil {
		rep.Results = append(rep.Results, r.block)
	}
	for _, list := range [][]Result{r.namespaces, r.roles, r.bindings, r.requestResults, r.forgotten, r.users} {
		for _, one := range list {
			if one.Op != plan.Keep {
				rep.Results = append(rep.Results, one)
			}
		}
	}
	return rep
}
