package verify

import (
	"time"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// Difference is one thing that is not as the file says, or that could not be found out. Which fields are set is said at the code.
type Difference struct {
	Code   Code
	Err    error
	At     time.Time
	Groups []string // as the API server sees them
	Wanted []string // groups, as the file says
	Other  plan.CurrentContext
	Probe  cluster.Probe
	Role   plan.RoleRef
	Held   []plan.Held

	Certificate *plan.Certificate // as it is in the kubeconfig
	WantedKey   plan.Certificate
}

// Code is what a difference is.
type Code string

// Codes of differences.
const (
	Failed         Code = "failed"         // Err: something could not be read or asked
	NotReached     Code = "notReached"     // Err: nobody answers at the server of the kubeconfig
	NotArrived     Code = "notArrived"     // Err: the certificate does not reach the API server
	Disagree       Code = "disagree"       // Err: the API servers accept and refuse it
	MayNotAsk      Code = "mayNotAsk"      // the login is proven, but the user may not ask who they are
	Expired        Code = "expired"        // At: the API server refuses the certificate, which ended then
	NotYetValid    Code = "notYetValid"    // At: it refuses it, and by the certificate's dates it may until then
	Refused        Code = "refused"        // it refuses a certificate whose dates allow it
	OtherGroups    Code = "otherGroups"    // Groups, Wanted
	OtherCluster   Code = "otherCluster"   // Other: the current context is for another cluster at the same address
	RoleMissing    Code = "roleMissing"    // Err: a role that the file grants and does not define is not there
	RoleNotApplied Code = "roleNotApplied" // Err: a role that the file defines is not there
	MayNot         Code = "mayNot"         // Probe, Role: the user may not do what a role that the file grants allows
	NotGiven       Code = "notGiven"       // Held: one right, which a binding of the set grants, and the file does not
	Foreign        Code = "foreign"        // Held: rights from outside the file that nobody may have so
	KeyElsewhere   Code = "keyElsewhere"   // Certificate, WantedKey: the private key is in another place, or sealed to others, than the file says

	// Of a certificate whose private key is not here.
	OtherSubject Code = "otherSubject" // Certificate, Wanted: it is for another user, or for other groups
	NotSigned    Code = "notSigned"    // no client CA of the cluster has signed it
	NotListed    Code = "notListed"    // the ledger does not list it
)

// Shared reports whether a difference has a reason that is most often everybody's.
func (c Code) Shared() bool {
	return c == NotReached || c == NotArrived || c == Disagree || c == MayNotAsk
}

// failed is the difference that an error makes.
func failed(err error) Difference { return Difference{Code: Failed, Err: err} }
