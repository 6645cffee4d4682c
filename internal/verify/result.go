package verify

import (
	"slices"
	"time"

	"provision/internal/plan"
)

// Result is what was found for one user.
type Result struct {
	User        string
	Groups      []string      // as the API server sees them; nil where it was not asked, or did not say
	NotAfter    time.Time     // when the certificate ends; zero where none could be read
	Key         plan.KeyPlace // where the private key is; where it is not here nobody has logged in
	Grants      int           // that hold
	Differences []Difference
	Current     *OtherCurrent // what kubectl does when it is given this kubeconfig and no context; nil if that is what was verified
	Outside     []plan.Held   // what bindings that are not of the set grant, and the file does not give as well
}

// OtherCurrent is a kubeconfig whose current context is not the one that was verified.
type OtherCurrent struct {
	File    string
	Context string // "": none
	Server  string // that it leads to
	Needs   string // the context that was verified
}

// OK reports whether everything is as the file says.
func (r Result) OK() bool { return len(r.Differences) == 0 }

// differs adds a difference.
func (r *Result) differs(d Difference) { r.Differences = append(r.Differences, d) }

// groups are those in the user's certificate, as the API server sees them or as the file wants them.
func (r Result) groups(u plan.User) []string {
	groups := slices.Concat(r.Groups, u.Certificate.Groups)
	slices.Sort(groups)
	return slices.Compact(groups)
}
