package plan

import (
	"time"

	"provision/internal/recipient"
)

// Record is one entry of the set's ledger: a certificate that was requested and has not expired. It is written
// before its request is sent, so that no certificate can exist that the ledger does not know, and completed once the
// certificate is issued. It holds no secret.
type Record struct {
	User     string        `json:"user"`
	Groups   []string      `json:"groups,omitempty"`
	KeyHash  string        `json:"keyHash"`  // hex SHA-256 of the public key
	Request  string        `json:"request"`  // name of the CertificateSigningRequest
	Duration time.Duration `json:"duration"` // in JSON expirationSeconds
	Intended time.Time     `json:"intended"`
	By       string        `json:"by"`               // the operator, as the API server calls them
	Digest   string        `json:"digest,omitempty"` // of the users file

	// SealedTo are those to whom the private key was sealed, without their keys; none: it was not.
	SealedTo []recipient.Recipient `json:"sealedTo,omitempty"`

	// Resent says that the request was sent more than once. Nobody saw what came of it the first time, and a certificate
	// may live although the request was denied, or given up, later: the record stays until that would have ended.
	Resent bool `json:"resent,omitempty"`

	// Own says that the user made the key. The record stays for good, so that the key is not used again.
	Own bool `json:"own,omitempty"`

	// Once issued.
	Serial       string    `json:"serial,omitempty"`
	CredentialID string    `json:"credentialID,omitempty"`
	NotBefore    time.Time `json:"notBefore,omitzero"`
	NotAfter     time.Time `json:"notAfter,omitzero"`

	// Refused is why the certificate was not used, as a code, and is empty for one that was. It may live all the same, so
	// the record stays; it is nobody's certificate otherwise, and its key is gone. Groups are then those that it carries.
	Refused string `json:"refused,omitempty"`

	// Removed is when the user left the file: the name may not be given again while a certificate of theirs lives.
	Removed time.Time `json:"removed,omitzero"`

	// Revoked is when the generation of the certificate was taken back: the file gave a higher one, or somebody revoked it.
	Revoked time.Time `json:"revoked,omitzero"`

	// Blocked is when somebody last blocked the certificate at admission, and Unblocked when somebody last took that back: the
	// later of the two counts.
	Blocked   time.Time `json:"blocked,omitzero"`
	Unblocked time.Time `json:"unblocked,omitzero"`
}

// pendingLife is how long a request can wait before the API server's cleaner removes it
// (pkg/controller/certificates/cleaner/cleaner.go).
const pendingLife = 24 * time.Hour

// key says where the private key is, as far as the record tells.
func (r Record) key() KeyPlace {
	switch {
	case r.Own:
		return KeyOwn
	case len(r.SealedTo) > 0:
		return KeySealed
	}
	return KeyHere
}

// Used reports whether the certificate is one that its user has, or may yet get.
func (r Record) Used() bool { return r.Refused == "" }

// IsBlocked reports whether the certificate is to be blocked at admission.
func (r Record) IsBlocked() bool { return r.Blocked.After(r.Unblocked) }

// Issued reports whether the certificate is known to exist.
func (r Record) Issued() bool { return !r.NotAfter.IsZero() }

// Until is when the certificate ends; for one of which it is not known whether it was issued, the latest possible.
func (r Record) Until() time.Time {
	if r.Issued() {
		return r.NotAfter
	}
	return r.Intended.Add(pendingLife + r.Duration)
}

// Live reports whether the certificate can still authenticate, or may yet be issued.
func (r Record) Live(now time.Time) bool { return now.Before(r.Until()) }

// clockMargin is how far the clock of an operator may be ahead without a record of a living certificate being lost for
// good.
const clockMargin = 24 * time.Hour

// Droppable reports whether the record may go: it has been dead for long, whatever the clock here says, and nobody can come again with
// its key.
func (r Record) Droppable(now time.Time) bool { return !r.Own && !r.Live(now.Add(-clockMargin)) }

// complete returns the record with what an issued certificate says.
func (r Record) complete(c *Certificate) Record {
	r.Serial, r.CredentialID, r.NotBefore, r.NotAfter = c.Serial, c.CredentialID, c.NotBefore, c.NotAfter
	return r
}

// completeFrom is complete for one that is not issued yet and whose certificate is there.
func (r Record) completeFrom(issued map[string]*Certificate) Record {
	if c := issued[r.KeyHash]; c != nil && c.User == r.User && !r.Issued() {
		return r.complete(c)
	}
	return r
}
