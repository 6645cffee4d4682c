package plan

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"time"
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
	want := u.Certificate
	c := UserChange{Name: want.User, Pos: u.Pos}
	c.Certificate = certificateChange(want, file, has, observed.ClientCA, now)
	if c.Certificate.Op != Keep {
		c.Certificate.After = &want
		c.Kubeconfig = Change[Kubeconfig]{Op: Write, After: &u.Kubeconfig, Reasons: []Reason{{Code: NewCertificate}}}
		if has && file.State == FileOurs {
			c.Kubeconfig.Op, c.Kubeconfig.Before = Rewrite, &file.Kubeconfig
		}
		return c
	}
	c.Kubeconfig = kubeconfigChange(file, u.Kubeconfig)
	return c
}

// certificateChange compares the wanted certificate with the one in the user's file.
func certificateChange(want Certificate, file File, has bool, clientCA []*x509.Certificate, now time.Time) Change[Certificate] {
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
	if clientCA != nil && !signedByAny(file.Leaf, clientCA) {
		c.Reasons = append(c.Reasons, Reason{Code: CAChanged})
	}
	if len(c.Reasons) == 0 {
		c.Op = Keep
		c.After = have
	}
	return c
}

// signedByAny says whether one of the CAs signed the certificate. Key identifiers, where both sides have them, only
// save work: they skip the CAs that cannot have done it.
func signedByAny(leaf *x509.Certificate, cas []*x509.Certificate) bool {
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
		{"proxy-url", a.ProxyURL, b.ProxyURL},
		{"insecure-skip-tls-verify", strconv.FormatBool(a.InsecureSkipTLSVerify), strconv.FormatBool(b.InsecureSkipTLSVerify)},
		{"disable-compression", strconv.FormatBool(a.DisableCompression), strconv.FormatBool(b.DisableCompression)},
	} {
		if f.from != f.to {
			c.Reasons = append(c.Reasons, Reason{Code: TLSChanged, From: f.name + " " + orNone(f.from), To: f.name + " " + orNone(f.to)})
		}
	}
	if have.Namespace != want.Namespace {
		c.Reasons = append(c.Reasons, Reason{Code: NamespaceChanged, From: orNone(have.Namespace), To: orNone(want.Namespace)})
	}
	if have.Context != want.Context || a.Name != b.Name {
		c.Reasons = append(c.Reasons, Reason{Code: NamesChanged, From: have.Context, To: want.Context})
	}
	if file.Mode&0o077 != 0 {
		c.Reasons = append(c.Reasons, Reason{Code: ModeTooOpen, From: fmt.Sprintf("%04o", file.Mode), To: "0600"})
	}
	if len(c.Reasons) == 0 {
		c.Op = Keep
	}
	return c
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// resume turns the certificate's change into a Resume where a key of ours is in the journal and the cluster has the
// request that it made, unchanged and still useful. Only the key decides; names decide nothing.
func resume(c *UserChange, u User, observed Observed, requests map[string]Request) *Problem {
	key, ok := observed.Keys[c.Name]
	if !ok {
		return nil
	}
	r, ok := requests[key.KeyHash]
	if !ok {
		for _, other := range observed.Requests {
			if other.Name == key.Request {
				return &Problem{Code: SwappedRequest, Pos: u.Pos, User: c.Name, Name: other.Name}
			}
		}
		c.Certificate.Reasons = append(c.Certificate.Reasons, Reason{Code: RequestGone, To: key.Request})
		return nil
	}
	switch r.State {
	case Denied:
		c.Certificate.Reasons = append(c.Certificate.Reasons, Reason{Code: RequestDenied, To: r.Message})
		return nil
	case Failed:
		c.Certificate.Reasons = append(c.Certificate.Reasons, Reason{Code: RequestFailed, To: r.Message})
		return nil
	}
	want := u.Certificate
	if !r.Conforms || r.User != want.User || !slices.Equal(r.Groups, want.Groups) || r.Duration != want.Duration {
		return nil // ours, but the file has changed since: ask anew
	}
	code := map[RequestState]ReasonCode{Pending: RequestPending, Approved: RequestApproved, Issued: RequestIssued}[r.State]
	c.Certificate.Op = Resume
	c.Certificate.Reasons = append(c.Certificate.Reasons, Reason{Code: code, To: r.Name})
	c.Request = &RequestRef{Name: r.Name, UID: r.UID}
	return nil
}

// groupWarnings says which groups a certificate that is replaced still carries.
func groupWarnings(c UserChange, now time.Time) []Warning {
	if c.Certificate.Op == Keep || c.Certificate.Before == nil || !c.Certificate.Before.NotAfter.After(now) {
		return nil
	}
	_, removed := difference(c.Certificate.Before.Groups, c.Certificate.After.Groups)
	if len(removed) == 0 {
		return nil
	}
	return []Warning{{Code: StillInGroup, User: c.Name, Items: removed, Until: c.Certificate.Before.NotAfter}}
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
