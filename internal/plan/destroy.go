package plan

import (
	"slices"
	"time"
)

// Destroy plans the end of a whole set, for the desired state Nothing. It is Compute, but for the reason, as the users
// file may well name all that goes, and but for a damaged ledger, which is only told: nothing is issued by it.
func Destroy(desired Desired, observed Observed, now time.Time) Plan {
	damaged := append(damages(observed.LedgerProblems), awayWarnings(desired, observed, observed.at(now))...)
	observed.LedgerProblems, observed.LedgersElsewhere = nil, nil
	p := Compute(desired, observed, now)
	p.Warnings = append(damaged, p.Warnings...)
	for i := range p.Roles {
		destroyed(p.Roles[i].Reasons)
	}
	for i := range p.Bindings {
		destroyed(p.Bindings[i].Reasons)
	}
	for i := range p.Users {
		destroyed(p.Users[i].Kubeconfig.Reasons)
	}
	for i := range p.Requests {
		p.Requests[i].Reasons = []Reason{{Code: SetDestroyed}}
	}
	for i := range p.Ledger.Records {
		destroyed(p.Ledger.Records[i].Reasons)
	}
	return p
}

func destroyed(reasons []Reason) {
	for i := range reasons {
		if reasons[i].Code == NotInFile {
			reasons[i].Code = SetDestroyed
		}
	}
}

// Empty reports whether nothing is there that belongs to a set, or did.
func Empty(set string, observed Observed) bool {
	for _, f := range observed.Files {
		if f.State == FileOurs {
			return false
		}
	}
	return len(observed.Ledger)+len(observed.LedgersElsewhere)+len(observed.Keys)+len(observed.Roles) == 0 &&
		!slices.ContainsFunc(observed.Bindings, func(b Binding) bool { return b.named(set) })
}
