package plan

import (
	"slices"
	"time"

	"provision/internal/recipient"
)

// otherHolder says how those who have the private key of a certificate differ from those who are to have it, or nil.
func otherHolder(have, want Certificate) *Reason {
	switch {
	case have.Key != want.Key:
		return &Reason{
			Code: KeyMoved, From: string(have.Key), To: string(want.Key),
			Added: recipientTexts(want.SealedTo), Removed: recipientTexts(have.SealedTo),
		}
	case !recipient.Same(have.SealedTo, want.SealedTo):
		added, removed := recipient.Difference(have.SealedTo, want.SealedTo)
		return &Reason{Code: RecipientsChanged, Added: recipientTexts(added), Removed: recipientTexts(removed)}
	}
	return nil
}

// otherHolders finds the users whose new private key is for other people than the one before: whoever changes a users file may mean
// to have somebody else's certificate. The earlier key is told of by the kubeconfig or, where that is not here, by the ledger.
func (s scene) otherHolders() []Warning {
	var list []Warning
	for _, u := range s.stay {
		if u.Certificate.Op == Keep || u.Certificate.After == nil {
			continue
		}
		had, until, known := s.holders(u)
		if !known || otherHolder(had, *u.Certificate.After) == nil {
			continue
		}
		want := *u.Certificate.After
		if want.Key == KeyOwn && had.Key != KeySealed { // ownKeys tells of these
			continue
		}
		list = append(list, Warning{
			Code: KeyChangesHands, User: u.Name, Until: until, Name: string(had.Key), To: string(want.Key),
			Left: recipientTexts(had.SealedTo), Items: recipientTexts(want.SealedTo),
		})
	}
	return list
}

// escrowed tells to whom new private keys are sealed beside their owners, and whose these are.
func (s scene) escrowed() []Warning {
	if len(s.desired.Escrow) == 0 {
		return nil
	}
	var users []string
	for _, u := range s.stay {
		if after := u.Certificate.After; u.Certificate.Op != Keep && after != nil && after.Key == KeySealed {
			users = append(users, u.Name)
		}
	}
	if len(users) == 0 {
		return nil
	}
	return []Warning{{Code: Escrowed, Items: users, Left: recipientTexts(s.desired.Escrow)}}
}

// holders says where the private key of a user is who gets a new one, and for whom: only Key and SealedTo are set. Until is how
// long somebody can log in with it; zero: nobody can. Known is false where nothing tells of an earlier key.
func (s scene) holders(u UserChange) (had Certificate, until time.Time, known bool) {
	if c := u.Certificate.Before; c != nil && s.observed.Files[u.Name].KeyMatches {
		if until, _ = s.observed.present(u.Name, s.living[u.Name], s.lives); !until.After(s.lives) {
			until = time.Time{}
		}
		for _, r := range s.living[u.Name] {
			if r.KeyHash == c.KeyHash && r.key() == KeySealed { // a tool may have dropped the sealed key from the kubeconfig
				return Certificate{Key: KeySealed, SealedTo: r.SealedTo}, until, true
			}
		}
		return *c, until, true
	}
	if f := s.observed.Files[u.Name]; f.State == FileMoving && f.Given != nil {
		if f.Given.NotAfter.After(s.lives) {
			until = f.Given.NotAfter
		}
		return *f.Given, until, true
	}
	records := slices.DeleteFunc(slices.Clone(s.living[u.Name]), func(r Record) bool { return !r.Used() || !r.Removed.IsZero() })
	if len(records) == 0 {
		return Certificate{}, time.Time{}, false
	}
	last := slices.MaxFunc(records, func(a, b Record) int { return a.Intended.Compare(b.Intended) })
	if last.Issued() {
		until = last.NotAfter
	}
	return Certificate{Key: last.key(), SealedTo: last.SealedTo}, until, true
}

// recipientTexts are recipients as a person compares them.
func recipientTexts(list []recipient.Recipient) []string {
	var all []string
	for _, r := range list {
		all = append(all, r.String())
	}
	return all
}

// public are recipients without their keys.
func public(list []recipient.Recipient) []recipient.Recipient {
	var all []recipient.Recipient
	for _, r := range list {
		all = append(all, r.Public())
	}
	return all
}
