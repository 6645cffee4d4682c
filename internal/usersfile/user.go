package usersfile

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// user reads a user of a set, with d for the settings that are absent.
func (r *reader) user(v value, set string, d Defaults) User {
	o, ok := r.object(v, "name", "generation", "groups", "duration", "keyAlgorithm", "namespace", "renewBefore", "renewElsewhere", "roles", "reuse")
	if !ok {
		return User{}
	}
	u := User{Pos: r.at(v), Name: r.userName(o.get("name"))}
	u.Groups = r.names(o.get("groups"), func(v value) (string, bool) { return r.subject(v, inCertificate) })
	u.Generation = r.generation(o.get("generation"))
	carried := u.Groups
	if u.Generation > 0 {
		carried = append(slices.Clip(carried), GenerationGroup(set, u.Name, u.Generation))
	}
	if n := subjectSize(u.Name, carried); n > maxSubject {
		r.note(o.get("groups"), Rule{Type: field.ErrorTypeTooMany}, fmt.Sprintf("%d bytes", n), fmt.Sprintf("Too many: %d groups take %d bytes in the certificate, and many clients cannot log in with one of more than %d: "+
			"put the user into fewer groups (a group with bindTo: Members stands in the certificate too), or grant roles to the user", len(carried), n, maxSubject))
	}
	s := r.settings(o, d)
	u.Duration, u.KeyAlgorithm, u.Namespace, u.NamespacePos, u.RenewBefore = s.Duration, s.KeyAlgorithm, s.Namespace, s.NamespacePos, s.RenewBefore
	u.RenewElsewhere = s.RenewElsewhere
	u.Roles = r.grants(o.get("roles"))
	u.Reuse = r.flag(o.get("reuse"))
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
