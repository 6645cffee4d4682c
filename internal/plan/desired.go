package plan

import (
	"slices"
	"strings"
	"time"

	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// Desired is what the file asks for, expanded and sorted, in the shape in which reality is observed.
type Desired struct {
	Set        string
	Users      []User
	Roles      []Role
	Bindings   []Binding // one per role and scope with all its subjects, however many; Name is that of the first shard
	References []Reference
	Reserved   []string              // names of Kubernetes itself that the file allows itself
	Escrow     []recipient.Recipient // who can open every sealed private key beside its owner

	CreateNamespaces bool // those among References that are not there

	Groups        []string                 // those that the file defines, however they are bound
	Members       map[string]bool          // those of them that it binds to their members
	Whole         map[string]usersfile.Pos // those that it binds themselves, and that are not shared; where
	SimilarGroups []usersfile.SimilarGroup // groups that may be misspelt

	// Asked is the set as the file has it, of which what has an end, or is in selected namespaces, is expanded anew: see At. Nil: nothing is so.
	Asked      *usersfile.Set
	Selections []Selection                     // its selectors of namespaces, and what they found
	TooMany    int                             // subjects that the bindings would have with these namespaces: more than fit; 0: they do
	Endings    []End                           // all ends that the file gives, the earliest first
	Over       map[string]time.Time            // users of the file whose end has passed, who are not among Users
	Ends       map[Grant]map[Subject]time.Time // when what Bindings give ends, as far as it does by itself
	Past       map[Grant]map[Subject]time.Time // what the file gives no longer since its end has passed

	Digest          string // of the users file's document
	Reach           Reach  // where the kubeconfigs lead
	LedgerNamespace string

	// The operator asked for these besides the file.
	RebuildLedger  bool      // record living certificates that the ledger has lost
	ReissueMissing bool      // issue a new certificate where one lives and its kubeconfig is not here
	Destroy        bool      // the whole set is to go
	RenewElsewhere bool      // of every user
	Named          []string  // users whom the command line names to get something
	Targets        []string  // users: what is for others is left out; none: nothing is
	Revoke         bool      // people are to go at once
	Leavers        []string  // who, where that is known before anything is observed: of the others' files nothing is
	Block          BlockMode // whether the certificates of those are blocked; "": that is not asked
	Unfiled        bool      // no users file describes the set: who is in it, the ledger knows

	Forget []string // clusters (UID) that are no more: their entries go out of the kubeconfigs
}

// names are the users of the file.
func (d Desired) names() map[string]bool {
	return setOf(d.Users, func(u User) string { return u.Certificate.User })
}

// Reissue marks users for a new certificate whatever they have. It returns the names that are not in the file.
func (d *Desired) Reissue(names []string) (unknown []string) {
	at := map[string]int{}
	for i, u := range d.Users {
		at[u.Certificate.User] = i
	}
	for _, name := range names {
		if i, ok := at[name]; ok {
			d.Users[i].Reissue = true
		} else {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// Nothing is the desired state of a set that is to be destroyed. Certificates that the ledger has lost are recorded on the way: the
// kubeconfigs that go may be the last that tells of it.
func Nothing(set usersfile.Set, own Context) Desired {
	return Desired{Reach: reachOf(set, own), Set: set.Name, Digest: set.Digest, LedgerNamespace: set.Ledger.Namespace, Destroy: true, RebuildLedger: true}
}

// User is one user's desired certificate and kubeconfig.
type User struct {
	Pos         usersfile.Pos
	Generation  int         // of the user's certificates; 0: none
	Subject     Subject     // by which bindings name the user: see boundAs
	Groups      []string    // that they are a member of, sorted; not all stand in the certificate
	Certificate Certificate // its KeyHash is that of Request, if there is one
	Kubeconfig  Kubeconfig
	Request     *usersfile.OwnRequest // which they have made with a key of their own; nil: a key is made for them
	RenewBefore usersfile.RenewBefore
	Reuse       bool // the name may be given again although a certificate of somebody who left lives
	Reissue     bool // a new certificate was asked for
	// RenewElsewhere is that a certificate whose kubeconfig is not here is renewed here when it is due.
	RenewElsewhere bool
	AlsoAt         usersfile.Pos // where another users file of the run names this user too; nowhere: none does
}

// Reference is a Namespace, Role or ClusterRole that the file refers to and that must exist in the cluster, because the set
// does not create it. Each is listed once, with the first place that refers to it.
type Reference struct {
	Pos usersfile.Pos
	Object
}

// Expand turns a set into the objects that it stands for. All that the file does not say of the cluster comes from own,
// the operator's own context.
func Expand(set usersfile.Set, own Context) Desired {
	d := Desired{Set: set.Name, Digest: set.Digest, LedgerNamespace: set.Ledger.Namespace, Reserved: set.AllowReserved, Escrow: set.Escrow, CreateNamespaces: set.CreateNamespaces, SimilarGroups: set.SimilarGroups(), Members: map[string]bool{}, Whole: map[string]usersfile.Pos{}}
	for _, g := range set.Groups {
		d.Groups = append(d.Groups, g.Name)
		switch {
		case g.BindTo == usersfile.BindToMembers:
			d.Members[g.Name] = true
		case !g.Shared:
			d.Whole[g.Name] = g.Pos
		}
	}
	d.Reach = reachOf(set, own)
	for _, r := range set.Roles {
		if len(r.Namespaces) == 0 {
			d.Roles = append(d.Roles, Role{Name: r.Name, Rules: r.Rules})
		}
		for _, ns := range r.Namespaces {
			d.Roles = append(d.Roles, Role{Namespace: ns, Name: r.Name, Rules: r.Rules})
		}
	}
	slices.SortFunc(d.Roles, func(a, b Role) int { return compareKeys(a.Namespace, a.Name, b.Namespace, b.Name) })
	d.Selections = selections(set)
	if d.Endings = endings(set); len(d.Endings)+len(d.Selections) > 0 {
		d.Asked = &set
	}
	d.expand(set, time.Time{})
	return d
}

// expand fills in what of a set depends on the moment: its users, their bindings, and what those refer to. Without a moment nothing
// has ended.
func (d *Desired) expand(set usersfile.Set, now time.Time) {
	d.Users, d.Over = nil, map[string]time.Time{}
	carried := set.CertificateGroups()
	for _, u := range set.Users {
		if ended(u.Until, now) {
			d.Over[u.Name] = u.Until
			continue
		}
		d.Users = append(d.Users, d.user(set.Name, u, carried(u)))
	}
	slices.SortFunc(d.Users, func(a, b User) int { return strings.Compare(a.Certificate.User, b.Certificate.User) })

	refs := references{seen: map[Object]bool{}}
	for _, r := range set.Roles {
		for _, ns := range r.Namespaces {
			refs.add(r.NamespacesPos, "Namespace", "", ns)
		}
	}
	d.expandBindings(set, now, &refs)
	for _, u := range set.Users {
		if u.Namespace != "" && !ended(u.Until, now) {
			refs.add(u.NamespacePos, "Namespace", "", u.Namespace)
		}
	}
	d.References = refs.list
}

// user expands a user of a set, whose certificate has some groups besides that of their generation.
func (d *Desired) user(set string, u usersfile.User, groups []string) User {
	if u.Generation > 0 {
		groups = append(groups, usersfile.GenerationGroup(set, u.Name, u.Generation))
	}
	slices.Sort(groups)
	certificate := Certificate{User: u.Name, Groups: groups, KeyAlgorithm: u.KeyAlgorithm, Duration: u.Duration, Until: u.Until, Key: keyPlace(u), SealedTo: u.Recipients}
	if u.Request != nil {
		certificate.KeyHash = u.Request.KeyHash
	}
	e := d.Reach.Endpoint
	return User{
		Request:        u.Request,
		Pos:            u.Pos,
		Groups:         slices.Sorted(slices.Values(u.Groups)),
		RenewBefore:    u.RenewBefore,
		Reuse:          u.Reuse,
		RenewElsewhere: u.RenewElsewhere,
		AlsoAt:         u.AlsoAt,
		Generation:     u.Generation,
		Subject:        boundAs(set, u),
		Certificate:    certificate,
		Kubeconfig:     Kubeconfig{File: usersfile.FileName(u.Name), Context: u.Name + "@" + e.Name, Namespace: u.Namespace, Endpoint: e},
	}
}

// keyPlace says where the private key of a user of the file is to be.
func keyPlace(u usersfile.User) KeyPlace {
	switch {
	case u.Request != nil:
		return KeyOwn
	case len(u.Recipients) > 0:
		return KeySealed
	}
	return KeyHere
}

// references gathers what the file refers to, each once and in the order of the file.
type references struct {
	seen map[Object]bool
	list []Reference
}

func (r *references) add(pos usersfile.Pos, kind, namespace, name string) {
	key := Object{kind, namespace, name}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	r.list = append(r.list, Reference{pos, key})
}
