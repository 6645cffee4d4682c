package plan

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// Key is a private key in the journal: the public half of what the journal knows.
type Key struct {
	KeyHash      string
	KeyAlgorithm usersfile.KeyAlgorithm
	Request      string // the name of the CertificateSigningRequest it was made for
	Place        KeyPlace
	SealedTo     []recipient.Recipient // who can open it, where it is sealed
}

// fits reports whether the key is of use for a certificate that is wanted: of its kind, and in the hands that are to have it.
func (k Key) fits(want Certificate) bool {
	return k.KeyAlgorithm == want.KeyAlgorithm && otherHolder(Certificate{Key: k.Place, SealedTo: k.SealedTo}, want) == nil
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
	// Sender is who sent it, as the API server calls them.
	Sender string
	// Resent is whether the ledger says that it was sent more than once: then a certificate may live that nobody saw. Only
	// of one that a plan deletes.
	Resent bool
	// OfOther is whether it is only the requesting user that does not conform: perhaps another operator of the set.
	OfOther bool
}

// requestsByKey finds the requests that are as an operator of the set would have sent them, under the name that their
// key gives them. A PKCS#10 request is no secret: a copy of it under another name, or for another signer, is nobody's.
func requestsByKey(set string, observed Observed) map[string]Request {
	m := map[string]Request{}
	for _, r := range observed.Requests {
		if (r.Conforms || r.OfOther) && r.named(set) {
			m[r.KeyHash] = r
		}
	}
	return m
}

// superseded lists the requests whose key is in our journal and which serve nobody any more, so that they are not
// issued behind our back. Those that were decided stay: they are history.
func (d decision) superseded(users []UserChange) []Change[Request] {
	var list []Change[Request]
	for _, u := range users {
		key, ok := d.observed.Keys[u.Name]
		r, found := d.requests[key.KeyHash]
		if !ok || u.Request != nil && (u.Own == nil || u.Request.Name == r.Name) {
			continue
		}
		if found && (r.State == Pending || r.State == Approved) {
			r.Resent = resent(d.records[u.Name], r.KeyHash)
			reason := Reason{Code: Superseded}
			if r.OfOther {
				reason = Reason{Code: RequestOfOther, From: r.Sender, To: r.Name}
			}
			list = append(list, Change[Request]{Op: Delete, Before: &r, Reasons: []Reason{reason}})
		}
	}
	return list
}
