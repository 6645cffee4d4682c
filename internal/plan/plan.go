package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"provision/internal/usersfile"
)

// Op is what happens to one object, in the words of the field.
type Op string

// Operations. A certificate is issued, renewed, reissued, resumed or kept; a kubeconfig is written, rewritten,
// removed or kept; a role or binding is created, updated, deleted or kept.
const (
	Keep    Op = "keep"
	Issue   Op = "issue"
	Renew   Op = "renew"
	Reissue Op = "reissue"
	Resume  Op = "resume"
	Write   Op = "write"
	Rewrite Op = "rewrite"
	Remove  Op = "remove"
	Create  Op = "create"
	Update  Op = "update"
	Delete  Op = "delete"
)

// Change is one object before and after. Before is nil for what is new, After for what goes. Reasons is empty only
// for Keep.
type Change[T any] struct {
	Op      Op       `json:"op"`
	Before  *T       `json:"before,omitempty"`
	After   *T       `json:"after,omitempty"`
	Reasons []Reason `json:"reasons,omitempty"`
}

// Object is the object that a change is about: as it will be, or as it was where it goes.
func (c Change[T]) Object() *T {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// UserChange is everything that happens to one user, in one place. Request is set for Resume: the object that is resumed,
// already checked against the key that we hold. Without a UID it is to be sent again, with that key.
type UserChange struct {
	Name        string              `json:"name"`
	Pos         usersfile.Pos       `json:"pos,omitzero"`         // nowhere for a user whom the file no longer names
	Generation  int                 `json:"generation,omitempty"` // that the file gives; 0: none
	Groups      []string            `json:"groups,omitempty"`     // that the file makes them a member of, sorted
	Certificate Change[Certificate] `json:"certificate"`
	Kubeconfig  Change[Kubeconfig]  `json:"kubeconfig"`
	Request     *RequestRef         `json:"request,omitempty"`
	Own         []byte              `json:"-"`                    // the user's own request, in PEM, that is sent; nil: a key is made for them
	NewRequest  *NewRequest         `json:"newRequest,omitempty"` // they have to make another one first
	Elsewhere   *Record             `json:"elsewhere,omitempty"`  // a certificate that lives, whose kubeconfig is not here
	Due         bool                `json:"due,omitempty"`        // that one is to be renewed, and nothing here does it
	NoTimeLeft  bool                `json:"noTimeLeft,omitempty"` // they need a certificate and get none: they end too soon for one
	Abandon     bool                `json:"abandon,omitempty"`    // drop the key in the journal: nothing will come of it
	From        string              `json:"from,omitempty"`       // the set that gives the user up in the same run: its entry in their file may be replaced
	Reclaim     string              `json:"reclaim,omitempty"`    // key hash of the certificate in the user's file that has to be marked as theirs again
}

// Idle reports whether nothing happens to the user.
func (u UserChange) Idle() bool {
	return u.Certificate.Op == Keep && u.Kubeconfig.Op == Keep && !u.Abandon
}

// RequestRef names one CertificateSigningRequest object, not just a name that another could take; without a UID it is the
// name of one that nobody has seen in the cluster.
type RequestRef struct {
	Name   string    `json:"name"`
	UID    types.UID `json:"uid"`
	Resent bool      `json:"resent,omitempty"` // sent more than once, or will be: see Record
}

// Plan is what has to happen so that the cluster and the output directory say what the file says. Each list is
// sorted by namespace and name. It is complete: what stays is there too, with Keep.
type Plan struct {
	Set    string `json:"set"`
	Digest string `json:"digest,omitempty"` // of the users file's document
	Ledger Ledger `json:"ledger"`
	// Namespaces are those that are to be made. Those that are there are not among them: nothing is ever done to them.
	Namespaces []Change[Namespace] `json:"namespaces,omitempty"`
	Roles      []Change[Role]      `json:"roles,omitempty"`
	Bindings   []Change[Binding]   `json:"bindings,omitempty"`
	Users      []UserChange        `json:"users,omitempty"`
	Block      *Change[Block]      `json:"block,omitempty"`    // of certificates at admission; nil: it stays as it is
	Requests   []Change[Request]   `json:"requests,omitempty"` // requests of ours that are deleted before they are issued
	// Forgotten are the set's entries for clusters that are no more, which are taken out of the kubeconfigs.
	Forgotten []Change[ClusterEntry] `json:"forgotten,omitempty"`
	// Ended are the groups that leave the bindings although the file binds them, since somebody is revoked who has them; sorted.
	Ended   []Ending `json:"ended,omitempty"`
	Endings []End    `json:"endings,omitempty"` // all that the file ends by itself, the earliest first; it changes nothing yet
	// Selections are the namespaces that the file selects by labels; they change nothing by themselves.
	Selections []Selection `json:"selections,omitempty"`
	// OneClock is that an end has passed by the API server's clock and not by this machine's: one of them is wrong, and what ends counts
	// as any deletion.
	OneClock bool      `json:"oneClock,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
	Problems []Problem `json:"problems,omitempty"`

	// Held is the part of the plan that a problem holds back, and that is not done: deletions until they are agreed to,
	// or whatever gives while the ledger is damaged. Nil: nothing.
	Held *Plan `json:"held,omitempty"`
	// Others is the part that is left out, and not done, as it is for others than the users who were asked for. Nil: nothing.
	Others *Plan `json:"others,omitempty"`
}

// Ledger is where the set's record of certificates is kept, and what the plan itself changes in it. The records of
// certificates that are still to be issued are written while the plan is applied: their keys do not exist yet.
type Ledger struct {
	Namespace       string           `json:"namespace"`
	CreateNamespace bool             `json:"createNamespace,omitempty"`
	Records         []Change[Record] `json:"records,omitempty"`
}

// Changes reports whether applying the plan would change anything.
func (p Plan) Changes() bool {
	return p.Block != nil || anyChange(p.Roles) || anyChange(p.Bindings) || slices.ContainsFunc(p.Users, func(u UserChange) bool { return !u.Idle() }) ||
		len(p.Namespaces)+len(p.Requests)+len(p.Ledger.Records)+len(p.Forgotten) > 0
}

func anyChange[T any](list []Change[T]) bool {
	return slices.ContainsFunc(list, func(c Change[T]) bool { return c.Op != Keep })
}

// Issues reports whether the plan gets a certificate for anybody.
func (p Plan) Issues() bool {
	return slices.ContainsFunc(p.Users, func(u UserChange) bool { return u.Certificate.Op != Keep })
}

// Leavers are the people of whom something shows that they were in the set, and whom the plan takes out: their
// kubeconfig is removed, or the ledger notes that they left. Sorted.
func (p Plan) Leavers() []string {
	var names []string
	for _, u := range p.Users {
		if u.Kubeconfig.Op == Remove {
			names = append(names, u.Name)
		}
	}
	for _, c := range p.Ledger.Records {
		if c.Op == Update && c.Before.Removed.IsZero() && !c.After.Removed.IsZero() {
			names = append(names, c.After.User)
		}
	}
	return sortedOnce(names)
}

// Summary counts a plan's operations: Certificates by op, and so on. Keep is counted too.
type Summary struct {
	Certificates map[Op]int `json:"certificates"`
	Kubeconfigs  map[Op]int `json:"kubeconfigs"`
	Namespaces   map[Op]int `json:"namespaces"`
	Roles        map[Op]int `json:"roles"`
	Bindings     map[Op]int `json:"bindings"`
}

// Summarize counts the operations of p.
func (p Plan) Summarize() Summary { return Proposals{{Plan: p}}.Summary() }

// Summary counts the operations of all plans.
func (all Proposals) Summary() Summary {
	s := Summary{map[Op]int{}, map[Op]int{}, map[Op]int{}, map[Op]int{}, map[Op]int{}}
	for _, p := range all {
		s.count(p.Plan)
	}
	return s
}

// count adds the operations of p.
func (s Summary) count(p Plan) {
	for _, c := range p.Namespaces {
		s.Namespaces[c.Op]++
	}
	for _, c := range p.Roles {
		s.Roles[c.Op]++
	}
	for _, c := range p.Bindings {
		s.Bindings[c.Op]++
	}
	for _, u := range p.Users {
		// A user who goes has no certificate in the file's sense: only the kubeconfig is removed.
		if u.Kubeconfig.Op != Remove {
			s.Certificates[u.Certificate.Op]++
		}
		s.Kubeconfigs[u.Kubeconfig.Op]++
	}
}
