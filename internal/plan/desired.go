package plan

import (
	"slices"
	"strings"

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

	Groups        []string                 // those that the file defines, however they are bound
	Members       map[string]bool          // those of them that it binds to their members
	Whole         map[string]usersfile.Pos // those that it binds themselves, and that are not shared; where
	SimilarGroups []usersfile.SimilarGroup // groups that may be misspelt

	Digest          string // of the users file's document
	Reach           Reach  // where the kubeconfigs lead
	LedgerNamespace string

	// The operator asked for these besides the file.
	RebuildLedger  bool      // record living certificates that the ledger has lost
	ReissueMissing bool      // issue a new certificate where one lives and its kubeconfig is not here
	Destroy        bool      // the whole set is to go
	RenewElsewhere bool      // of every user
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
	d := Desired{Set: set.Name, Digest: set.Digest, LedgerNamespace: set.Ledger.Namespace, Reserved: set.AllowReserved, Escrow: set.Escrow, SimilarGroups: set.SimilarGroups(), Members: map[string]bool{}, Whole: map[string]usersfile.Pos{}}
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
	e := d.Reach.Endpoint
	carried := set.CertificateGroups()
	for _, u := range set.Users {
		groups := carried(u)
		if u.Generation > 0 {
			groups = append(groups, usersfile.GenerationGroup(set.Name, u.Name, u.Generation))
		}
		slices.Sort(groups)
		certificate := Certificate{User: u.Name, Groups: groups, KeyAlgorithm: u.KeyAlgorithm, Duration: u.Duration, Key: keyPlace(u), SealedTo: u.Recipients}
		if u.Request != nil {
			certificate.KeyHash = u.Request.KeyHash
		}
		d.Users = append(d.Users, User{
			Request:        u.Request,
			Pos:            u.Pos,
			Groups:         slices.Sorted(slices.Values(u.Groups)),
			RenewBefore:    u.RenewBefore,
			Reuse:          u.Reuse,
			RenewElsewhere: u.RenewElsewhere,
			AlsoAt:         u.AlsoAt,
			Generation:     u.Generation,
			Subject:        boundAs(set.Name, u),
			Certificate:    certificate,
			Kubeconfig:     Kubeconfig{File: usersfile.FileName(u.Name), Context: u.Name + "@" + e.Name, Namespace: u.Namespace, Endpoint: e},
		})
	}
	slices.SortFunc(d.Users, func(a, b User) int { return strings.Compare(a.Certificate.User, b.Certificate.User) })

	refs := references{seen: map[Object]bool{}}
	for _, r := range set.Roles {
		if len(r.Namespaces) == 0 {
			d.Roles = append(d.Roles, Role{Name: r.Name, Rules: r.Rules})
		}
		for _, ns := range r.Namespaces {
			d.Roles = append(d.Roles, Role{Namespace: ns, Name: r.Name, Rules: r.Rules})
			refs.add(r.NamespacesPos, "Namespace", "", ns)
		}
	}
	slices.SortFunc(d.Roles, func(a, b Role) int { return compareKeys(a.Namespace, a.Name, b.Namespace, b.Name) })
	d.Bindings = expandBindings(set, d.Roles, &refs)
	for _, u := range set.Users {
		if u.Namespace != "" {
			refs.add(u.NamespacePos, "Namespace", "", u.Namespace)
		}
	}
	d.References = refs.list
	return d
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

// expandBindings gathers the subjects of every role and scope, from users and from groups.
func expandBindings(set usersfile.Set, roles []Role, refs *references) []Binding {
	own := setOf(roles, Role.Key)
	subjects := map[Grant]map[Subject]bool{}
	grant := func(g usersfile.Grant, s ...Subject) {
		ref := RoleRef{Kind: "ClusterRole", Name: g.ClusterRole}
		namespaces := g.Namespaces
		if g.Role != "" {
			ref = RoleRef{Kind: "Role", Name: g.Role}
		} else if !own[ObjectKey{"", g.ClusterRole}] {
			refs.add(g.Pos, "ClusterRole", "", g.ClusterRole)
		}
		if len(namespaces) == 0 {
			namespaces = []string{""}
		}
		for _, ns := range namespaces {
			if ns != "" {
				refs.add(g.NamespacesPos, "Namespace", "", ns)
			}
			if g.Role != "" && !own[ObjectKey{ns, g.Role}] {
				refs.add(g.Pos, "Role", ns, g.Role)
			}
			to := subjects[Grant{ref, ns}]
			if to == nil {
				to = map[Subject]bool{}
				subjects[Grant{ref, ns}] = to
			}
			for _, one := range s {
				to[one] = true
			}
		}
	}

	members := map[string][]Subject{}
	for _, u := range set.Users {
		who := boundAs(set.Name, u)
		for _, g := range u.Groups {
			members[g] = append(members[g], who)
		}
		for _, g := range u.Roles {
			grant(g, who)
		}
	}
	for _, g := range set.Groups {
		for _, one := range g.Roles {
			if g.BindTo == usersfile.BindToMembers {
				grant(one, members[g.Name]...)
			} else {
				grant(one, Subject{Kind: "Group", Name: g.Name})
			}
		}
	}

	var list []Binding
	for sc, who := range subjects {
		if len(who) == 0 { // a Members group that nobody is in
			continue
		}
		b := Binding{Namespace: sc.Namespace, Name: BindingName(set.Name, sc.Role), RoleRef: sc.Role}
		for s := range who {
			b.Subjects = append(b.Subjects, s)
		}
		slices.SortFunc(b.Subjects, compareSubjects)
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Binding) int { return compareKeys(a.Namespace, a.Name, b.Namespace, b.Name) })
	return list
}
