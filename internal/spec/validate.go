package spec

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	// DefaultLedgerNamespace is where the ledger is kept when the file says nothing.
	DefaultLedgerNamespace = "provision-system"
	// maxSetName leaves room in a label value and in object names for what is put around it.
	maxSetName = 40
)

// seen is what must not come twice, in one file or in several, and where it came first.
type seen struct {
	sets  map[string]Pos
	users map[string]Pos
	files map[string]User // by fileKey; only Name and Pos are set
}

func newSeen() *seen {
	return &seen{sets: map[string]Pos{}, users: map[string]Pos{}, files: map[string]User{}}
}

// set reads and checks a whole document. It is of use only when it made no mistake.
func (r *reader) set(root *yaml.Node) Set {
	s := Set{Pos: r.pos(root)}
	o, ok := r.object(value{node: root}, "apiVersion", "kind", "name", "cluster", "ledger", "defaults", "roles", "groups", "users", "allowReserved")
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
	for _, v := range all {
		s.Users = append(s.Users, r.user(v, s.Defaults))
	}
	return s
}

// header checks apiVersion and kind. What says that it is something else is not looked at further: every field of it
// would be a mistake. All mistakes found so far (unknown fields) are dropped for the same reason.
func (r *reader) header(o object) bool {
	ours := true
	before := r.errs
	r.errs = nil
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
		r.errs = append(before, r.errs...)
	}
	return ours
}

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
		return ""
	}
	r.seen.sets[name] = r.at(v)
	return name
}

// label reads an RFC 1123 label: a namespace or the name of a set.
func (r *reader) label(v value) (string, bool) {
	s, ok := r.filled(v)
	if !ok {
		return "", false
	}
	mistakes := validation.IsDNS1123Label(s)
	for _, m := range mistakes {
		r.invalid(v, s, m)
	}
	return s, len(mistakes) == 0
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

func (r *reader) defaults(v value) Defaults {
	d := Defaults{Duration: DefaultDuration, KeyAlgorithm: KeyAlgorithms()[0], RenewBefore: RenewBefore{Share: DefaultRenewBefore}}
	if !v.given() || isNull(v.node) {
		return d
	}
	o, ok := r.object(v, "duration", "keyAlgorithm", "namespace", "renewBefore")
	if !ok {
		return d
	}
	return r.settings(o, d)
}

// settings reads what both the defaults and a user have; d holds for what is not there.
func (r *reader) settings(o object, d Defaults) Defaults {
	duration, renewBefore := o.get("duration"), o.get("renewBefore")
	d.Duration = r.duration(duration, d.Duration)
	d.KeyAlgorithm = r.keyAlgorithm(o.get("keyAlgorithm"), d.KeyAlgorithm)
	d.RenewBefore = r.renewBefore(renewBefore, d.RenewBefore)
	if v := o.get("namespace"); v.given() {
		d.Namespace, _ = r.label(v)
		d.NamespacePos = r.at(v)
	}
	// A user who gives neither has the mistake of the defaults, which is told once, there.
	if d.Duration > 0 && d.RenewBefore.Time >= d.Duration && (duration.given() || renewBefore.given()) {
		v := renewBefore
		if !v.given() {
			v.node = duration.node
		}
		r.invalid(v, FormatDuration(d.RenewBefore.Time), "must be less than the duration, "+FormatDuration(d.Duration))
	}
	return d
}

// duration returns 0 for a mistake.
func (r *reader) duration(v value, absent time.Duration) time.Duration {
	if !v.given() {
		return absent
	}
	if isNumber(v.node) {
		r.wrongType(v, "a duration with its unit, as in 30d")
		return 0
	}
	s, ok := r.text(v)
	if !ok {
		return 0
	}
	d, err := ParseDuration(s)
	switch {
	case err != nil:
		r.invalid(v, s, err.Error())
	case d < minDuration:
		r.invalid(v, s, "must be at least "+FormatDuration(minDuration))
	case d > maxDuration:
		r.invalid(v, s, "must be at most "+FormatDuration(maxDuration))
	case d%time.Second != 0:
		r.invalid(v, s, "must be whole seconds")
	default:
		return d
	}
	return 0
}

func (r *reader) renewBefore(v value, absent RenewBefore) RenewBefore {
	if !v.given() {
		return absent
	}
	if isNumber(v.node) {
		r.wrongType(v, "a share such as 33% or a duration such as 12h")
		return RenewBefore{}
	}
	s, ok := r.text(v)
	if !ok {
		return RenewBefore{}
	}
	b, err := ParseRenewBefore(s)
	if err != nil {
		r.invalid(v, s, err.Error())
	}
	return b
}

func (r *reader) keyAlgorithm(v value, absent KeyAlgorithm) KeyAlgorithm {
	if !v.given() {
		return absent
	}
	s, ok := r.text(v)
	if ok && !slices.Contains(KeyAlgorithms(), KeyAlgorithm(s)) {
		r.fail(v, field.NotSupported(v.path, clip(s), KeyAlgorithms()))
	}
	return KeyAlgorithm(s)
}

func (r *reader) user(v value, d Defaults) User {
	o, ok := r.object(v, "name", "groups", "duration", "keyAlgorithm", "namespace", "renewBefore", "roles", "reuse")
	if !ok {
		return User{}
	}
	u := User{Pos: r.at(v), Name: r.userName(o.get("name"))}
	u.Groups = r.names(o.get("groups"), func(v value) (string, bool) { return r.subject(v, inCertificate) })
	s := r.settings(o, d)
	u.Duration, u.KeyAlgorithm, u.Namespace, u.NamespacePos, u.RenewBefore = s.Duration, s.KeyAlgorithm, s.Namespace, s.NamespacePos, s.RenewBefore
	u.Roles = r.grants(o.get("roles"))
	u.Reuse = r.flag(o.get("reuse"))
	return u
}

// userName reads a name that nobody else has, not even in another set or on a disk that takes A for a.
func (r *reader) userName(v value) string {
	if !v.given() {
		r.required(v, "must name the user: it becomes the certificate's common name")
		return ""
	}
	name, ok := r.subject(v, asUser)
	if !ok {
		return ""
	}
	if first, ok := r.seen.users[name]; ok {
		r.duplicate(v, name, first)
		return ""
	}
	r.seen.users[name] = r.at(v)
	key := fileKey(FileName(name))
	if other, ok := r.seen.files[key]; ok {
		r.invalid(v, name, fmt.Sprintf("must not differ from %q at %s by case alone: some disks would give both one kubeconfig", other.Name, other.Pos))
		return ""
	}
	r.seen.files[key] = User{Name: name, Pos: r.at(v)}
	return name
}

// names reads a list of strings, each with the given check, that must not repeat one.
func (r *reader) names(v value, check func(value) (string, bool)) []string {
	elements := r.list(v)
	if len(elements) == 0 {
		return nil
	}
	all := make([]string, 0, len(elements))
	first := make(map[string]Pos, len(elements))
	for _, e := range elements {
		s, ok := check(e)
		if !ok {
			continue
		}
		if at, ok := first[s]; ok {
			r.duplicate(e, s, at)
			continue
		}
		first[s] = r.at(e)
		all = append(all, s)
	}
	return all
}
