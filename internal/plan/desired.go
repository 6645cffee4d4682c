package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"provision/internal/spec"
)

// Desired is what the file asks for, expanded and sorted, in the shape in which reality is observed.
type Desired struct {
	Set        string
	Users      []User
	Roles      []Role
	Bindings   []Binding // one per role and scope with all its subjects, however many; Name is that of the first shard
	References []Reference
	Insecure   bool
	Reserved   []string // names of Kubernetes itself that the file allows itself

	SimilarGroups []spec.SimilarGroup // groups that may be misspelt

	Digest          string // of the users file's document
	LedgerNamespace string

	// What the operator asked for besides the file.
	RebuildLedger  bool // record living certificates that the ledger has lost
	ReissueMissing bool // issue a new certificate where one lives and its kubeconfig is not here
	Destroy        bool // the whole set is to go
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

// Nothing is the desired state of a set that is to be destroyed.
func Nothing(set spec.Set) Desired {
	return Desired{Set: set.Name, Digest: set.Digest, LedgerNamespace: set.Ledger.Namespace, Destroy: true}
}

// User is one user's desired certificate and kubeconfig.
type User struct {
	Pos         spec.Pos
	Certificate Certificate
	Kubeconfig  Kubeconfig
	RenewBefore spec.RenewBefore
	Reuse       bool // the name may be given again although a certificate of somebody who left lives
	Reissue     bool // a new certificate was asked for
}

// Reference is a namespace or role that the file refers to and that must exist in the cluster, because the set does
// not create it. Each is listed once, at its first place.
type Reference struct {
	Pos       spec.Pos
	Kind      string // Namespace, Role or ClusterRole
	Namespace string
	Name      string
}

// Expand turns a set into the objects that it stands for. What the file leaves to the cluster comes from operator:
// the endpoint of the operator's own context.
func Expand(set spec.Set, operator Endpoint) Desired {
	d := Desired{Set: set.Name, Digest: set.Digest, LedgerNamespace: set.Ledger.Namespace, Reserved: set.AllowReserved, SimilarGroups: set.SimilarGroups()}
	e := endpoint(set.Cluster, operator)
	d.Insecure = e.InsecureSkipTLSVerify
	for _, u := range set.Users {
		groups := slices.Clone(u.Groups)
		slices.Sort(groups)
		d.Users = append(d.Users, User{
			Pos:         u.Pos,
			RenewBefore: u.RenewBefore,
			Reuse:       u.Reuse,
			Certificate: Certificate{User: u.Name, Groups: groups, KeyAlgorithm: u.KeyAlgorithm, Duration: u.Duration},
			Kubeconfig:  Kubeconfig{File: spec.FileName(u.Name), Context: u.Name + "@" + e.Name, Namespace: u.Namespace, Endpoint: e},
		})
	}
	slices.SortFunc(d.Users, func(a, b User) int { return strings.Compare(a.Certificate.User, b.Certificate.User) })

	refs := references{seen: map[Reference]bool{}}
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

// endpoint is the operator's, overridden by what the file says.
func endpoint(c spec.Cluster, e Endpoint) Endpoint {
	if c.Name != "" {
		e.Name = c.Name
	}
	if c.Server != "" && c.Server != e.Server {
		e.Server = c.Server
		e.TLSServerName = "" // it belonged to the other address, as in clientcmd's own override of a server
	}
	if len(c.CertificateAuthorityData) > 0 {
		e.CertificateAuthorityData = c.CertificateAuthorityData
		e.InsecureSkipTLSVerify = false
	}
	if c.TLSServerName != "" {
		e.TLSServerName = c.TLSServerName
	}
	if c.ProxyURL != "" {
		e.ProxyURL = c.ProxyURL
	}
	return e
}

type references struct {
	seen map[Reference]bool
	list []Reference
}

func (r *references) add(pos spec.Pos, kind, namespace, name string) {
	key := Reference{Kind: kind, Namespace: namespace, Name: name}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	key.Pos = pos
	r.list = append(r.list, key)
}

// expandBindings gathers the subjects of every role and scope, from users and from groups.
func expandBindings(set spec.Set, roles []Role, refs *references) []Binding {
	own := map[ObjectKey]bool{}
	for _, r := range roles {
		own[ObjectKey{r.Namespace, r.Name}] = true
	}
	type scope struct {
		namespace string
		ref       RoleRef
	}
	subjects := map[scope]map[Subject]bool{}
	grant := func(g spec.Grant, s ...Subject) {
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
			to := subjects[scope{ns, ref}]
			if to == nil {
				to = map[Subject]bool{}
				subjects[scope{ns, ref}] = to
			}
			for _, one := range s {
				to[one] = true
			}
		}
	}

	members := map[string][]Subject{}
	for _, u := range set.Users {
		who := Subject{Kind: "User", Name: u.Name}
		for _, g := range u.Groups {
			members[g] = append(members[g], who)
		}
		for _, g := range u.Roles {
			grant(g, who)
		}
	}
	for _, g := range set.Groups {
		for _, one := range g.Roles {
			if g.BindTo == spec.BindToMembers {
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
		b := Binding{Namespace: sc.namespace, Name: BindingName(set.Name, sc.ref), RoleRef: sc.ref}
		for s := range who {
			b.Subjects = append(b.Subjects, s)
		}
		slices.SortFunc(b.Subjects, compareSubjects)
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Binding) int { return compareKeys(a.Namespace, a.Name, b.Namespace, b.Name) })
	return list
}

// BindingName is the name of the first binding of a role in any scope: readable, and with a hash of the roleRef,
// which is immutable, so that another role is another object. Further ones have ":2", ":3" appended.
func BindingName(set string, ref RoleRef) string {
	sum := sha256.Sum256([]byte(ref.Kind + "/" + ref.Name))
	return "provision:" + set + ":" + ref.Name + ":" + hex.EncodeToString(sum[:4])
}

func compareKeys(aNamespace, aName, bNamespace, bName string) int {
	if c := strings.Compare(aNamespace, bNamespace); c != 0 {
		return c
	}
	return strings.Compare(aName, bName)
}

func compareSubjects(a, b Subject) int {
	return compareKeys(a.Kind, a.Name, b.Kind, b.Name)
}

// RequestName is the name of a user's CertificateSigningRequest: readable, and with a hash of the key, so that each
// try is an object of its own and nobody can take the name beforehand.
func RequestName(set, user, keyHash string) string {
	readable := []rune{}
	for _, r := range strings.ToLower(user) {
		if r < 'a' || r > 'z' {
			if r < '0' || r > '9' {
				r = '-'
			}
		}
		readable = append(readable, r)
	}
	return "provision-" + set + "-" + string(readable) + "-" + keyHash[:16]
}
