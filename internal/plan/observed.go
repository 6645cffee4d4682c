package plan

import (
	"crypto/x509"
	"io/fs"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"provision/internal/spec"
)

// SetLabel is the label that everything created for a set carries in the cluster. Its value is the set's name.
const SetLabel = "provision/set"

// UserAnnotation holds a request's user, whose name may not be a label value.
const UserAnnotation = "provision/user"

// MaxSubjects is how many subjects one binding holds: beyond it an object grows slow to read and write for everybody.
const MaxSubjects = 1000

// Observed is what there is. Package cluster fills what the API server knows, package outdir what the directory
// holds. It has public keys and fingerprints only, never a private key.
type Observed struct {
	Files map[string]File // by user; kubeconfigs in the output directory, of users and of people no longer in the file
	Keys  map[string]Key  // by user; private keys in the journal, whose certificate is still to come

	Requests []Request
	Roles    []Role    // of the set
	Bindings []Binding // of the set

	// What exists by name, whoever owns it. The value is the object's set, "" for a foreign one. Only filled as far
	// as the desired state refers to it.
	Namespaces map[string]bool
	RoleOwners map[ObjectKey]string
	// BindingOwners has the bindings with names of the set.
	BindingOwners map[ObjectKey]string

	// Ledger is the set's record of certificates, expired ones among it. LedgerProblems says what of it cannot be read.
	Ledger          []Record
	LedgerProblems  []Problem
	LedgerNamespace bool // it exists

	// ClientCA is what the API server accepts client certificates from; nil when the operator may not read it, then
	// ClientCAError says why.
	ClientCA      []*x509.Certificate
	ClientCAError string
}

// ObjectKey names a namespaced or, without namespace, a cluster-wide object of a known kind.
type ObjectKey struct{ Namespace, Name string }

// FileState says whose a file in the output directory is.
type FileState string

// States of a file.
const (
	FileOurs       FileState = "ours"       // has an entry of this set and cluster
	FileOtherSet   FileState = "otherSet"   // has an entry for this cluster that another set owns
	FileOther      FileState = "other"      // provision's, for other clusters only: an entry can be added
	FileForeign    FileState = "foreign"    // not provision's
	FileUnreadable FileState = "unreadable" // not a kubeconfig
)

// File is one kubeconfig in the output directory.
type File struct {
	Name  string
	State FileState
	Owner string // the owning set, for FileOurs and FileOtherSet
	Error string // why it is foreign or unreadable
	Mode  fs.FileMode

	// For FileOurs.
	Kubeconfig  Kubeconfig
	Certificate *Certificate      // nil: none, or not one
	Leaf        *x509.Certificate // the same, for checking who signed it
	KeyMatches  bool              // the file's private key belongs to the certificate
	Edited      []string          // what somebody added to our entry: fields such as token, "another user"; sorted

	// Taken are the names of contexts, clusters and users in the file that are not ours: we may not use them.
	Taken map[string]bool
	// Others are the entries that provision did not make for this user, "cluster x", "user y", "context z", sorted;
	// OtherContext is the current context if it is one of them.
	Others       []string
	OtherContext string
}

// believed is the certificate in a user's kubeconfig if it tells what she can do, or nil. records are hers. Root may have
// given her the file, and then she can put any certificate into it: what counts is for her, and is one that the ledger
// lists, to the last byte, or that a CA of the cluster has signed.
func (o Observed) believed(user string, records []Record) *Certificate {
	f := o.Files[user]
	c := f.Certificate
	if f.State != FileOurs || c == nil || c.User != user {
		return nil
	}
	listed := func(r Record) bool { return r.Issued() && r.KeyHash == c.KeyHash && r.CredentialID == c.CredentialID }
	if o.ClientCA == nil || slices.ContainsFunc(records, listed) || SignedByAny(f.Leaf, o.ClientCA) {
		return c
	}
	return nil
}

// present says until when the certificate in a user's kubeconfig lives, and for which groups it is. If nothing there can
// be believed, it is what her records say together.
func (o Observed) present(user string, records []Record, now time.Time) (until time.Time, groups []string) {
	if c := o.believed(user, records); c != nil {
		return c.NotAfter, c.Groups
	}
	return remaining(records, nil, now)
}

// Key is a private key in the journal: the public half of what the journal knows.
type Key struct {
	User         string
	KeyHash      string
	KeyAlgorithm spec.KeyAlgorithm
	Request      string // the name of the CertificateSigningRequest it was made for
	Created      time.Time
}

// RequestState is how far a CertificateSigningRequest has come.
type RequestState string

// States of a request.
const (
	Pending  RequestState = "pending"
	Approved RequestState = "approved"
	Issued   RequestState = "issued"
	Denied   RequestState = "denied"
	Failed   RequestState = "failed"
)

// Request is a CertificateSigningRequest that carries the set's label. Everything but Name and UID is what the
// object claims: only a KeyHash that equals a Key's makes it ours.
type Request struct {
	Name            string
	UID             types.UID
	ResourceVersion string
	State           RequestState
	Message         string // reason and message of a denial or failure
	KeyHash         string // of the PKCS#10 request
	User            string // common name in it
	Groups          []string
	Duration        time.Duration
	// Certificate is what was issued; nil before, or when it is not for the request's own key.
	Certificate *Certificate
	// Conforms is whether signer, usages, subject form and requesting user are what this operator would have asked;
	// Mismatch names the first that is not.
	Conforms bool
	Mismatch string
	// Resent is whether the ledger says that it was sent more than once: then a certificate may live that nobody saw. Only
	// of one that a plan deletes.
	Resent bool
	// OfOther is whether it is only the requesting user that does not conform: perhaps another operator of the set.
	OfOther bool
}

// named says whether the request has the name that its key gives it in a set.
func (r Request) named(set string) bool {
	return len(r.KeyHash) >= 16 && r.Name == RequestName(set, r.User, r.KeyHash)
}
