package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// Proposal is the plan of one set together with what it was computed from, and what the operator may not do of it.
type Proposal struct {
	Plan
	Source   string // the users file
	Partial  bool   // sets that users files of the run describe are missing, for mistakes in these
	Cluster  string // UID
	Operator string // the user who runs this
	Desired  Desired
	Observed Observed
	Missing  []Permission
	Failed   error // why the set could not be looked at: its plan is empty
}

// Inputs are the versions of what the plan was computed from.
func (p Proposal) Inputs() Inputs {
	return InputsOf(p.Source, p.Cluster, p.Desired, p.Observed)
}

// Proposals are those of all sets of a run, in the order of its users files.
type Proposals []Proposal

// Fail empties the plan of a set that could not be looked at: nothing is done to it.
func (p *Proposal) Fail(err error) {
	p.Failed, p.Missing, p.Observed = err, nil, Observed{}
	p.Plan = Plan{Set: p.Desired.Set, Ledger: Ledger{Namespace: p.Desired.LedgerNamespace}}
}

// Changes reports whether any of the plans changes anything.
func (all Proposals) Changes() bool {
	return slices.ContainsFunc(all, func(p Proposal) bool { return p.Changes() })
}

// Blocked reports whether the operator may not apply one of these plans. The others are not concerned.
func (all Proposals) Blocked() bool {
	return slices.ContainsFunc(all, Proposal.Blocked)
}

// Blocked reports whether the operator lacks permissions that applying the plan takes: it is not begun then. A plan that only takes
// away is begun if any of it can be done: that waits neither for the ledger and the lock nor for what is elsewhere.
func (p Proposal) Blocked() bool {
	return len(p.Missing) > 0 && !((p.Desired.Revoke || p.Desired.Destroy) && p.Possible(p.Missing))
}

// WillChange reports whether applying the plan changes anything: it has changes, and the operator may apply it.
func (p Proposal) WillChange() bool { return p.Changes() && !p.Blocked() }

// WillChange reports whether applying any of these plans changes anything.
func (all Proposals) WillChange() bool { return slices.ContainsFunc(all, Proposal.WillChange) }

// ErrorCount counts why not all that the file says is in the plan.
func (p Proposal) ErrorCount() int {
	if p.Failed != nil {
		return 1
	}
	return len(p.Problems)
}

// LeftOut counts the problems for which these plans leave something out.
func (all Proposals) LeftOut() int {
	n := 0
	for _, p := range all {
		n += p.ErrorCount()
	}
	return n
}

// Same reports whether these plans do what those do.
func (all Proposals) Same(those Proposals) bool {
	return slices.EqualFunc(all, those, func(a, b Proposal) bool { return Same(a.Plan, b.Plan) })
}

// TakesAway reports whether any of the plans takes a right away.
func (all Proposals) TakesAway() bool {
	return slices.ContainsFunc(all, func(p Proposal) bool { return p.TakesAway() })
}

// Withdraw reports whether the plans take somebody out of a binding.
func (all Proposals) Withdraw(binding types.UID, from Subject) bool {
	for _, p := range all {
		for _, c := range p.Bindings {
			if c.Before == nil || c.Before.UID != binding {
				continue
			}
			return c.Op == Delete || c.Op == Update && !slices.Contains(c.After.Subjects, from)
		}
	}
	return false
}

// Graver is what a plan tells of power that the plan before it did not: of each grave warning only what is new of it.
type Graver struct {
	Set      string
	Warnings []Warning
}

// Graver are the plans that give more power than those before. Nothing that has gone since gives any.
func (all Proposals) Graver(before Proposals) []Graver {
	told := map[string][]Warning{}
	for _, p := range before {
		told[p.Set] = p.Warnings
	}
	var list []Graver
	for _, p := range all {
		g := Graver{Set: p.Set}
		for _, w := range p.Warnings {
			if more, ok := w.Beyond(told[p.Set]); ok && w.Grave() {
				g.Warnings = append(g.Warnings, more)
			}
		}
		if len(g.Warnings) > 0 {
			list = append(list, g)
		}
	}
	return list
}
