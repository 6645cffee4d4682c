package usersfile

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	// maxName is OpenSSL's limit for a common name and an organization, in bytes. Go and the API server have none.
	maxName = 64
	// maxSubject is how many bytes of names a certificate may hold. The rest of a certificate takes one or two thousand, and
	// OpenSSL (curl, Python) does not send more than 64 KiB in one message of TLS 1.3. Beyond 256 KiB no client can log in.
	maxSubject = 60_000
)

// subjectSize returns the bytes that a certificate's subject takes in DER.
func subjectSize(user string, groups []string) int {
	der, err := asn1.Marshal(pkix.Name{CommonName: user, Organization: groups}.ToRDNSequence())
	if err != nil { // a name that no certificate can hold is a mistake already
		return 0
	}
	return len(der)
}

// use is where a name is used: in a certificate or in bindings.
type use int

const (
	asUser        use = iota // the certificate's common name
	inCertificate            // an organization of a certificate: the user is in the group
	asGroup                  // the subject of bindings: the file says what the group may do
)

// subject reads the name of a user or a group, and returns false for one that cannot be used.
func (r *reader) subject(v value, as use) (string, bool) {
	s, ok := r.visible(v)
	if !ok {
		return "", false
	}
	if why := slip(v.node, s); why != "" {
		r.invalid(v, s, why)
		return "", false
	}
	if len(s) > maxName {
		most := fmt.Sprintf("must be at most %d bytes, the limit of OpenSSL", maxName)
		r.tell(v, field.Invalid(v.path, clip(s), fmt.Sprintf("%s; it has %d", most, len(s))), fmt.Sprintf("%d bytes", len(s)), most)
		return "", false
	}
	if why := never(s, as); why != "" {
		r.tell(v, field.Forbidden(v.path, fmt.Sprintf("%q: %s", s, why)), strconv.Quote(s), why)
		return "", false
	}
	if isReserved(s, as) && !r.reserved[s] {
		const why = "is reserved for Kubernetes itself: choose another name, or list it under allowReserved"
		r.tell(v, field.Forbidden(v.path, fmt.Sprintf("%q %s", s, why)), strconv.Quote(s), why)
		return "", false
	}
	return s, true
}

// ownGroups is the prefix of the groups that are for provision itself.
const ownGroups = "provision:"

// never returns why a name cannot be used even if the file allows it, or "".
func never(name string, as use) string {
	switch {
	case as == asUser && name == "system:anonymous":
		return "a certificate cannot stand for a request without one; choose another name"
	case as != asUser && name == "system:masters":
		return "the API server's admission refuses certificates for it, and nothing limits it; bind a ClusterRole to a group of your own"
	case as != asUser && strings.HasPrefix(name, ownGroups):
		return "groups that begin with " + ownGroups + " are for provision itself; choose another name"
	case as == inCertificate && (name == "system:authenticated" || name == "system:unauthenticated"):
		return "the API server decides who is in it; leave it out"
	}
	return ""
}

// isReserved reports whether a name is one of Kubernetes itself, which is used only if allowReserved lists it.
func isReserved(name string, as use) bool {
	return strings.HasPrefix(name, "system:") || as != asUser && name == "kubeadm:cluster-admins"
}

// allowReserved reads the reserved names that this document may use. It must be called before users, groups and roles are read.
func (r *reader) allowReserved(v value) []string {
	all := r.names(v, r.visible)
	r.reserved = map[string]bool{}
	for _, s := range all {
		r.reserved[s] = true
	}
	return all
}
