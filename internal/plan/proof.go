package plan

import (
	"reflect"
	"slices"
	"time"
)

// proof is what shows by itself of the certificate of one key: in a kubeconfig, which a CA of the cluster has signed, and in the
// request that this operator sent for it.
type proof struct {
	file    *Certificate
	request *Request
}

// proofsIn finds the proofs of a set by key.
func proofsIn(set string, observed Observed, now time.Time) map[string]proof {
	m := map[string]proof{}
	for name, f := range observed.Files {
		if f.Certificate == nil {
			continue
		}
		if c := observed.believed(name, nil, now); c != nil {
			m[c.KeyHash] = proof{file: c}
		}
	}
	for key, r := range requestsByKey(set, observed) {
		if r.Conforms {
			p := m[key]
			p.request = &r
			m[key] = p
		}
	}
	return m
}

// mend returns a record as the proof of its key has it, and whether the record says another thing: somebody has edited it. Nothing
// proves who applied, and when somebody left.
func (p proof) mend(r Record, at moment) (right Record, edited bool) {
	right = r
	if q := p.request; q != nil {
		right.User = q.User
		switch {
		case r.Used():
			right.Groups = q.Groups
		case q.Certificate != nil: // which may have others than were asked for
			right.Groups = q.Certificate.Groups
		}
		if r.Request != "" {
			right.Request = q.Name
		}
		if !r.Issued() {
			right.Duration = q.Duration
			if (q.State == Pending || q.State == Approved) && !right.Live(at.lives) {
				right.Intended = at.now.UTC().Truncate(time.Second) // it waits, so that it cannot be that old
			}
		}
		if q.State == Issued && q.Certificate != nil {
			right = right.corrected(q.Certificate)
		}
	}
	if c := p.file; c != nil {
		right.User, right.Groups = c.User, c.Groups
		right = right.corrected(c)
	}
	if slices.Equal(right.Groups, r.Groups) {
		right.Groups = r.Groups // none may be nil, or not
	}
	if right.User != r.User {
		right.Removed, right.Revoked = time.Time{}, time.Time{} // that was another
	}
	return right, !reflect.DeepEqual(right, r)
}

// owns reports whether a record does not say that the user made the key, although their kubeconfig does: an older program has written it.
// A tool may have dropped a sealed key from the kubeconfig; the record tells of that.
func (p proof) owns(r Record) bool {
	return p.file != nil && p.file.Key == KeyOwn && p.file.User == r.User && !r.Own && len(r.SealedTo) == 0
}

// corrected is an issued record with what its certificate says. Of a request that was sent twice the later of two certificates
// counts.
func (r Record) corrected(c *Certificate) Record {
	if !r.Issued() || r.Resent && !c.NotAfter.After(r.NotAfter) ||
		r.Serial == c.Serial && r.CredentialID == c.CredentialID && r.NotBefore.Equal(c.NotBefore) && r.NotAfter.Equal(c.NotAfter) {
		return r
	}
	return r.complete(c)
}

// issuedByKey finds the certificates of a set, in requests and, for records that are still to be completed, in
// kubeconfigs.
func issuedByKey(set string, observed Observed, now time.Time) map[string]*Certificate {
	issued := map[string]*Certificate{}
	for key, r := range requestsByKey(set, observed) {
		if r.State == Issued && r.Certificate != nil {
			issued[key] = r.Certificate
		}
	}
	open := map[string]bool{}
	for _, r := range observed.Ledger {
		open[r.KeyHash] = !r.Issued()
	}
	for name, f := range observed.Files {
		if f.Certificate == nil || !open[f.Certificate.KeyHash] {
			continue
		}
		if c := observed.believed(name, nil, now); c != nil {
			issued[c.KeyHash] = c
		}
	}
	return issued
}
