package usersfile

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	// DefaultFile is the users file when none is named.
	DefaultFile = "users.yaml"
	// DefaultLedgerNamespace is where the ledger is kept when the file says nothing.
	DefaultLedgerNamespace = "provision-system"
	// MaxSubjects is how many subjects the bindings of a file's sets may have together: a group's members stand in one
	// binding of each of its roles and namespaces, so a small file can ask for more than fits into any machine. A million
	// takes 300 MB.
	MaxSubjects = 1_000_000
	// maxSetName leaves room in a label value and in object names for what is put around it.
	maxSetName = 40
)

// set reads and checks a whole document. The set is of use only if that adds nothing to r.mistakes.
func (r *reader) set(root *yaml.Node) Set {
	s := Set{Pos: r.pos(root)}
	o, ok := r.object(value{node: root}, "apiVersion", "kind", "name", "cluster", "ledger", "namespaces", "defaults", "roles", "groups", "users", "escrow", "allowReserved")
	if !ok {
		r.errs[len(r.errs)-1].Msg = "not a users file: must be an object with apiVersion: " + APIVersion + " and kind: " + Kind
		return s
	}
	if !r.header(o) {
		return s
	}
	s.Name = r.setName(o.get("name"))
	s.Cluster = r.cluster(o.get("cluster"))
	s.Ledger = r.ledger(o.get("ledger"))
	s.CreateNamespaces = r.createNamespaces(o.get("namespaces"))
	s.Defaults = r.defaults(o.get("defaults"))
	s.AllowReserved = r.allowReserved(o.get("allowReserved"))
	s.Roles = r.roles(o.get("roles"))
	s.Groups = r.groups(o.get("groups"))
	users := o.get("users")
	all := r.list(users)
	if len(all) == 0 && (!users.given() || users.isEmptyList()) {
		r.required(users, "must name at least one user; to remove everybody use `provision destroy`")
	}
	s.Users = make([]User, 0, len(all))
	groups := byName(s.Groups)
	for _, v := range all {
		s.Users = append(s.Users, r.user(v, s.Name, s.Defaults, groups))
	}
	s.Escrow = r.escrow(o.get("escrow"), s.Users)
	if *r.subjects += Subjects(s); *r.subjects > MaxSubjects {
		r.note(value{node: root}, Rule{Type: field.ErrorTypeTooMany}, "", fmt.Sprintf("Too many: the bindings of this file name somebody %d times (each member of a group with bindTo: Members for each of its roles, in each namespace), and must do so at most %d times: "+
			"bind groups themselves (bindTo: Group), grant in fewer namespaces, or split the file", *r.subjects, MaxSubjects))
	}
	return s
}

// Subjects counts the subjects of a set's bindings, of which there is one for each role and namespace.
func Subjects(s Set) int {
	places := func(grants []Grant) int {
		n := 0
		for _, g := range grants {
			n += max(1, len(g.Namespaces))
		}
		return n
	}
	members := map[string]int{}
	n := 0
	for _, u := range s.Users {
		n += places(u.Roles)
		for _, g := range u.Groups {
			members[g]++
		}
	}
	for _, g := range s.Groups {
		who := 1
		if g.BindTo == BindToMembers {
			who = members[g.Name]
		}
		n += who * places(g.Roles)
	}
	return n
}

// header checks apiVersion and kind, and returns false for a document that says it is something else. Such a document is not
// read further, and the unknown fields that were found before are dropped: every field of it would be a mistake.
func (r *reader) header(o object) bool {
	ours := true
	before, count := r.errs, r.mistakes
	r.errs, r.mistakes = nil, 0
	for _, f := range []struct{ name, want string }{{"apiVersion", APIVersion}, {"kind", Kind}} {
		v := o.get(f.name)
		if s, ok := r.filled(v); ok && s != f.want {
			r.fail(v, field.NotSupported(v.path, clip(s), []string{f.want}))
			ours = false
		} else if !v.given() {
			r.required(v, "must be "+f.want)
		}
	}
	if ours {
		r.errs, r.mistakes = append(before, r.errs...), count+r.mistakes
	}
	return ours
}

// CheckSetName returns what is wrong with the name of a set, or nil.
func CheckSetName(name string) error {
	if mistakes := validation.IsDNS1123Label(name); len(mistakes) > 0 {
		return errors.New(strings.Join(mistakes, "; "))
	}
	if len(name) > maxSetName {
		return fmt.Errorf("must be at most %d bytes", maxSetName)
	}
	return nil
}

// setName reads the name of the set, which no other document has. It returns "" for a name that cannot be used, and the name
// of a duplicate.
func (r *reader) setName(v value) string {
	if !v.given() {
		r.required(v, "must name the set, as in payments: everything that is created carries it as a label")
		return ""
	}
	name, ok := r.label(v)
	if !ok {
		return ""
	}
	if len(name) > maxSetName {
		r.invalid(v, name, fmt.Sprintf("must be at most %d bytes", maxSetName))
		return ""
	}
	if first, ok := r.seen.sets[name]; ok {
		r.duplicate(v, name, first)
		if first.File != r.file {
			r.seen.twice[name] = true
			r.shared++
		}
		return name
	}
	r.seen.sets[name] = r.at(v)
	return name
}

func (r *reader) ledger(v value) Ledger {
	l := Ledger{Namespace: DefaultLedgerNamespace}
	if !v.given() || isNull(v.node) {
		return l
	}
	if o, ok := r.object(v, "namespace"); ok && o.get("namespace").given() {
		l.Namespace, _ = r.label(o.get("namespace"))
	}
	return l
}

// createNamespaces reads what is done about namespaces that are not there: nothing but "create" is something.
func (r *reader) createNamespaces(v value) bool {
	const create = "create"
	s, ok := r.text(v)
	if ok && s != create {
		r.fail(v, field.NotSupported(v.path, clip(s), []string{create}))
	}
	return ok && s == create
}
