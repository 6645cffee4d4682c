package plan

import (
	"crypto/x509"
	"slices"
	"time"

	"provision/internal/chain"
)

// Stolen is a certificate that is to lose at once what sets grant to it, while its owner stays.
type Stolen struct {
	CredentialID string // as audit logs show it
	// Where its file is at hand, what that says.
	Certificate *Certificate
	Leaf        *x509.Certificate
	Further     []*x509.Certificate // the rest of its chain
}

// Foreign reports whether the certificate is known to be from no CA of the cluster.
func (s Stolen) Foreign(observed Observed, now time.Time) bool {
	roots := chain.NewRoots(observed.ClientCA)
	return s.Leaf != nil && roots.Known() && roots.Verify(s.Leaf, s.Further, now) != nil
}

// In finds the certificate in a set: nil where the set has nothing of it. A file counts that a CA of the cluster has signed or, where
// these are not known, that the ledger lists, and that is for a user of the set. Now is by the clock of this machine.
func (s Stolen) In(desired Desired, observed Observed, now time.Time) *Certificate {
	if c := s.Certificate; c != nil && observed.ClientCA != nil && !s.Foreign(observed, observed.at(now).now) &&
		(GenerationOf(desired.Set, *c) > 0 || Knows(desired, observed, c.User)) {
		return c
	}
	for _, r := range observed.Ledger {
		if r.CredentialID == s.CredentialID && r.Issued() {
			return &Certificate{User: r.User, Groups: r.Groups, KeyHash: r.KeyHash, CredentialID: r.CredentialID, Serial: r.Serial, NotBefore: r.NotBefore, NotAfter: r.NotAfter}
		}
	}
	for name, f := range observed.Files {
		if c := f.Certificate; c != nil && c.CredentialID == s.CredentialID && observed.believed(name, nil, observed.at(now).now) != nil {
			return c
		}
	}
	return nil
}

// GenerationOf is the generation of a set in a certificate, or 0.
func GenerationOf(set string, c Certificate) int { return generationIn(set, c.User, c.Groups) }

// RevokeCertificate plans to take what the set grants from a certificate, whatever the users file says: its generation leaves the
// bindings or, if it has none, the name of its user does, and with that every kubeconfig of theirs without one; so do its groups, of
// which the members are bound instead: see endGroups. The ledger notes
// it, so that the next plan does not bind that generation again. The kubeconfig stays where it is: the owner gets another with the next
// generation. A ledger that was lost or damaged does not stand in the way.
func RevokeCertificate(desired Desired, observed Observed, s Stolen, now time.Time) Plan {
	at := observed.at(now)
	p := Plan{Set: desired.Set, Digest: desired.Digest, Ledger: Ledger{Namespace: desired.LedgerNamespace, CreateNamespace: !observed.LedgerNamespace}}
	p.Warnings = slices.Concat(ClockWarnings(observed), damages(observed.LedgerProblems), awayWarnings(desired, observed, at))
	c := s.In(desired, observed, now)
	if c == nil {
		return p
	}
	generation := GenerationOf(desired.Set, *c)
	p.endGroups(desired, observed, map[string]carried{c.User: {c.NotAfter, c.Groups}}, at)
	p.withdraw(desired, observed, func(of Subject) bool {
		n, ok := standsFor(desired.Set, c.User, of)
		return ok && (n == generation || n == 0)
	})
	known := map[string]bool{}
	issued, proofs := issuedByKey(desired.Set, observed, at.now), proofsIn(desired.Set, observed, at.now)
	same := func(r Record) bool {
		return r.User == c.User && generationIn(desired.Set, r.User, r.Groups) == generation && r.Revoked.IsZero() && r.Live(at.lives)
	}
	var records []Record
	note := func(op Op, before *Record, after Record, code ReasonCode) {
		after.Revoked = at.now.UTC().Truncate(time.Second)
		records[len(records)-1] = after
		p.Ledger.Records = append(p.Ledger.Records, Change[Record]{Op: op, Before: before, After: &after, Reasons: []Reason{{Code: code}}})
	}
	for _, before := range observed.Ledger {
		known[before.KeyHash] = true
		after, _ := proofs[before.KeyHash].mend(before.completeFrom(issued), at)
		if records = append(records, after); same(after) {
			note(Update, &before, after, RevokedNow)
		}
	}
	lost := unrecorded(desired, observed, known, func(string) bool { return false }, at) // which notes in known what it finds
	if !known[c.KeyHash] {
		lost = append(lost, Record{User: c.User, Groups: c.Groups, KeyHash: c.KeyHash, Own: desired.KeysWanted()[c.KeyHash], Intended: c.NotBefore}.complete(c))
	}
	for _, r := range lost {
		if records = append(records, r); same(r) {
			note(Create, nil, r, NotRecorded)
		}
	}
	p.blockOne(desired, observed, *c, records, at)
	p.noteBlocked(observed, func(r Record) bool { return r.KeyHash == c.KeyHash }, records, at)
	slices.SortFunc(p.Ledger.Records, compareRecordChanges)
	return p
}
