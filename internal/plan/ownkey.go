package plan

import (
	"slices"
	"strings"
	"time"
)

// Somebody who makes their own key sends a request, and the set asks for the certificate with that. A request can be used once: whoever
// had a key may have it still, so no key comes twice, and every new certificate takes a new request. The ledger therefore keeps the
// records of such keys for good.

// KeyHolder is somebody for whom a set has used a key.
type KeyHolder struct {
	Set  string
	User string
}

// KeysWanted are the keys of the users' own requests, by hash.
func (d Desired) KeysWanted() map[string]bool {
	keys := map[string]bool{}
	for _, u := range d.Users {
		if u.Request != nil {
			keys[u.Certificate.KeyHash] = true
		}
	}
	return keys
}

// KeysUsed are those of some keys that ledgers list, with whom for.
func KeysUsed(ledgers []SetLedger, keys map[string]bool) map[string][]KeyHolder {
	used := map[string][]KeyHolder{}
	for _, l := range ledgers {
		for _, r := range l.Records {
			if keys[r.KeyHash] {
				used[r.KeyHash] = append(used[r.KeyHash], KeyHolder{l.Set, r.User})
			}
		}
	}
	return used
}

// NewRequest is why a user has to make a new request: the key of the one that the file has was used, and nothing is issued until then.
type NewRequest struct {
	Since   time.Time `json:"since,omitzero"` // zero: from now on
	Until   time.Time `json:"until,omitzero"` // when the certificate ends that they have; zero: they have none that is of use
	Reasons []Reason  `json:"reasons"`
	Groups  []string  `json:"groups,omitempty"` // that it has to be for, without that of the generation
}

// keyUsed says why the key of a user's own request cannot be used for them, or nil. That the certificate which they have now is for
// that key is no reason, nor that it is under way, nor that they had it in the set that they come from.
func (d decision) keyUsed(u User, file File) *Problem {
	if u.Request == nil {
		return nil
	}
	name, key := u.Certificate.User, u.Certificate.KeyHash
	used := func(by KeyHolder, since time.Time) *Problem {
		return &Problem{Code: KeyUsed, Pos: u.Request.Pos, User: name, Name: by.User, Detail: by.Set, Since: since, Items: withoutGenerations(u.Certificate.Groups), Generation: u.Generation}
	}
	if key == d.observed.OperatorKey {
		return used(KeyHolder{}, time.Time{})
	}
	mine := d.ownRecord(u)
	for _, by := range d.observed.KeysElsewhere[key] {
		came := mine != nil || file.State == FileMoving && file.Owner == by.Set
		if by.User != name || !came {
			return used(by, time.Time{})
		}
	}
	for _, r := range d.used[key] {
		switch {
		case mine == nil || r.User != name, !r.Own, !r.Used(), !r.Removed.IsZero(), !r.Revoked.IsZero():
			return used(KeyHolder{User: r.User}, r.Intended)
		case slices.ContainsFunc(d.own[name], func(later Record) bool {
			return later.Used() && later.KeyHash != key && later.Intended.After(r.Intended)
		}):
			return used(KeyHolder{User: r.User}, r.Intended)
		}
	}
	return nil
}

// ownRecord is the ledger's record of the key of a user's own request, or nil.
func (d decision) ownRecord(u User) *Record {
	if u.Request == nil {
		return nil
	}
	for _, r := range d.used[u.Certificate.KeyHash] {
		if r.User == u.Certificate.User {
			return &r
		}
	}
	return nil
}

// onWay reports whether the certificate of a record is for a key that its user made, and is not in their kubeconfig here. No journal has such a
// key, so that the ledger does not say what was issued is all that tells of a kubeconfig which is still to be written: whoever writes it
// says so then. A user whose kubeconfig never was written would otherwise count as one who has taken it away.
func (r Record) onWay(file File) bool {
	return r.Own && (file.Certificate == nil || file.Certificate.KeyHash != r.KeyHash)
}

// ownPending is the key of a user's own request that is under way, as the journal would have it: the ledger says so.
func (d decision) ownPending(u User) (Key, bool) {
	r := d.ownRecord(u)
	if r == nil {
		q, there := d.requests[u.Certificate.KeyHash]
		return Key{KeyHash: q.KeyHash, KeyAlgorithm: u.Certificate.KeyAlgorithm, Request: q.Name, Place: KeyOwn}, there && (q.State == Denied || q.State == Failed)
	}
	if !r.Used() {
		return Key{}, false
	}
	if _, there := d.requests[r.KeyHash]; r.Issued() && !there { // Kubernetes has forgotten it
		return Key{}, false
	}
	return Key{KeyHash: r.KeyHash, KeyAlgorithm: u.Certificate.KeyAlgorithm, Request: r.Request, Place: KeyOwn}, true
}

// keysOf are the ledger's records of the keys of users' own requests, by key, and of all keys that users made, by user, whether they live
// or not. They are as the ledger has them: where it does not know yet of a certificate, the run that asked for it may have ended before
// that was in a kubeconfig. But whose key is their own, changes to it know better, and what it has lost. Where anybody may have written
// the records they are doubted, and stop nobody: see movedLedger.
func keysOf(desired Desired, observed Observed, changes []Change[Record]) (used, own map[string][]Record) {
	used, own = map[string][]Record{}, map[string][]Record{}
	keys := desired.KeysWanted()
	mended := map[string]string{} // whose key it is
	note := func(list []Record) {
		for _, r := range list {
			r.Own = r.Own || mended[r.KeyHash] == r.User
			if keys[r.KeyHash] {
				used[r.KeyHash] = append(used[r.KeyHash], r)
			}
			if r.Own {
				own[r.User] = append(own[r.User], r)
			}
		}
	}
	for _, c := range changes {
		switch {
		case c.After == nil || !c.After.Own:
		case c.Op == Create:
			note([]Record{*c.After})
		default:
			mended[c.After.KeyHash] = c.After.User
		}
	}
	note(observed.Ledger)
	for _, e := range observed.LedgersElsewhere {
		if e.Ours {
			note(e.Records)
		}
	}
	for _, records := range used {
		slices.SortFunc(records, compareRecords)
	}
	return used, own
}

// renewed turns the change of a user who would get another certificate with their own request, whose key was used, into the wish for a
// new request. All else that their kubeconfig needs is done. The problem is nil while the certificate that they have will do.
func (d decision) renewed(c *UserChange, u User, file File) *Problem {
	if u.Request == nil || c.Certificate.Op == Keep || c.Certificate.Op == Resume {
		return nil
	}
	has := c.Certificate.Before != nil && c.Certificate.Before.KeyHash == u.Certificate.KeyHash
	if r := d.ownRecord(u); !has && (r == nil || !r.Issued()) && !undecided(c.Certificate.Reasons) {
		return nil
	}
	op, reasons, have := c.Certificate.Op, c.Certificate.Reasons, c.Certificate.Before
	*c = UserChange{Name: c.Name, Pos: c.Pos, Certificate: Change[Certificate]{Op: Keep, Before: have, After: have}, Kubeconfig: Change[Kubeconfig]{Op: Keep}}
	if file.State == FileOurs && have != nil {
		c.Kubeconfig = kubeconfigChange(file, u.Kubeconfig)
	}
	c.NewRequest = &NewRequest{Reasons: reasons, Groups: withoutGenerations(u.Certificate.Groups)}
	switch {
	case op == Renew:
		c.NewRequest.Since, c.NewRequest.Until = renewFrom(have, u.RenewBefore), have.NotAfter
		return nil
	case have != nil && !d.now.Before(have.NotAfter):
		c.NewRequest.Since = have.NotAfter
	case have != nil:
		c.NewRequest.Until = have.NotAfter
	}
	return &Problem{
		Code: NewRequestMissing, Pos: u.Request.Pos, User: c.Name, Since: c.NewRequest.Since, Reasons: reasons,
		Items: c.NewRequest.Groups, Generation: u.Generation,
	}
}

// undecided reports whether among the reasons for a new certificate is one why the request of a user's own key comes to nothing, although
// the ledger has no certificate of it. That somebody else's request stands in its place is none: once that is deleted, theirs is sent.
func undecided(reasons []Reason) bool {
	return slices.ContainsFunc(reasons, func(r Reason) bool {
		switch r.Code {
		case RequestDenied, RequestFailed, RequestMisissued:
			return true
		}
		return false
	})
}

// due says of a user whose certificate is due and not here that they have to make a new request, or nothing.
func (u User) due(r Record) *NewRequest {
	if u.Request == nil {
		return nil
	}
	have := &Certificate{NotBefore: r.NotBefore, NotAfter: r.NotAfter}
	return &NewRequest{Since: renewFrom(have, u.RenewBefore), Until: r.NotAfter, Groups: withoutGenerations(u.Certificate.Groups), Reasons: []Reason{{Code: ElsewhereDue, At: r.NotAfter, To: u.RenewBefore.String()}}}
}

// ownSuperseded are the requests for users' own keys that wait for approval or for the signer and that serve nobody any more.
func (d decision) ownSuperseded(users []UserChange) []Change[Request] {
	serve := map[string]bool{}
	for _, u := range users {
		if u.Request != nil && u.Request.UID != "" { // one that is sent again is not there
			serve[u.Request.Name] = true
		}
	}
	var list []Change[Request]
	for _, records := range d.own {
		for _, r := range records {
			q, ok := d.requests[r.KeyHash]
			if !ok || serve[q.Name] || q.State != Pending && q.State != Approved {
				continue
			}
			q.Resent = r.Resent
			reason := Reason{Code: Superseded}
			if q.OfOther {
				reason = Reason{Code: RequestOfOther, From: q.Sender, To: q.Name}
			}
			list = append(list, Change[Request]{Op: Delete, Before: &q, Reasons: []Reason{reason}})
		}
	}
	slices.SortFunc(list, func(a, b Change[Request]) int { return strings.Compare(a.Before.Name, b.Before.Name) })
	return list
}

// ownKeys tell for which keys certificates are issued that were not made here: whoever approves a plan can compare them with what the
// users say.
func (s scene) ownKeys() []Warning {
	var list []Warning
	for _, u := range s.stay {
		after := u.Certificate.After
		if u.Certificate.Op == Keep || after == nil || after.Key != KeyOwn {
			continue
		}
		w := Warning{Code: OwnKey, User: u.Name, Name: after.KeyHash}
		if before := u.Certificate.Before; before != nil {
			w.To = before.KeyHash
		}
		list = append(list, w)
	}
	return list
}

// newRequests ask for the requests of users whose certificates are due.
func newRequests(set string, users []UserChange, all bool) []Warning {
	var list []Warning
	for _, u := range users {
		if n := u.NewRequest; n != nil && (all || !n.Since.IsZero() && !n.Until.IsZero()) {
			list = append(list, Warning{Code: NewRequestDue, User: u.Name, Name: set, Since: n.Since, Until: n.Until, Items: n.Groups, Generation: u.Generation, Reasons: n.Reasons})
		}
	}
	return list
}
