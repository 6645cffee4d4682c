package usersfile

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// user reads a user of a set, with d for the settings that are absent. Groups are those that the file defines.
func (r *reader) user(v value, set string, d Defaults, groups map[string]Group) User {
	o, ok := r.object(v, "name", "generation", "groups", "duration", "keyAlgorithm", "namespace", "renewBefore", "renewElsewhere", "roles", "reuse", "request", "recipients", "recipientsFile", "until")
	if !ok {
		return User{}
	}
	u := User{Pos: r.at(v), Name: r.userName(o.get("name"))}
	u.Groups = r.names(o.get("groups"), func(v value) (string, bool) { return r.subject(v, inCertificate) })
	u.Generation = r.generation(o.get("generation"))
	carried := inCertificates(u.Groups, groups)
	if u.Generation > 0 {
		carried = append(carried, GenerationGroup(set, u.Name, u.Generation))
	}
	if n := subjectSize(u.Name, carried); n > maxSubject {
		r.note(o.get("groups"), Rule{Type: field.ErrorTypeTooMany}, fmt.Sprintf("%d bytes", n), fmt.Sprintf("Too many: %d groups take %d bytes in the certificate, and many clients cannot log in with one of more than %d: "+
			"put the user into fewer groups or define them under groups, where a group stands in the certificate only with bindTo: Group or inCertificate: true", len(carried), n, maxSubject))
	}
	s := r.settings(o, d)
	u.Duration, u.KeyAlgorithm, u.Namespace, u.NamespacePos, u.RenewBefore = s.Duration, s.KeyAlgorithm, s.Namespace, s.NamespacePos, s.RenewBefore
	u.RenewElsewhere = s.RenewElsewhere
	if u.Request = r.ownRequest(o.get("request"), CertificateSubject{User: u.Name, Groups: inCertificates(u.Groups, groups), Set: set, Generation: u.Generation}); u.Request != nil {
		u.KeyAlgorithm = u.Request.KeyAlgorithm
		if v := o.get("keyAlgorithm"); v.given() {
			r.add(v, "must not stand beside a request, whose key is there already: leave it out")
		}
	}
	u.Roles = r.grants(o.get("roles"))
	u.Reuse = r.flag(o.get("reuse"))
	u.Until, u.UntilPos = r.ends(o.get("until"))
	u.Recipients = r.recipients(o.get("recipients"), o.get("recipientsFile"))
	for _, v := range []value{o.get("recipients"), o.get("recipientsFile")} {
		if v.given() && o.get("request").given() {
			r.add(v, "must not stand beside a request, whose key was never here: leave one of them out")
		}
	}
	return u
}

// userName reads the name of a user. No other user of any set may have it, nor one that some disks take for the same (A, a).
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
		r.share(v, first, name)
		return name
	}
	r.seen.users[name] = r.at(v)
	key := fileKey(FileName(name))
	if other, ok := r.seen.files[key]; ok {
		r.tell(v, field.Invalid(v.path, name, fmt.Sprintf("must not differ from %q at %s by case alone: some disks would give both one kubeconfig", other.Name, other.Pos)),
			fmt.Sprintf("%q and %q at %s", name, other.Name, other.Pos), "must not differ by case alone")
		r.share(v, other.Pos, name, other.Name)
		return name
	}
	r.seen.files[key] = User{Name: name, Pos: r.at(v)}
	return name
}

// CertificateGroups are those of a user's groups that stand in their certificate, by the groups that the file defines. One that it
// does not define is bound elsewhere, and stands in it.
func (s Set) CertificateGroups() func(User) []string {
	groups := byName(s.Groups)
	return func(u User) []string { return inCertificates(u.Groups, groups) }
}

// byName are groups by their names.
func byName(groups []Group) map[string]Group {
	by := make(map[string]Group, len(groups))
	for _, g := range groups {
		by[g.Name] = g
	}
	return by
}

func inCertificates(names []string, groups map[string]Group) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		g, defined := groups[name]
		return defined && g.BindTo == BindToMembers && !g.InCertificate
	})
}
