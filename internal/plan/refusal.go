package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// SetBlock is what the policy of one set blocks.
type SetBlock struct {
	Set string
	Block
}

// Refusal is which certificates an API server is to refuse altogether, whatever is done with them. Nobody takes a mistake in it back
// with the certificate that is refused, so it has only what somebody has blocked by name and by fingerprint. All its lists are sorted.
type Refusal struct {
	Certificates []BlockedCertificate // each once, whatever sets have it

	// Blocked too, and left out:
	Own       []BlockedCertificate // the operator's, or maybe theirs
	NameTaken []BlockedCertificate // by name alone, and somebody has the name, or may have it
	Unnamed   []BlockedCertificate // only a ledger said that it is blocked
	Altered   []string             // sets whose policy somebody has altered: what can be read of it is here

	// Free are people with a certificate that they were to lose, by what the ledgers say, and that nobody has blocked.
	Free []Holder
}

// Partial reports whether anything is left out that is blocked.
func (r Refusal) Partial() bool { return len(r.Own)+len(r.NameTaken)+len(r.Unnamed)+len(r.Altered) > 0 }

// Last is the first day on which all certificates have ended; zero: there is none.
func (r Refusal) Last() time.Time {
	var last time.Time
	for _, c := range r.Certificates {
		last = later(last, c.Until)
	}
	return last
}

// Refuse decides what of the sets' blocks an API server is to refuse altogether. Own is the certificate of the operator. Lives is
// the moment that certificates are to outlive; where not all ledgers are known, no name is refused as such.
func Refuse(blocks []SetBlock, ledgers []SetLedger, known bool, own BlockedCertificate, lives time.Time) Refusal {
	var r Refusal
	var all []BlockedCertificate
	for _, b := range blocks {
		all = append(all, b.Certificates...)
		if b.Altered {
			r.Altered = append(r.Altered, b.Set)
		}
	}
	slices.Sort(r.Altered)
	taken := Claimed(ledgers, lives)
	for _, c := range merged(all) {
		list := &r.Certificates
		switch {
		case !lives.Before(c.Until):
			continue
		case own.is(c):
			list = &r.Own
		case c.Restored:
			list = &r.Unnamed
		case c.Fingerprint == "" && (!known || taken[c.User] != "" || ofKubernetes(c.User)):
			list = &r.NameTaken
		}
		*list = append(*list, c)
	}
	r.Free = free(all, ledgers, lives)
	return r
}

// is reports whether a blocked certificate is this one, or may be, as it is blocked by a name.
func (c BlockedCertificate) is(blocked BlockedCertificate) bool {
	return c.Fingerprint != "" && (blocked.Fingerprint == c.Fingerprint || blocked.Fingerprint == "" && blocked.User == c.User)
}

// merged has each certificate once, sorted, until the latest of its ends. It is restored if no set has had it named.
func merged(all []BlockedCertificate) []BlockedCertificate {
	sorted := slices.SortedStableFunc(slices.Values(all), func(x, y BlockedCertificate) int {
		return cmp.Or(strings.Compare(x.User, y.User), strings.Compare(x.Fingerprint, y.Fingerprint))
	})
	var list []BlockedCertificate
	for _, c := range sorted {
		if n := len(list); n > 0 && list[n-1].same(c) {
			list[n-1].Until = later(list[n-1].Until, c.Until)
			list[n-1].Restored = list[n-1].Restored && c.Restored
			continue
		}
		list = append(list, c)
	}
	return list
}

// free are those with a living certificate who left, or whose generation was taken back, or of whom a ledger says that they are
// blocked, and whom nothing of what is blocked covers. Those whom somebody has unblocked are not among them.
func free(blocked []BlockedCertificate, ledgers []SetLedger, lives time.Time) []Holder {
	covered := map[BlockedCertificate]bool{} // by name and fingerprint alone
	for _, c := range blocked {
		covered[BlockedCertificate{User: c.User, Fingerprint: c.Fingerprint}] = true
	}
	var list []Holder
	for _, l := range ledgers {
		for _, r := range live(l.Records, lives) {
			fingerprint, _ := Fingerprint(r.CredentialID)
			lost := !r.Removed.IsZero() || !r.Revoked.IsZero()
			switch {
			case !r.IsBlocked() && (!lost || !r.Unblocked.IsZero()),
				covered[BlockedCertificate{User: r.User, Fingerprint: fingerprint}],
				covered[BlockedCertificate{User: r.User}]:
				continue
			}
			list = append(list, Holder{r.User, l.Set})
		}
	}
	slices.SortFunc(list, compareHolders)
	return slices.Compact(list)
}
