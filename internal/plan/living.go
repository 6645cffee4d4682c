package plan

import (
	"slices"
	"time"

	"provision/internal/chain"
)

// remaining returns until when a person's certificates live, and the groups that they carry, sorted: from the person's records,
// and from the certificates that show by themselves. The zero time: none lives after now.
func remaining(records []Record, seen []*Certificate, now time.Time) (until time.Time, groups []string) {
	add := func(t time.Time, g []string) {
		if t.After(now) {
			if t.After(until) {
				until = t
			}
			groups = append(groups, g...)
		}
	}
	for _, r := range records {
		add(r.Until(), r.Groups)
	}
	for _, c := range seen {
		add(c.NotAfter, c.Groups)
	}
	return until, sortedOnce(groups)
}

// certificatesIn finds, by user, the living certificates in the directory and those that requests of this operator still
// show.
func certificatesIn(observed Observed, records map[string][]Record, now time.Time) map[string][]*Certificate {
	by := requested(observed)
	for name := range observed.Files {
		by[name] = append(observed.livingFile(name, records[name], now), by[name]...)
	}
	return by
}

// livingFile is the certificate in a user's kubeconfig, where it lives and is believed: a list of one, or none.
func (o Observed) livingFile(name string, records []Record, now time.Time) []*Certificate {
	if c := o.Files[name].Certificate; c == nil || !c.NotAfter.After(now) {
		return nil
	}
	if c := o.believed(name, records, now); c != nil {
		return []*Certificate{c}
	}
	return nil
}

// requested are the certificates that requests of this operator still show, by user.
func requested(observed Observed) map[string][]*Certificate {
	by := map[string][]*Certificate{}
	for _, r := range observed.Requests {
		if c := r.ownCertificate(); c != nil {
			by[c.User] = append(by[c.User], c)
		}
	}
	return by
}

// ownCertificate is what was issued for a request that this operator sent, or nil. Other requests with our label are
// somebody's word only.
func (r Request) ownCertificate() *Certificate {
	if r.State != Issued || !r.Conforms {
		return nil
	}
	return r.Certificate
}

// believed returns the certificate in a user's kubeconfig if it tells what the user can do, or nil. records are the user's.
// Root may have given them the file, and then they can put any certificate into it. A certificate counts that is for the
// user, and that the ledger lists, to the last byte, or that a CA of the cluster has signed.
func (o Observed) believed(user string, records []Record, now time.Time) *Certificate {
	f := o.Files[user]
	c := f.Certificate
	if f.State != FileOurs || c == nil || c.User != user {
		return nil
	}
	listed := func(r Record) bool { return r.Issued() && r.KeyHash == c.KeyHash && r.CredentialID == c.CredentialID }
	if o.ClientCA == nil || slices.ContainsFunc(records, listed) || f.From(chain.NewRoots(o.ClientCA), now) {
		return c
	}
	return nil
}

// present says until when the certificate in a user's kubeconfig lives, and for which groups it is. If nothing there can
// be believed, it is what the user's records say together.
func (o Observed) present(user string, records []Record, now time.Time) (until time.Time, groups []string) {
	if c := o.believed(user, records, now); c != nil {
		return c.NotAfter, c.Groups
	}
	return remaining(records, nil, now)
}

// groupsHeld are the groups in the certificates that a user has and that live: those that the records list, and those
// that show by themselves.
func groupsHeld(records []Record, seen []*Certificate, now time.Time) []string {
	var groups []string
	for _, r := range records {
		if r.Issued() {
			groups = append(groups, r.Groups...)
		}
	}
	for _, c := range seen {
		if c.NotAfter.After(now) {
			groups = append(groups, c.Groups...)
		}
	}
	return sortedOnce(groups)
}

// GroupsHeld are, for each user of the file, the groups that a certificate has which lives, or which the file wants. Now is
// by the clock of this machine.
func GroupsHeld(desired Desired, observed Observed, now time.Time) map[string][]string {
	at := observed.at(now)
	living := byUser(live(observed.Ledger, at.lives))
	seen := certificatesIn(observed, living, at.lives)
	held := map[string][]string{}
	for _, u := range desired.Users {
		name := u.Certificate.User
		held[name] = sortedOnce(slices.Concat(u.Certificate.Groups, groupsHeld(living[name], seen[name], at.lives)))
	}
	return held
}

// live leaves out what has expired.
func live(records []Record, now time.Time) []Record {
	return slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return !r.Live(now) })
}

// byUser groups records.
func byUser(records []Record) map[string][]Record {
	m := map[string][]Record{}
	for _, r := range records {
		m[r.User] = append(m[r.User], r)
	}
	return m
}

// issuedOnly leaves out the records of which it is not known whether a certificate came of them.
func issuedOnly(records []Record) []Record {
	return slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return !r.Issued() })
}

// resent reports whether one of a user's records is of a key whose request was sent more than once.
func resent(records []Record, keyHash string) bool {
	return slices.ContainsFunc(records, func(r Record) bool { return r.KeyHash == keyHash && r.Resent })
}

// elsewhere finds a living certificate that is as the file wants it and whose kubeconfig is not here: another
// operator's, or one that was lost.
func (d decision) elsewhere(u User) *Record {
	want := u.Certificate
	if r := d.ownRecord(u); r != nil && !r.Issued() {
		return nil // it is under way
	}
	var found *Record
	for _, r := range d.records[want.User] {
		if !r.Issued() || !r.Used() || !r.Live(d.now) || !r.Removed.IsZero() || !Fit(d.members, r.Groups, want.Groups) ||
			u.Request != nil && r.KeyHash != want.KeyHash || otherHolder(Certificate{Key: r.key(), SealedTo: r.SealedTo}, want) != nil {
			continue
		}
		if found == nil || r.NotAfter.After(found.NotAfter) {
			found = &r
		}
	}
	return found
}

// reused says until when a name is taken by somebody who left, or the zero time. Once the name was given again, which
// reuse: true allowed, it is its new holder's.
func reused(records []Record, now time.Time) time.Time {
	var until time.Time
	for _, r := range records {
		switch {
		case !r.Live(now):
		case r.Removed.IsZero():
			return time.Time{}
		case r.Until().After(until):
			until = r.Until()
		}
	}
	return until
}

// Knows reports whether anything of the set bears a name: the file, a certificate, a grant, a kubeconfig, a pending key.
func Knows(desired Desired, observed Observed, name string) bool {
	_, file := observed.Files[name]
	_, key := observed.Keys[name]
	return file || key ||
		slices.ContainsFunc(desired.Users, func(u User) bool { return u.Certificate.User == name }) ||
		slices.ContainsFunc(observed.Ledger, func(r Record) bool { return r.User == name }) ||
		slices.ContainsFunc(observed.Requests, func(r Request) bool { c := r.ownCertificate(); return c != nil && c.User == name }) ||
		slices.ContainsFunc(slices.Concat(observed.Bindings, observed.Unlabelled), func(b Binding) bool {
			return slices.ContainsFunc(b.Subjects, func(s Subject) bool { _, ok := standsFor(desired.Set, name, s); return ok })
		})
}
