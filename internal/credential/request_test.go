package credential

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestNewRequest(t *testing.T) {
	key := newKey(t)
	for _, c := range []struct {
		user   string
		groups []string
	}{
		{"jane", nil},
		{"jane@shop.example", []string{"a", "b:c"}},
		{"Łukasz Żółć", []string{"日本"}},
		{"a,b+c=d\"e\\", []string{"x\x1by"}},
		{strings.Repeat("x", 300), nil},
	} {
		data, err := NewRequest(key, c.user, c.groups)
		if err != nil {
			t.Fatal(err)
		}
		got, err := VerifyRequest(data)
		if err != nil || got.User != c.user || !slices.Equal(got.Groups, c.groups) || got.KeyHash != hashOf(t, key) {
			t.Errorf("asked for %q in %q, the request says %+v, %v", c.user, c.groups, got, err)
		}
		if !MayName(data, []string{"nobody", c.user}) || MayName(data, []string{"nobody"}) || !MayName([]byte("x"), []string{"nobody"}) {
			t.Errorf("a request for %q is not known by its name", c.user)
		}
		block, rest := pem.Decode(data)
		parsed, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil || len(rest) > 0 {
			t.Fatal(err, rest)
		}
		if n := len(parsed.Extensions) + len(parsed.DNSNames) + len(parsed.EmailAddresses); n > 0 {
			t.Errorf("the request has %d extensions and names that nobody asked for", n)
		}
	}
}

func TestReadRequest(t *testing.T) {
	key := newKey(t)
	made := func(change func(*x509.CertificateRequest)) []byte {
		r := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "jane", Organization: []string{"dev"}}}
		change(r)
		der, err := x509.CreateCertificateRequest(rand.Reader, r, key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	}
	name := func(id asn1.ObjectIdentifier, values ...any) func(*x509.CertificateRequest) {
		return func(r *x509.CertificateRequest) {
			for _, v := range values {
				r.Subject.ExtraNames = append(r.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: id, Value: v})
			}
		}
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"a DNS name", made(func(r *x509.CertificateRequest) { r.DNSNames = []string{"x"} }), "alternative names"},
		{"a mail address", made(func(r *x509.CertificateRequest) { r.EmailAddresses = []string{"a@b"} }), "alternative names"},
		{"an IP address", made(func(r *x509.CertificateRequest) { r.IPAddresses = []net.IP{net.IPv4(1, 2, 3, 4)} }), "alternative names"},
		{"a URI", made(func(r *x509.CertificateRequest) { r.URIs = []*url.URL{{Scheme: "x", Host: "y"}} }), "alternative names"},
		{"a name of a kind that package x509 does not read", made(func(r *x509.CertificateRequest) {
			r.ExtraExtensions = []pkix.Extension{{Id: oidSubjectAltName, Value: []byte{0x30, 0x04, 0x88, 0x02, 0x2a, 0x03}}} // registeredID 1.2.3
		}), "alternative names"},
		{"no common name", made(func(r *x509.CertificateRequest) { r.Subject.CommonName = "" }), "0 common names"},
		{"two common names", made(name(oidCommonName, "root", "jane")), "2 common names"},
		{"a country", made(func(r *x509.CertificateRequest) { r.Subject.Country = []string{"PL"} }), "2.5.4.6"},
		{"an organization that is no text", made(name(oidOrganization, 7)), "2.5.4.10"},
		{"nothing", nil, "not a CERTIFICATE REQUEST"},
		{"another kind of PEM", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"}), "not a CERTIFICATE REQUEST"},
		{"broken", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{1}}), "parse PKCS#10"},
	} {
		for way, read := range map[string]func([]byte) (Request, error){"ParseRequest": ParseRequest, "VerifyRequest": VerifyRequest} {
			if got, err := read(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s of %s: %+v, %v; want %q", way, c.name, got, err, c.want)
			}
		}
	}
}

// Only the holder of the key can have made a request that verifies.
func TestVerifyRequestSignature(t *testing.T) {
	data, err := NewRequest(newKey(t), "jane", []string{"dev"})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	at := strings.Index(string(block.Bytes), "jane")
	copy(block.Bytes[at:], "root")
	forged := pem.EncodeToMemory(block)
	if got, err := ParseRequest(forged); err != nil || got.User != "root" {
		t.Fatalf("the forgery cannot be read, so this tests nothing: %+v, %v", got, err)
	}
	if got, err := VerifyRequest(forged); err == nil || !strings.Contains(err.Error(), "self-signature") {
		t.Errorf("a forged request is verified: %+v, %v", got, err)
	}
}
