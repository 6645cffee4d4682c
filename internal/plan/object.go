package plan

import (
	"slices"
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// Object names an object of the API, whatever its kind.
type Object struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"` // "": it is cluster-wide
	Name      string `json:"name"`
}

// String returns the object as kubectl names it: "rolebinding/x -n y". A shell may need quotes around the name; package
// view adds them.
func (o Object) String() string {
	s := strings.ToLower(o.Kind) + "/" + o.Name
	if o.Namespace != "" {
		s += " -n " + o.Namespace
	}
	return s
}

// ObjectKey names a namespaced or, without namespace, a cluster-wide object of a known kind.
type ObjectKey struct{ Namespace, Name string }

// Certificate is a client certificate: as the file wants it, or as it was found.
type Certificate struct {
	User         string                 `json:"user"`   // common name
	Groups       []string               `json:"groups"` // organizations, sorted
	KeyAlgorithm usersfile.KeyAlgorithm `json:"keyAlgorithm"`
	Duration     time.Duration          `json:"duration"`       // as asked; in JSON expirationSeconds; the signer may shorten it
	Until        time.Time              `json:"until,omitzero"` // only of one that is wanted: it must not outlive this, and is asked for a shorter life where it would; zero: nothing bounds it
	Key          KeyPlace               `json:"key,omitempty"`
	SealedTo     []recipient.Recipient  `json:"sealedTo,omitempty"` // who can open the private key, where it is sealed

	// Only of one that was found.
	KeyHash      string    `json:"keyHash,omitempty"`      // hex SHA-256 of the public key (SubjectPublicKeyInfo)
	CredentialID string    `json:"credentialID,omitempty"` // "X509SHA256=" and hex, as audit logs show it
	Serial       string    `json:"serial,omitempty"`       // hex
	NotBefore    time.Time `json:"notBefore,omitzero"`
	NotAfter     time.Time `json:"notAfter,omitzero"`
}

// KeyPlace says where the private key of a certificate is.
type KeyPlace string

// Places of a private key.
const (
	KeyHere   KeyPlace = ""       // in the kubeconfig
	KeySealed KeyPlace = "sealed" // in the kubeconfig too, and only its owner can open it
	KeyOwn    KeyPlace = "own"    // with its owner, who made it: it was never here
)

// Kubeconfig is a user's kubeconfig apart from key and certificate.
type Kubeconfig struct {
	File      string   `json:"file"`    // name in the output directory
	Context   string   `json:"context"` // user@cluster
	Namespace string   `json:"namespace,omitempty"`
	Endpoint  Endpoint `json:"endpoint"`
}

// Found is what only a role or binding has that was found in the cluster.
type Found struct {
	Origin
	UID             types.UID `json:"uid,omitempty"`
	ResourceVersion string    `json:"resourceVersion,omitempty"`
	Finalizers      []string  `json:"finalizers,omitempty"`
	Ending          bool      `json:"ending,omitempty"` // somebody has deleted it, and finalizers hold it
}

// Held reports whether the object would still be there after it was deleted. A binding would grant what it did.
func (f Found) Held() bool { return f.Ending || len(f.Finalizers) > 0 }

// Namespace is one that the set makes, and never deletes.
type Namespace struct {
	Name string `json:"name"`
}

// Object names it.
func (n Namespace) Object() Object { return Object{Kind: "Namespace", Name: n.Name} }

// Role is a Role or, without a namespace, a ClusterRole of the set.
type Role struct {
	Namespace string              `json:"namespace,omitempty"`
	Name      string              `json:"name"`
	Rules     []rbacv1.PolicyRule `json:"rules"`
	Found
}

// Key returns the role's key.
func (r Role) Key() ObjectKey { return ObjectKey{r.Namespace, r.Name} }

// Kind returns Role or ClusterRole.
func (r Role) Kind() string {
	if r.Namespace == "" {
		return "ClusterRole"
	}
	return "Role"
}

// RoleRef names the role that a binding grants. It is immutable in the API.
type RoleRef struct {
	Kind string `json:"kind"` // Role or ClusterRole
	Name string `json:"name"`
}

// ClusterAdminRole is the role that allows everything.
var ClusterAdminRole = RoleRef{Kind: "ClusterRole", Name: "cluster-admin"}

// String returns the role as "ClusterRole/edit".
func (r RoleRef) String() string { return r.Kind + "/" + r.Name }

// In returns the object that the role is where it is bound: a Role in namespace, a ClusterRole in the namespace in which it
// is granted, or, with "", without one.
func (r RoleRef) In(namespace string) Object { return Object{r.Kind, namespace, r.Name} }

// Object names the role.
func (r Role) Object() Object { return Object{r.Kind(), r.Namespace, r.Name} }

// Subject is who a binding grants to: a User or a Group. Its API group is always rbac.authorization.k8s.io.
type Subject struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// String returns the subject in lower case, with quotes where the name needs them: "user jane", `group "a b"`.
func (s Subject) String() string { return strings.ToLower(s.Kind) + " " + Quoted(s.Name) }

// Anonymous reports whether the subject stands for requests that nobody has logged in for.
func (s Subject) Anonymous() bool {
	return s == everybody[1] || s == everybody[2]
}

// Binding is a RoleBinding or, without a namespace, a ClusterRoleBinding of the set.
type Binding struct {
	Namespace string       `json:"namespace,omitempty"`
	Name      string       `json:"name"`
	RoleRef   RoleRef      `json:"roleRef"`
	Subjects  []Subject    `json:"subjects"`        // sorted
	Ended     []EndedGroup `json:"ended,omitempty"` // groups that its set binds no more, here or elsewhere; sorted
	Found
}

// Key returns the binding's key.
func (b Binding) Key() ObjectKey { return ObjectKey{b.Namespace, b.Name} }

// Kind returns RoleBinding or ClusterRoleBinding.
func (b Binding) Kind() string {
	if b.Namespace == "" {
		return "ClusterRoleBinding"
	}
	return "RoleBinding"
}

// Object names the binding.
func (b Binding) Object() Object { return Object{b.Kind(), b.Namespace, b.Name} }

// Role is the key of the role that the binding grants.
func (b Binding) Role() ObjectKey {
	if b.RoleRef.Kind == "Role" {
		return ObjectKey{b.Namespace, b.RoleRef.Name}
	}
	return ObjectKey{"", b.RoleRef.Name}
}

// Lacks returns those of some subjects that a binding does not have. A nil binding has none.
func (b *Binding) Lacks(subjects []Subject) []Subject {
	if b == nil {
		return subjects
	}
	return absent(subjects, []Binding{*b})
}

// SetOf is the set that a binding with a label belongs to: the label's, if the name is as that set gives it. A label alone
// anybody can put on.
func (b Binding) SetOf(label string) string {
	if label == "" || !b.named(label) {
		return ""
	}
	return label
}

// Key returns the object's key among those of its kind.
func (o Object) Key() ObjectKey { return ObjectKey{o.Namespace, o.Name} }

// sortChanges orders changes of roles or of bindings by namespace and name.
func sortChanges[T interface{ Object() Object }](changes []Change[T]) {
	slices.SortFunc(changes, func(a, b Change[T]) int { return compareObjects((*a.Object()).Object(), (*b.Object()).Object()) })
}

// compareObjects orders by namespace and name.
func compareObjects(a, b Object) int { return compareKeys(a.Namespace, a.Name, b.Namespace, b.Name) }

func compareKeys(aNamespace, aName, bNamespace, bName string) int {
	if c := strings.Compare(aNamespace, bNamespace); c != 0 {
		return c
	}
	return strings.Compare(aName, bName)
}

func compareSubjects(a, b Subject) int {
	return compareKeys(a.Kind, a.Name, b.Kind, b.Name)
}

// difference compares two lists as sets.
func difference[T comparable](have, want []T) (added, removed []T) {
	return without(want, have, itself), without(have, want, itself)
}

// setOf is the set of what key makes of the members of a list.
func setOf[T any, K comparable](list []T, key func(T) K) map[K]bool {
	set := make(map[K]bool, len(list))
	for _, one := range list {
		set[key(one)] = true
	}
	return set
}

// itself is the key of what is compared as it is.
func itself[T any](v T) T { return v }

// without are the members of a list whose key is not that of any of others. They may be thousands.
func without[T any, K comparable](list, others []T, key func(T) K) []T {
	known := setOf(others, key)
	var left []T
	for _, one := range list {
		if !known[key(one)] {
			left = append(left, one)
		}
	}
	return left
}

// sortedOnce sorts names, in place, and leaves each there once.
func sortedOnce(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
