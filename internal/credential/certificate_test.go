package credential

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"provision/internal/spec"
)

// issue signs a client certificate for jane in dev and ops, changed as wanted.
func issue(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) []byte {
	t.Helper()
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(0xabc), NotBefore: begin, NotAfter: begin.Add(time.Hour),
		Subject:     pkix.Name{CommonName: "jane", Organization: []string{"ops", "dev"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(c)
	}
	ca := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, c, &x509.Certificate{Subject: pkix.Name{CommonName: "ca"}}, key.Public(), ca)
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
	}{
		{name: "as asked", data: one(nil)},
		{name: "as asked, with its CA behind it", data: append(one(nil), other...)},
		{name: "more usages", data: one(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
		})},
		{name: "expired: this machine's clock may be wrong", data: one(func(c *x509.Certificate) { c.NotAfter = c.NotBefore })},
		{name: "no groups", data: one(func(c *x509.Certificate) { c.Subject.Organization = nil }), groups: []string{}},

		{name: "another key", data: other, want: "another public key"},
		{name: "a CA before it", data: append(slices.Clone(other), one(nil)...), want: "another public key"},
		{name: "another user", data: one(func(c *x509.Certificate) { c.Subject.CommonName = "root" }), want: `user "root"`},
		{name: "a group more", data: one(func(c *x509.Certificate) { c.Subject.Organization = []string{"dev", "ops", "system:masters"} }), want: "system:masters"},
		{name: "a group less", data: one(func(c *x509.Certificate) { c.Subject.Organization = []string{"dev"} }), want: `groups ["dev"]`},
		{name: "a group twice", data: one(func(c *x509.Certificate) { c.Subject.Organization = []string{"dev", "ops", "ops"} }), want: "groups"},
		{name: "a second common name", data: one(func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: oidCommonName, Value: "root"}, {Type: oidCommonName, Value: "jane"}}
		}), want: "2 common names"},
		{name: "no common name", data: one(func(c *x509.Certificate) { c.Subject.CommonName = "" }), want: "0 common names"},
		{name: "an organizational unit", data: one(func(c *x509.Certificate) { c.Subject.OrganizationalUnit = []string{"x"} }), want: "2.5.4.11"},
		{name: "an attribute that nobody knows", data: one(attribute(1, 2, 3)), want: "1.2.3"},
		{name: "a DNS name", data: one(func(c *x509.Certificate) { c.DNSNames = []string{"kubernetes"} }), want: "alternative names"},
		{name: "a mail address", data: one(func(c *x509.Certificate) { c.EmailAddresses = []string{"a@b"} }), want: "alternative names"},
		{name: "an IP address", data: one(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)} }), want: "alternative names"},
		{name: "a URI", data: one(func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "spiffe", Host: "x"}} }), want: "alternative names"},
		{name: "a CA", data: one(func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }), want: "is a CA"},
		{name: "for servers only", data: one(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), want: "client authentication"},
		{name: "for nothing said", data: one(func(c *x509.Certificate) { c.ExtKeyUsage = nil }), want: "client authentication"},
		{name: "empty", want: "not a CERTIFICATE"},
		{name: "no PEM", data: []byte("x"), want: "not a CERTIFICATE"},
		{name: "another kind of PEM", data: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"}), want: "not a CERTIFICATE"},
		{name: "broken", data: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), want: "parse certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			groups := []string{"ops", "dev"}
			if c.groups != nil {
				groups = c.groups
			}
			got, err := Judge(c.data, hashOf(t, key), "jane", groups)
			switch {
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
		c.KeyAlgorithm != spec.ECDSAP256 || c.NotAfter.Sub(c.NotBefore) != time.Hour || c.CredentialID != "X509SHA256="+hex.EncodeToString(sum[:]) {
		t.Errorf("%+v", c)
	}
}
