package plan

import (
	"cmp"
	"crypto/x509"
	"maps"
	"slices"
	"time"

	"provision/internal/usersfile"
)

// backdate is how far before its issue a certificate begins
// (pkg/controller/certificates/authority/policies.go:PermissiveSigningPolicy).
const backdate = 5 * time.Minute

// shortTolerance covers that the signer takes the backdate off a long life.
const shortTolerance = backdate + time.Minute

// issuedLife is how long a certificate lived at the moment of its issue. The signer may have given less than was
// asked, so this, and not the file, is what renewal goes by: otherwise it would never end.
func issuedLife(c *Certificate) time.Duration {
	return c.NotAfter.Sub(c.NotBefore) - backdate
}

// renewDue reports whether so little is left of an issued life that it is time to renew. A fixed time that is longer
// than the life itself cannot be meant; then the default share counts.
func renewDue(c *Certificate, before usersfile.RenewBefore, now time.Time) bool {
	return now.After(renewFrom(c, before))
}

// renewFrom is when the window of renewal begins.
func renewFrom(c *Certificate, before usersfile.RenewBefore) time.Time {
	life := issuedLife(c)
	window := before.Time
	if before.Share > 0 {
		window = time.Duration(before.Share * float64(life))
	} else if window >= life {
		window = life / 3
	}
	return c.NotAfter.Add(-window)
}

// caEnd is when the last of the client CAs ends. The API server accepts nothing after it, and a signer issues nothing beyond
// the end of its own. The zero time: not known.
func caEnd(cas []*x509.Certificate) time.Time {
	var end time.Time
	for _, ca := range cas {
		if ca.NotAfter.After(end) {
			end = ca.NotAfter
		}
	}
	return end
}

// endsAt reports whether a certificate's end is that of its CA.
func endsAt(notAfter, ca time.Time) bool { return !ca.IsZero() && notAfter.Sub(ca).Abs() < time.Minute }

// LifeWarnings tells of certificates that outlive their users' end (Until), and of those that live shorter or longer than was asked
// (Duration), in one warning for all that are alike. ends are when CAs end that may have signed them: what ends then was cut short by that, and not by the signer.
func LifeWarnings(certificates []Certificate, ends []time.Time) []Warning {
	type kind struct {
		code          WarningCode
		asked, issued time.Duration
		until         time.Time
	}
	users := map[kind][]string{}
	var list []Warning
	for _, c := range certificates {
		life := issuedLife(&c)
		k := kind{code: ShorterThanAsked, asked: c.Duration, issued: life.Round(time.Minute)}
		switch {
		case !c.Until.IsZero() && c.NotAfter.Sub(c.Until) > untilMargin: // the signer gives what life it likes
			list = append(list, Warning{Code: OutlivesEnd, User: c.User, Until: c.NotAfter, Since: c.Until})
			continue
		case c.Duration == 0: // nobody knows what was asked
			continue
		case !c.Until.IsZero() && !c.NotAfter.After(c.Until) && c.Until.Sub(c.NotAfter) < untilSlack: // cut to the end of its user
			continue
		case life > c.Duration+shortTolerance:
			k.code = LongerThanAsked
		case life+shortTolerance >= c.Duration:
			continue
		case slices.ContainsFunc(ends, func(end time.Time) bool { return endsAt(c.NotAfter, end) }):
			k = kind{code: EndsWithCA, until: c.NotAfter}
		}
		users[k] = append(users[k], c.User)
	}
	for _, k := range slices.SortedFunc(maps.Keys(users), func(a, b kind) int {
		return cmp.Or(cmp.Compare(b.code, a.code), cmp.Compare(a.asked, b.asked), cmp.Compare(a.issued, b.issued), a.until.Compare(b.until))
	}) {
		w := Warning{Code: k.code, Items: users[k], Until: k.until}
		if k.code != EndsWithCA {
			w.Asked, w.Issued = k.asked, k.issued
		}
		list = append(list, w)
	}
	return list
}

// caEnded reports whether the CA that would sign certificates has ended, or ends before the shortest life that can be asked
// for: nobody could use them, and most signers would leave the requests waiting for ever.
func (d decision) caEnded() bool {
	return !d.ends.IsZero() && d.ends.Sub(d.now) < usersfile.MinDuration
}
