package plan

import "slices"

// resume turns the certificate's change into a Resume where a key of ours is in the journal and the cluster has the
// request that it made, unchanged and still useful. Only the key decides; names decide nothing. A certificate that
// could be kept is replaced too: somebody asked for a new one, and that run was interrupted.
func (d decision) resume(c *UserChange, u User) {
	key, ok := d.observed.Keys[c.Name]
	if u.Request != nil {
		key, ok = d.ownPending(u)
	}
	if !ok {
		return
	}
	have := d.observed.Files[c.Name].Certificate
	if have != nil && have.KeyHash == key.KeyHash && d.observed.Files[c.Name].KeyMatches {
		return // the run ended between writing the kubeconfig and dropping the key: nothing new would come of it
	}
	keep := c.Certificate.Op == Keep
	because := func(reason Reason) {
		if !keep {
			c.Certificate.Reasons = append(c.Certificate.Reasons, reason)
		}
	}
	note := func(code ReasonCode, to string) { because(Reason{Code: code, To: to, Own: u.Request != nil}) }
	again := func() {
		if r := d.sendAgain(key, u.Certificate); !keep && r != nil {
			want := u.Certificate.asked(r.Duration)
			if u.Request == nil { // what the user has signed stays as it is
				want = want.carrying(r.Groups)
			}
			c.Certificate.After = want
			c.Request = &RequestRef{Name: key.Request, Resent: true}
		}
	}
	r, ok := d.requests[key.KeyHash]
	if !ok {
		for _, other := range d.observed.Requests {
			if other.Name == key.Request { // not ours: it is left alone, and a new key gives a new name
				note(RequestSwapped, key.Request)
				if u.Request != nil { // no new key will come: theirs is sent, once that one is gone
					again()
				}
				return
			}
		}
		note(RequestGone, key.Request)
		again()
		return
	}
	switch {
	case r.State == Denied:
		note(RequestDenied, r.Message)
		return
	case r.State == Failed:
		note(RequestFailed, r.Message)
		return
	case r.State == Issued && r.Certificate == nil:
		note(RequestMisissued, r.Name)
		return
	}
	if r.OfOther { // and nothing else is amiss, as far as was looked
		because(Reason{Code: RequestOfOther, From: r.Sender, To: r.Name})
		if u.Request != nil {
			again()
		}
		return
	}
	want := u.Certificate
	if !r.Conforms || !key.fits(want) || r.User != want.User || !Fit(d.members, r.Groups, want.Groups) || !d.inTime(r, want) {
		note(Superseded, r.Name) // ours, but the file has changed since: ask anew
		return
	}
	if r.Certificate != nil && (renewDue(r.Certificate, u.RenewBefore, d.now) || keep && !r.Certificate.NotAfter.After(have.NotAfter)) {
		return // it was issued too long ago to be of use
	}
	if keep {
		*c = certificateReplaced(u, d.observed.Files[c.Name], Change[Certificate]{Op: Resume, Before: have})
		keep = false
	}
	note(map[RequestState]ReasonCode{Pending: RequestPending, Approved: RequestApproved, Issued: RequestIssued}[r.State], r.Name)
	c.Certificate.Op = Resume
	c.Certificate.After = want.carrying(r.Groups).asked(r.Duration)
	c.Request = &RequestRef{Name: r.Name, UID: r.UID, Resent: resent(d.records[c.Name], r.KeyHash)}
}

// sendAgain returns the record of the request of a key in the journal, which the cluster does not have, if that can be sent again
// for what is wanted now, and nil if not. The ledger lists it already, and would list one more for a new key: nobody knows whether the first was
// ever accepted. If it was, and a certificate came of it, that is for the same key and the same subject, and ends before
// the one that comes now: the one record covers both, and says Resent, so that it stays even if none comes now.
func (d decision) sendAgain(key Key, want Certificate) *Record {
	i := slices.IndexFunc(d.records[want.User], func(r Record) bool {
		return r.KeyHash == key.KeyHash && r.Request == key.Request && !r.Issued() && r.Removed.IsZero() &&
			Fit(d.members, r.Groups, want.Groups) && want.allows(r.Duration, d.now)
	})
	if i < 0 || !key.fits(want) {
		return nil
	}
	return &d.records[want.User][i]
}
