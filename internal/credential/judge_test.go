package credential

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"provision/internal/usersfile"
)

// begin is when the certificates of these tests begin.
var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// issue signs a client certificate for jane in dev and ops, changed as wanted, by a CA that nobody knows.
func issue(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) []byte {
	t.Helper()
	return issueBy(t, &x509.Certificate{Subject: pkix.Name{CommonName: "ca"}}, newKey(t), key, change)
}

func issueBy(t testing.TB, ca *x509.Certificate, caKey, key crypto.Signer, change func(*x509.Certificate)) []byte {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(0xabc), NotBefore: begin, NotAfter: begin.Add(time.Hour),
		Subject:     pkix.Name{CommonName: "jane", Organization: []string{"ops", "dev"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca, key.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestJudge(t *testing.T) {
	key := newKey(t)
	other := issue(t, newKey(t), nil)
	one := func(change func(*x509.Certificate)) []byte { return issue(t, key, change) }
	attribute := func(id ...int) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier(id), Value: "x"}}
		}
	}
	for _, c := range []struct {
		name   string
		data   []byte
		user   string
		groups []string
		want   string // part of the refusal; "": it is taken
		code   RefusalCode
	}{
		{name: "as asked", data: one(nil)},
		{name: "as asked, with its CA behind it", data: append(one(nil), other...)},
		{name: "more usages", data: one(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		})},
		{name: "ended within the skew of the clocks", data: one(func(c *x509.Certificate) { c.NotAfter = begin.Add(-3 * time.Minute) })},
		{name: "begins within the skew of the clocks", data: one(func(c *x509.Certificate) { c.NotBefore = begin.Add(6 * time.Minute) })},
		{name: "no groups", data: one(func(c *x509.Certificate) { c.Subject.Organization = nil }), groups: []string{}},

		{name: "another key", data: other, want: "another public key", code: RefusedKey},
		{name: "another before it", data: append(slices.Clone(other), one(nil)...), want: "does not come first", code: RefusedKey},
		{name: "another user", data: one(func(c *x509.Certificate) { c.Subject.CommonName = "root" }), want: `user "root"`, code: RefusedSubject},
		{name: "a group more", data: one(func(c *x509.Certificate) { c.Subject.Organization = []string{"dev", "ops", "system:masters"} }), want: "system:masters", code: RefusedGroups},
		{name: "a group less", data: one(func(c *x509.Certificate) { c.Subject.Organization = []string{"dev"} }), want: `groups ["dev"]`, code: RefusedSubject},
		{name: "a group twice", data: one(func(c *x509.Certificate) { c.Subject.Organization = []string{"dev", "ops", "ops"} }), want: "groups", code: RefusedGroups},
		{name: "a second common name", data: one(func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: oidCommonName, Value: "root"}, {Type: oidCommonName, Value: "jane"}}
		}), want: "2 common names", code: RefusedGroups},
		{name: "no common name", data: one(func(c *x509.Certificate) { c.Subject.CommonName = "" }), want: "0 common names", code: RefusedGroups},
		{name: "an organizational unit", data: one(func(c *x509.Certificate) { c.Subject.OrganizationalUnit = []string{"x"} }), want: "2.5.4.11", code: RefusedGroups},
		{name: "an attribute that nobody knows", data: one(attribute(1, 2, 3)), want: "1.2.3", code: RefusedGroups},
		{name: "a DNS name", data: one(func(c *x509.Certificate) { c.DNSNames = []string{"kubernetes"} }), want: "alternative names", code: RefusedNames},
		{name: "a mail address", data: one(func(c *x509.Certificate) { c.EmailAddresses = []string{"a@b"} }), want: "alternative names", code: RefusedNames},
		{name: "an IP address", data: one(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)} }), want: "alternative names", code: RefusedNames},
		{name: "a URI", data: one(func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "spiffe", Host: "x"}} }), want: "alternative names", code: RefusedNames},
		{name: "a registered identifier", data: one(alternativeName(t, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 8, Bytes: []byte{0x2a, 0x03}})), want: "alternative names", code: RefusedNames},
		{name: "another name", data: one(alternativeName(t, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: []byte{0x06, 0x02, 0x2a, 0x03, 0xa0, 0x03, 0x0c, 0x01, 'x'}})), want: "alternative names", code: RefusedNames},
		{name: "alternative names, but none", data: one(alternativeName(t)), want: "alternative names", code: RefusedNames},
		{name: "ended", data: one(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = begin.Add(-48*time.Hour), begin.Add(-24*time.Hour)
		}), want: "ended at 2026-02-28 12:00 UTC", code: RefusedDates},
		{name: "has not begun", data: one(func(c *x509.Certificate) { c.NotBefore = begin.Add(10 * time.Minute) }), want: "begins only at 2026-03-01 12:10 UTC", code: RefusedDates},
		{name: "a CA", data: one(func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }), want: "is a CA", code: RefusedCA},
		{name: "for servers only", data: one(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), want: "client authentication", code: RefusedUsage},
		{name: "for nothing said", data: one(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), want: "client authentication", code: RefusedUsage},
		{name: "empty", want: "not a CERTIFICATE", code: RefusedUnreadable},
		{name: "no PEM", data: []byte("x"), want: "not a CERTIFICATE", code: RefusedUnreadable},
		{name: "another kind of PEM", data: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"}), want: "not a CERTIFICATE", code: RefusedUnreadable},
		{name: "broken", data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), want: "parse certificate", code: RefusedUnreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			groups := []string{"ops", "dev"}
			if c.groups != nil {
				groups = c.groups
			}
			got, err := Judge(c.data, Asked{KeyHash: hashOf(t, key), User: "jane", Groups: groups, Skew: 5 * time.Minute}, begin.Add(time.Minute))
			refusal, _ := errors.AsType[*Refusal](err)
			switch {
			case err != nil && (refusal == nil || refusal.Code != c.code):
				t.Errorf("refused as %+v, want the code %s", refusal, c.code)
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && err == nil:
				t.Errorf("taken: %+v", got)
			case c.want != "" && !strings.Contains(err.Error(), c.want):
				t.Errorf("refused because %v, want %q", err, c.want)
			}
		})
	}
}

// alternativeName puts a subject alternative name of a kind into a certificate that package x509 does not read.
func alternativeName(t *testing.T, names ...asn1.RawValue) func(*x509.Certificate) {
	t.Helper()
	value, err := asn1.Marshal(append([]asn1.RawValue{}, names...))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: oidSubjectAltName, Value: value}}
	}
}

// newCA makes a CA, by a parent or by itself.
func newCA(t *testing.T, name string, parent *x509.Certificate, parentKey crypto.Signer, change func(*x509.Certificate)) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key := newKey(t)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: begin, NotAfter: begin.Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	if change != nil {
		change(c)
	}
	if parent == nil {
		parent, parentKey = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c, key
}

// The error names the signer as exactly as the CAs that are accepted: names alone may be the same.
func TestJudgeIssuer(t *testing.T) {
	key := newKey(t)
	root, rootKey := newCA(t, "kubernetes", nil, nil, nil)
	rogue, rogueKey := newCA(t, "kubernetes", nil, nil, nil)
	middle, middleKey := newCA(t, "middle", root, rootKey, nil)
	encode := func(c *x509.Certificate) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	byRoot, byRogue := issueBy(t, root, rootKey, key, nil), issueBy(t, rogue, rogueKey, key, nil)
	byMiddle := issueBy(t, middle, middleKey, key, nil)
	only := []*x509.Certificate{root}
	for _, c := range []struct {
		name string
		data []byte
		cas  []*x509.Certificate
		want []string
	}{
		{"by the CA", byRoot, only, nil},
		{"by another of its name", byRogue, only, []string{IssuerText(issuedLeaf(t, byRogue)), "does not accept; it accepts " + CATexts(only)}},
		{"by another of its name, which is not known", byRogue, nil, nil},
		{"by any, where none is accepted", byRoot, []*x509.Certificate{}, []string{"accepts no CA"}},
		{"by an intermediate that comes with it", slices.Concat(byMiddle, encode(middle)), only, nil},
		{"by an intermediate that comes with it, behind others", slices.Concat(byMiddle, encode(rogue), encode(root), encode(middle), encode(middle)), only, nil},
		{"by an intermediate that is missing", byMiddle, only, []string{"CN=middle", "CN=kubernetes"}},
		{"by an intermediate, in front", slices.Concat(encode(middle), byMiddle), only, []string{"does not come first"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Judge(c.data, Asked{KeyHash: hashOf(t, key), User: "jane", Groups: []string{"dev", "ops"}, ClientCAs: c.cas}, begin)
			if (err == nil) != (c.want == nil) {
				t.Fatalf("Judge = %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
	if bytes.Equal(root.SubjectKeyId, rogue.SubjectKeyId) || IssuerText(issuedLeaf(t, byRogue)) == CATexts(only) {
		t.Error("the two CAs are not told apart")
	}
}

func issuedLeaf(t *testing.T, data []byte) *x509.Certificate {
	t.Helper()
	c, err := ParseCertificate(data)
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}

func TestParseCertificate(t *testing.T) {
	key := newKey(t)
	data := issue(t, key, nil)
	c, err := ParseCertificate(data)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	sum := sha256.Sum256(block.Bytes)
	if c.User != "jane" || !slices.Equal(c.Groups, []string{"dev", "ops"}) || c.Serial != "abc" || c.KeyHash != hashOf(t, key) ||
		c.KeyAlgorithm != usersfile.ECDSAP256 || c.NotAfter.Sub(c.NotBefore) != time.Hour || c.CredentialID != "X509SHA256="+hex.EncodeToString(sum[:]) {
		t.Errorf("%+v", c)
	}
}
