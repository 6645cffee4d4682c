package plan

import "time"

// Destroy plans the end of a whole set, for the desired state Nothing. It is Compute, but for the reason: the users
// file may well name all that goes.
func Destroy(desired Desired, observed Observed, now time.Time) Plan {
	p := Compute(desired, observed, now)
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
