package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"provision/internal/usersfile"
)

// DefaultLedgerNamespace is where a set's ledger is when its file says nothing.
const DefaultLedgerNamespace = usersfile.DefaultLedgerNamespace

// SetLabel is the label that everything created for a set carries in the cluster. Its value is the set's name.
const SetLabel = "provision/set"

// UserAnnotation holds a request's user, whose name may not be a label value.
const UserAnnotation = "provision/user"

// UserLabel is the label of a request by which a user's can be asked for alone. Its value is UserLabelValue.
const UserLabel = "provision/user"

// UserLabelValue is a user's name where that can be the value of a label (at most 63 of [-A-Za-z0-9_.], first and last a letter or
// digit), and a hash of it elsewhere. Two users may have one value: it only makes a list shorter.
func UserLabelValue(user string) string {
	if labelValue.MatchString(user) {
		return user
	}
	sum := sha256.Sum256([]byte(user))
	return "sha256-" + hex.EncodeToString(sum[:16])
}

var labelValue = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

// SignerName is the signer of client certificates for the API server.
const SignerName = "kubernetes.io/kube-apiserver-client"

// BindingName is the name of the first binding of a role in any scope: readable, and with a hash of the roleRef,
// which is immutable, so that another role is another object. Further ones have ":2", ":3" appended.
func BindingName(set string, ref RoleRef) string {
	sum := sha256.Sum256([]byte(ref.Kind + "/" + ref.Name))
	return "provision:" + set + ":" + ref.Name + ":" + hex.EncodeToString(sum[:4])
}

// isShard reports whether a name is first or a further one, as spread makes them.
func isShard(name, first string) bool {
	number, further := strings.CutPrefix(name, first+":")
	if !further {
		return name == first
	}
	_, err := strconv.ParseUint(number, 10, 32)
	return err == nil
}

// compareShards orders "x", "x:2", "x:10" by number.
func compareShards(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// named reports whether the binding has a name that the set gives.
func (b Binding) named(set string) bool { return strings.HasPrefix(b.Name, "provision:"+set+":") }

// RequestName is the name of a user's CertificateSigningRequest: readable, and with a hash of the key, so that each
// try is an object of its own and nobody can take the name beforehand.
func RequestName(set, user, keyHash string) string {
	readable := strings.Map(func(r rune) rune {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return '-'
		}
		return r
	}, strings.ToLower(user))
	return "provision-" + set + "-" + readable + "-" + keyHash[:16]
}

// named reports whether the request has the name that its key gives it in a set.
func (r Request) named(set string) bool {
	return len(r.KeyHash) >= 16 && r.Name == RequestName(set, r.User, r.KeyHash)
}

// Quoted writes a name as it is, and in quotes where it could be taken for several words or lines, or for another: what cannot be
// seen in it is escaped then.
func Quoted(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || usersfile.Invisible(r) || r == ',' || r == '"' }) {
		return name
	}
	quoted := strconv.Quote(name)
	var b strings.Builder
	for _, r := range quoted {
		switch {
		case !usersfile.Invisible(r):
			b.WriteRune(r)
		case r > 0xffff:
			//words:ignore an escape is part of the name as it is written
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			//words:ignore an escape is part of the name as it is written
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
