package plan

import (
	"crypto/x509"
	"slices"
	"time"
)

// MaxSubjects is how many subjects one binding holds: beyond it an object grows slow to read and write for everybody.
const MaxSubjects = 1000

// Observed is what there is. Package cluster fills what the API server knows, package outdir what the directory
// holds. It has public keys and fingerprints only, never a private key.
type Observed struct {
	Files map[string]File // by user; kubeconfigs in the output directory, of users and of people no longer in the file
	Keys  map[string]Key  // by user; private keys in the journal, whose certificate is still to come
	// Misplaced are the set's entries for this cluster in files that are not their user's.
	Misplaced []Misplaced

	Requests []Request
	Roles    []Role    // of the set
	Bindings []Binding // of the set

	// Namespaces and RoleOwners are what exists by name, whoever owns it, as far as the desired state refers to it. The value of a namespace is
	// false where it is being deleted; that of a role is its set, "" for a foreign one.
	Namespaces map[string]bool
	RoleOwners map[ObjectKey]string
	// NamespaceLabels are the labels of all namespaces but those that are being deleted; only where the file selects by them.
	NamespaceLabels map[string]map[string]string
	// BindingOwners has the bindings with names of the set.
	BindingOwners map[ObjectKey]string
	// Unlabelled are those of them that do not carry the set's label: whatever they grant, they are not ours to change.
	Unlabelled []Binding

	// Ledger is the set's record of certificates, expired ones among it. LedgerProblems says what of it cannot be read.
	Ledger          []Record
	LedgerProblems  []Problem
	LedgerNamespace bool // it exists
	// LedgersElsewhere are the set's records in other namespaces, sorted by namespace. LedgerUnsearched is that not all
	// namespaces may be read.
	LedgersElsewhere []LedgerElsewhere
	LedgerUnsearched bool

	// ClientCA is what the API server accepts client certificates from; nil when the operator may not read it, then
	// ClientCAError says why.
	ClientCA      []*x509.Certificate
	ClientCAError string

	// FrontProxy is set where the client CA is also that of the front proxy.
	FrontProxy *FrontProxy

	// Disagreement is set when the API servers accept and refuse certificates of one client CA.
	Disagreement *Disagreement

	// Claimed are users for whom sets have certificates which no users file of the run describes, and those sets. It is only
	// known where a users file has a mistake: it may be that of such a set.
	Claimed map[string]string

	// NoClientCertificates is the users' server when it asks for no client certificate in the TLS handshake: nobody can
	// log in there with one. "" when it does, or when nobody knows.
	NoClientCertificates string

	// Block is what the set blocks at admission; nil: nothing. BlockUnread is why that is not known, and "" where it is.
	Block       *Block
	BlockUnread string
	// WithoutCredentialIDs is the version of an API server that does not know client certificates by their ids, which is needed to
	// block one. "": it does, or nobody has asked.
	WithoutCredentialIDs string
	// OwnCertificate is the client certificate of the operator, if they log in with one: its user, and its fingerprint.
	OwnCertificate BlockedCertificate
	// OperatorKey is the hash of the key of that certificate, or of the one in the operator's kubeconfig.
	OperatorKey string
	// KeysElsewhere are the keys of users' own requests that other sets have used, by hash.
	KeysElsewhere map[string][]KeyHolder
	// NamesElsewhere are users for whom other sets have certificates, and those sets. It is only known where names are blocked.
	NamesElsewhere map[string]string

	// ClockAhead is how far the clock of this machine is ahead of the API server's, negative when it is behind; 0 when they
	// agree, or when that is not known.
	ClockAhead time.Duration
}

// FrontProxy says which client certificates the API server takes for those of an authenticating proxy, whose word it
// believes for who somebody is (X-Remote-User; --requestheader-allowed-names).
type FrontProxy struct {
	Names []string // common names; none: any
}

// trusts reports whether whoever has a certificate for the name can act as anybody.
func (f *FrontProxy) trusts(name string) bool {
	return f != nil && slices.Contains(f.Names, name)
}

// Disagreement is what logins with certificates of one client CA have shown of the API servers behind one address.
type Disagreement struct {
	Server         string
	Refused, Tried int // logins
}
