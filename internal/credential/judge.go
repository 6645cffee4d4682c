package credential

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/chain"
)

// Asked is what Judge compares an issued certificate with: what was asked for, and what the API server accepts.
type Asked struct {
	KeyHash string
	User    string
	Groups  []string
	// ClientCAs are the CAs that the API server accepts client certificates from. nil is that they are not known: then the issuer
	// is not judged.
	ClientCAs []*x509.Certificate
	// Skew is how far this machine's clock may be from the API server's, which decides.
	Skew time.Duration
}

// RefusalCode is the kind of fault that an issued certificate has.
type RefusalCode string

// Refusals.
const (
	RefusedUnreadable RefusalCode = "Unreadable" // it is no certificate
	RefusedKey        RefusalCode = "Key"        // it is for another key
	RefusedSubject    RefusalCode = "Subject"    // another user, or not all groups
	RefusedGroups     RefusalCode = "Groups"     // more groups, or other attributes, than were asked for
	RefusedNames      RefusalCode = "Names"      // it has alternative names
	RefusedCA         RefusalCode = "CA"         // it could sign others
	RefusedUsage      RefusalCode = "Usage"      // it is not for clients
	RefusedDates      RefusalCode = "Dates"      // it has ended, or has not begun
	RefusedIssuer     RefusalCode = "Issuer"     // the API server does not accept who signed it
	RefusedLogin      RefusalCode = "Login"      // the API server was asked, and does not accept it, or takes it for another's
)

// Refusal is why an issued certificate is not used.
type Refusal struct {
	Code RefusalCode
	Err  error
}

// Error returns what is wrong, in words.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns what is wrong.
func (r *Refusal) Unwrap() error { return r.Err }

// Everybodys reports whether the certificates of all other users would be refused as well, because the fault is the signer's or
// the API server's and not that of one answer. A certificate with a name or a power that nobody asked for counts as such, so
// that the signer makes one of them and not a thousand.
func (r *Refusal) Everybodys() bool {
	switch r.Code {
	case RefusedUnreadable, RefusedKey, RefusedSubject:
		return false
	}
	return true
}

// Judge decides, before anything is replaced by it, whether an issued certificate (PEM, with its chain) is the one that was asked
// for and will do: our key, exactly the subject CN = user and O = groups, no alternative names, fit for client authentication
// and for nothing of a CA, valid now, and from a CA that the API server accepts. now is by the API server's clock. An error is
// a *Refusal, with the first fault that was found; the certificate is returned all the same if it can be read: it may live.
func Judge(data []byte, asked Asked, now time.Time) (Certificate, error) {
	c, err := ParseCertificate(data)
	if err != nil {
		return c, &Refusal{RefusedUnreadable, err}
	}
	for _, look := range []func(Certificate, Asked, time.Time) *Refusal{judgeSubject, judgeUse, judgeDates, judgeIssuer} {
		if refusal := look(c, asked, now); refusal != nil {
			return c, refusal
		}
	}
	return c, nil
}

// refuse is a Refusal of that code, with the words.
func refuse(code RefusalCode, format string, args ...any) *Refusal {
	return &Refusal{code, fmt.Errorf(format, args...)}
}

// judgeSubject refuses another key and another subject.
func judgeSubject(c Certificate, asked Asked, _ time.Time) *Refusal {
	if c.KeyHash != asked.KeyHash {
		ours := func(f *x509.Certificate) bool { return hexSHA256(f.RawSubjectPublicKeyInfo) == asked.KeyHash }
		if slices.ContainsFunc(c.Further, ours) {
			return refuse(RefusedKey, "the certificate does not come first in its chain: no client would find it")
		}
		return refuse(RefusedKey, "the certificate is for another public key than ours")
	}
	name, orgs, err := subject(c.Leaf.Subject)
	if err != nil {
		return refuse(RefusedGroups, "the issued certificate: %w", err)
	}
	want := slices.Sorted(slices.Values(asked.Groups))
	if name == asked.User && slices.Equal(orgs, want) {
		return nil
	}
	code := RefusedSubject
	if len(orgs) > len(want) || slices.ContainsFunc(orgs, func(g string) bool { return !slices.Contains(want, g) }) {
		code = RefusedGroups
	}
	return refuse(code, "the certificate is for user %q and groups %q, not for user %q and groups %q", name, orgs, asked.User, want)
}

func judgeUse(c Certificate, _ Asked, _ time.Time) *Refusal {
	switch {
	case hasAlternativeNames(c.Leaf.Extensions):
		return refuse(RefusedNames, "the certificate has alternative names that were not asked for")
	case c.Leaf.IsCA:
		return refuse(RefusedCA, "the certificate is a CA")
	case !slices.Contains(c.Leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return refuse(RefusedUsage, "the certificate is not for client authentication")
	}
	return nil
}

// judgeDates refuses a certificate that has ended or has not begun, by more than the clocks may differ.
func judgeDates(c Certificate, asked Asked, now time.Time) *Refusal {
	const minute = "2006-01-02 15:04 UTC"
	switch {
	case now.Add(-asked.Skew).After(c.NotAfter):
		return refuse(RefusedDates, "the certificate ended at %s already, and by the API server's clock it is %s", c.NotAfter.UTC().Format(minute), now.UTC().Format(minute))
	case now.Add(asked.Skew).Before(c.NotBefore):
		return refuse(RefusedDates, "the certificate begins only at %s, and by the API server's clock it is %s", c.NotBefore.UTC().Format(minute), now.UTC().Format(minute))
	}
	return nil
}

// judgeIssuer refuses a certificate that leads to none of the CAs, where those are known.
func judgeIssuer(c Certificate, asked Asked, now time.Time) *Refusal {
	roots := chain.NewRoots(asked.ClientCAs)
	if !roots.Known() {
		return nil
	}
	err := roots.Verify(c.Leaf, c.Further, now)
	if err == nil {
		return nil
	}
	why := ""
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); !unknown {
		why = ": " + err.Error()
	}
	return refuse(RefusedIssuer, "the certificate was issued by %s, which the API server does not accept%s; it accepts %s", IssuerText(c.Leaf), why, CATexts(asked.ClientCAs))
}

// IssuerText returns the name of a certificate's issuer, for messages. The beginning of the key's identifier tells CAs with one
// name apart.
func IssuerText(c *x509.Certificate) string { return caText(c.Issuer.String(), c.AuthorityKeyId) }

// CATexts returns the names of CAs as IssuerText writes them, joined by "and"; "no CA" for none.
func CATexts(cas []*x509.Certificate) string {
	texts := make([]string, 0, len(cas))
	for _, ca := range cas {
		texts = append(texts, caText(ca.Subject.String(), ca.SubjectKeyId))
	}
	if len(texts) == 0 {
		return "no CA"
	}
	return strings.Join(texts, " and ")
}

// caText returns the name of a CA with the first 4 bytes of its key's identifier, if it has one.
func caText(name string, keyID []byte) string {
	if name == "" {
		name = "a CA without a name"
	}
	if len(keyID) == 0 {
		return name
	}
	return fmt.Sprintf("%s (key %s)", name, hex.EncodeToString(keyID[:min(4, len(keyID))]))
}
