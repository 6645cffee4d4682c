package plan

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"provision/internal/spec"
)

// checkFile says why the file at a user's place may not be touched, or nil.
func checkFile(u User, file File, has bool) *Problem {
	if !has {
		return nil
	}
	p := Problem{Pos: u.Pos, User: u.Certificate.User, Name: file.Name}
	switch {
	case file.State == FileForeign:
		p.Code, p.Detail = ForeignFile, file.Error
	case file.State == FileOtherSet:
		p.Code, p.Detail = FileOfOtherSet, file.Owner
	case file.Taken[u.Kubeconfig.Endpoint.Name]:
		p.Code, p.Detail = ClusterNameTaken, u.Kubeconfig.Endpoint.Name
	case file.Taken[u.Kubeconfig.Context]:
		p.Code, p.Detail = ClusterNameTaken, u.Kubeconfig.Context
	default:
		return nil
	}
	return &p
}

// userChange decides certificate and kubeconfig of one user from the file alone.
func userChange(u User, file File, has bool, observed Observed, now time.Time) UserChange {
	certificate := certificateChange(u, file, has, observed.ClientCA, now)
	if certificate.Op != Keep {
		return certificateReplaced(u, file, certificate)
	}
	return UserChange{Name: u.Certificate.User, Pos: u.Pos, Certificate: certificate, Kubeconfig: kubeconfigChange(file, u.Kubeconfig)}
}

// certificateReplaced is what happens to a user who gets a new certificate: the kubeconfig follows.
func certificateReplaced(u User, file File, certificate Change[Certificate]) UserChange {
	certificate.After = &u.Certificate
	c := UserChange{Name: u.Certificate.User, Pos: u.Pos, Certificate: certificate}
	c.Kubeconfig = Change[Kubeconfig]{Op: Write, After: &u.Kubeconfig, Reasons: []Reason{{Code: NewCertificate}}}
	if file.State == FileOurs {
		c.Kubeconfig.Op, c.Kubeconfig.Before = Rewrite, &file.Kubeconfig
		c.Kubeconfig.Reasons = append(c.Kubeconfig.Reasons, kubeconfigChange(file, u.Kubeconfig).Reasons...)
	}
	return c
}

// certificateChange compares the wanted certificate with the one in the user's file.
func certificateChange(u User, file File, has bool, clientCA []*x509.Certificate, now time.Time) Change[Certificate] {
	want := u.Certificate
	if !has || file.State == FileOther {
		return Change[Certificate]{Op: Issue, Reasons: []Reason{{Code: NoKubeconfig}}}
	}
	if file.State == FileUnreadable {
		return Change[Certificate]{Op: Reissue, Reasons: []Reason{{Code: Unreadable, To: file.Error}}}
	}
	have := file.Certificate
	if have == nil {
		return Change[Certificate]{Op: Reissue, Reasons: []Reason{{Code: NoCertificate, To: file.Error}}}
	}
	c := Change[Certificate]{Op: Reissue, Before: have}
	if !now.Before(have.NotAfter) {
		c.Op = Issue
		c.Reasons = []Reason{{Code: Expired, At: have.NotAfter}}
		return c
	}
	if !file.KeyMatches {
		c.Reasons = append(c.Reasons, Reason{Code: KeyMismatch})
	}
	if have.User != want.User {
		c.Reasons = append(c.Reasons, Reason{Code: SubjectChanged, From: have.User, To: want.User})
	}
	if added, removed := difference(have.Groups, want.Groups); len(added)+len(removed) > 0 {
		c.Reasons = append(c.Reasons, Reason{Code: GroupsChanged, Added: added, Removed: removed})
	}
	if have.KeyAlgorithm != want.KeyAlgorithm {
		c.Reasons = append(c.Reasons, Reason{Code: KeyAlgorithmChanged, From: string(have.KeyAlgorithm), To: string(want.KeyAlgorithm)})
	}
	if clientCA != nil && !SignedByAny(file.Leaf, clientCA) {
		c.Reasons = append(c.Reasons, Reason{Code: CAChanged})
	}
	if u.Reissue {
		c.Reasons = append(c.Reasons, Reason{Code: Requested})
	}
	if len(c.Reasons) > 0 {
		return c
	}
	if renewDue(have, u.RenewBefore, now) {
		c.Op, c.Reasons = Renew, []Reason{{Code: RenewDue, At: have.NotAfter, To: u.RenewBefore.String()}}
		return c
	}
	c.Op, c.After = Keep, have
	return c
}

// backdate is how far before its issue a certificate begins
// (pkg/controller/certificates/authority/policies.go:PermissiveSigningPolicy).
const backdate = 5 * time.Minute

// shortTolerance covers that the signer takes the backdate off a long life.
const shortTolerance = backdate + time.Minute

// issuedLife is how long a certificate lived at the moment of its issue. The signer may have given less than was
// asked, so this, and not the file, is what renewal goes by: else it would never end.
func issuedLife(c *Certificate) time.Duration {
	return c.NotAfter.Sub(c.NotBefore) - backdate
}

// renewDue says whether so little is left of an issued life that it is time to renew. A fixed time that is longer
// than the life itself cannot be meant; then the default share counts.
func renewDue(c *Certificate, before spec.RenewBefore, now time.Time) bool {
	life := issuedLife(c)
	window := before.Time
	if before.Share > 0 {
		window = time.Duration(before.Share * float64(life))
	} else if window >= life {
		window = life / 3
	}
	return c.NotAfter.Sub(now) < window
}

// SignedByAny says whether one of the CAs signed the certificate. Key identifiers, where both sides have them, only
// save work: they skip the CAs that cannot have done it.
func SignedByAny(leaf *x509.Certificate, cas []*x509.Certificate) bool {
	for _, ca := range cas {
		if len(leaf.AuthorityKeyId) > 0 && len(ca.SubjectKeyId) > 0 && !bytes.Equal(leaf.AuthorityKeyId, ca.SubjectKeyId) {
			continue
		}
		if leaf.CheckSignatureFrom(ca) == nil {
			return true
		}
	}
	return false
}

func kubeconfigChange(file File, want Kubeconfig) Change[Kubeconfig] {
	have := file.Kubeconfig
	c := Change[Kubeconfig]{Op: Rewrite, Before: &have, After: &want}
	a, b := have.Endpoint, want.Endpoint
	if a.Server != b.Server {
		c.Reasons = append(c.Reasons, Reason{Code: ServerChanged, From: a.Server, To: b.Server})
	}
	if !bytes.Equal(a.CertificateAuthorityData, b.CertificateAuthorityData) {
		c.Reasons = append(c.Reasons, Reason{Code: CADataChanged})
	}
	for _, f := range []struct{ name, from, to string }{
		{"tls-server-name", a.TLSServerName, b.TLSServerName},
		{"proxy-url", withoutPassword(a.ProxyURL), withoutPassword(b.ProxyURL)},
		{"insecure-skip-tls-verify", strconv.FormatBool(a.InsecureSkipTLSVerify), strconv.FormatBool(b.InsecureSkipTLSVerify)},
		{"disable-compression", strconv.FormatBool(a.DisableCompression), strconv.FormatBool(b.DisableCompression)},
	} {
		if f.from != f.to {
			c.Reasons = append(c.Reasons, Reason{Code: TLSChanged, From: f.name + " " + orNone(f.from), To: orNone(f.to)})
		}
	}
	if a.ProxyURL != b.ProxyURL && withoutPassword(a.ProxyURL) == withoutPassword(b.ProxyURL) {
		c.Reasons = append(c.Reasons, Reason{Code: TLSChanged, From: "proxy-url", To: "another password"})
	}
	if have.Namespace != want.Namespace {
		c.Reasons = append(c.Reasons, Reason{Code: NamespaceChanged, From: orNone(have.Namespace), To: orNone(want.Namespace)})
	}
	if have.Context != want.Context || a.Name != b.Name {
		c.Reasons = append(c.Reasons, Reason{Code: NamesChanged, From: have.Context, To: want.Context})
	}
	if len(file.Edited) > 0 {
		c.Reasons = append(c.Reasons, Reason{Code: EntryEdited, Added: file.Edited})
	}
	if file.Mode&0o077 != 0 {
		c.Reasons = append(c.Reasons, Reason{Code: ModeTooOpen, From: fmt.Sprintf("%04o", file.Mode), To: "0600"})
	}
	if len(c.Reasons) == 0 {
		c.Op = Keep
	}
	return c
}

// withoutPassword hides the password in a URL.
func withoutPassword(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(not a URL)"
	}
	return u.Redacted()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// resume turns the certificate's change into a Resume where a key of ours is in the journal and the cluster has the
// request that it made, unchanged and still useful. Only the key decides; names decide nothing. A certificate that
// could be kept is replaced too: somebody asked for a new one, and that run was interrupted.
func (d decision) resume(c *UserChange, u User) {
	key, ok := d.observed.Keys[c.Name]
	if !ok {
		return
	}
	have := d.observed.Files[c.Name].Certificate
	if have != nil && have.KeyHash == key.KeyHash && d.observed.Files[c.Name].KeyMatches {
		return // the run ended between writing the kubeconfig and dropping the key: nothing new would come of it
	}
	keep := c.Certificate.Op == Keep
	note := func(code ReasonCode, to string) {
		if !keep {
			c.Certificate.Reasons = append(c.Certificate.Reasons, Reason{Code: code, To: to})
		}
	}
	r, ok := d.requests[key.KeyHash]
	if !ok {
		for _, other := range d.observed.Requests {
			if other.Name == key.Request { // not ours: it is left alone, and a new key gives a new name
				note(RequestSwapped, key.Request)
				return
			}
		}
		note(RequestGone, key.Request)
		if !keep && d.sendAgain(key, u.Certificate) {
			c.Request = &RequestRef{Name: key.Request, Resent: true}
		}
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
	want := u.Certificate
	if !r.Conforms || key.KeyAlgorithm != want.KeyAlgorithm || r.User != want.User || !slices.Equal(r.Groups, want.Groups) || r.Duration != want.Duration {
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
	c.Request = &RequestRef{Name: r.Name, UID: r.UID, Resent: resent(d.records[c.Name], r.KeyHash)}
}

// sendAgain says whether the request of a key in the journal, which the cluster does not have, can be sent again for what
// is wanted now. The ledger lists it already, and would list one more for a new key: nobody knows whether the first was
// ever accepted. If it was, and a certificate came of it, that is for the same key and the same subject, and ends before
// the one that comes now: the one record covers both, and says Resent, so that it stays even if none comes now.
func (d decision) sendAgain(key Key, want Certificate) bool {
	return key.KeyAlgorithm == want.KeyAlgorithm && slices.ContainsFunc(d.records[want.User], func(r Record) bool {
		return r.KeyHash == key.KeyHash && r.Request == key.Request && !r.Issued() && r.Removed.IsZero() &&
			slices.Equal(r.Groups, want.Groups) && r.Duration == want.Duration
	})
}

// groupWarnings says which groups a certificate that is replaced still carries. records are the user's.
func groupWarnings(c UserChange, observed Observed, records []Record, now time.Time) []Warning {
	have := c.Certificate.Before
	if c.Certificate.Op == Keep || have == nil || len(records) == 0 && !have.NotAfter.After(now) {
		return nil
	}
	until, groups := observed.present(c.Name, records, now)
	_, removed := difference(groups, c.Certificate.After.Groups)
	if len(removed) == 0 || !until.After(now) {
		return nil
	}
	return []Warning{{Code: StillInGroup, User: c.Name, Items: removed, Until: until}}
}

// otherEntries says which users' files hold more than provision made: whoever wrote it may have a program of his run, or
// be sent what she types, as soon as she uses the file.
func otherEntries(users []User, files map[string]File) []Warning {
	var list []Warning
	for _, u := range users {
		f, has := files[u.Certificate.User]
		if has && (f.State == FileOurs || f.State == FileOther) && len(f.Others) > 0 {
			list = append(list, Warning{Code: OtherEntries, User: u.Certificate.User, Name: f.Name, Items: f.Others, To: f.OtherContext})
		}
	}
	return list
}

// difference compares two sorted lists as sets.
func difference[T comparable](have, want []T) (added, removed []T) {
	in := func(list []T) map[T]bool {
		m := make(map[T]bool, len(list))
		for _, v := range list {
			m[v] = true
		}
		return m
	}
	h, w := in(have), in(want)
	for _, v := range want {
		if !h[v] {
			added = append(added, v)
		}
	}
	for _, v := range have {
		if !w[v] {
			removed = append(removed, v)
		}
	}
	return added, removed
}
