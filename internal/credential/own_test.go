package credential

import (
	"bytes"
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 it is refused
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"provision/internal/usersfile"
)

// ownRequest is a request of bob's in the group dev, changed in some way before it is signed.
func ownRequest(t testing.TB, key crypto.Signer, change func(*x509.CertificateRequest)) []byte {
	t.Helper()
	r := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "bob", Organization: []string{"dev", "oncall"}}}
	if change != nil {
		change(r)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, r, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der})
}

// attributes signs a request of bob's whose attributes are these, as x509 makes none but extensions.
func attributes(t testing.TB, key crypto.Signer, list ...any) []byte {
	t.Helper()
	block, _ := pem.Decode(ownRequest(t, key, nil))
	parsed, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	var raw []asn1.RawValue
	for _, one := range list {
		der, err := asn1.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, asn1.RawValue{FullBytes: der})
	}
	body := struct {
		Version    int
		Subject    asn1.RawValue
		PublicKey  asn1.RawValue
		Attributes []asn1.RawValue `asn1:"tag:0,set"`
	}{0, asn1.RawValue{FullBytes: parsed.RawSubject}, asn1.RawValue{FullBytes: parsed.RawSubjectPublicKeyInfo}, raw}
	tbs, err := asn1.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	sum := crypto.SHA256.New()
	sum.Write(tbs)
	signature, err := key.Sign(rand.Reader, sum.Sum(nil), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		Body      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der})
}

// attribute is one as PKCS#10 has it.
type attribute struct {
	ID     asn1.ObjectIdentifier
	Values []string `asn1:"set"`
}

func TestJudgeOwnRequest(t *testing.T) {
	key := newKey(t)
	good := ownRequest(t, key, nil)
	secret, err := MarshalKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"as it was made":       good,
		"with text before it":  append([]byte("Certificate Request:\n    Data:\n"), good...),
		"as Windows writes it": bytes.ReplaceAll(good, []byte(" CERTIFICATE REQUEST"), []byte(" NEW CERTIFICATE REQUEST")),
		"with other line ends": bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")),
		"groups the other way": ownRequest(t, key, func(r *x509.CertificateRequest) { slices.Reverse(r.Subject.Organization) }),
		"a challenge password": attributes(t, key, attribute{oidChallengePassword, []string{"x"}}),
	} {
		r, err := JudgeOwnRequest(data, "bob", []string{"oncall", "dev"})
		if err != nil || r.KeyHash != hashOf(t, key) || r.KeyAlgorithm != usersfile.ECDSAP256 {
			t.Errorf("%s: %+v, %v", name, r, err)
			continue
		}
		if sent, err := VerifyRequest(r.PEM); err != nil || sent.KeyHash != r.KeyHash || !bytes.HasPrefix(r.PEM, []byte("-----BEGIN CERTIFICATE REQUEST-----\n")) {
			t.Errorf("%s: what would be sent is %+v, %v", name, sent, err)
		}
	}

	cut := slices.Concat(good[:100], []byte("\n"), good[104:])
	block, _ := pem.Decode(good)
	block.Bytes[bytes.Index(block.Bytes, []byte("bob"))] = 'B'
	altered := pem.EncodeToMemory(block)
	name := func(id asn1.ObjectIdentifier, values ...any) func(*x509.CertificateRequest) { // in place of all of its kind
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
		{"nothing", nil, "is no request"},
		{"a users file", []byte("kind: Users\n"), "is no request"},
		{"DER", block.Bytes, "is no request"},
		{"a private key", secret, "holds a private key"},
		{"a private key before it", slices.Concat(secret, good), "holds a private key"},
		{"a private key behind it", slices.Concat(good, secret), "holds a private key"},
		{"a broken private key", secret[:len(secret)-40], "holds a private key"},
		{"a key of OpenSSH", []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n"), "holds a private key"},
		{"an identity of age", []byte("AGE-SECRET-KEY-1QQQQ\n"), "holds a private key"},
		{"a certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}), "is a certificate"},
		{"other PEM", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte{1}}), "is PEM of another kind"},
		{"two requests", slices.Concat(good, good), "more than one"},
		{"half of one", good[:len(good)/2], "is PEM that is cut"},
		{"one with a line missing", cut, "is PEM that is cut"},
		{"no request within", pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: []byte{1, 2}}), "is no PKCS#10 request"},
		{"another name since it was signed", altered, "is not signed with its own key"},
		{"another user", ownRequest(t, key, func(r *x509.CertificateRequest) { r.Subject.CommonName = "root\x1b[0m" }), `is for the user "root\x1b[0m", not for "bob"`},
		{"no user", ownRequest(t, key, func(r *x509.CertificateRequest) { r.Subject.CommonName = "" }), "has 0 common names"},
		{"two users", ownRequest(t, key, name(oidCommonName, "alice", "bob")), "has 2 common names"},
		{"a user of a megabyte", ownRequest(t, key, func(r *x509.CertificateRequest) { r.Subject.CommonName = strings.Repeat("x", 1<<20) }), `x...", not for "bob"`},
		{"a group more", ownRequest(t, key, name(oidOrganization, "dev", "oncall", "admins")), `asks for the group "admins"`},
		{"many groups more", ownRequest(t, key, func(r *x509.CertificateRequest) { r.Subject.Organization = []string{"a", "b", "c", "d", "e"} }), `asks for the groups "a", "b", "c" and 2 more`},
		{"a group less", ownRequest(t, key, func(r *x509.CertificateRequest) { r.Subject.Organization = []string{"dev"} }), `lacks the group "oncall"`},
		{"a group twice", ownRequest(t, key, name(oidOrganization, "dev", "oncall", "dev")), "names a group twice"},
		{"a country", ownRequest(t, key, func(r *x509.CertificateRequest) { r.Subject.Country = []string{"PL"} }), "attribute 2.5.4.6"},
		{"a mail address in the subject", ownRequest(t, key, name(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, "bob@x")), "attribute 1.2.840.113549.1.9.1"},
		{"a DNS name", ownRequest(t, key, func(r *x509.CertificateRequest) { r.DNSNames = []string{"bob"} }), "asks for extensions"},
		{"an extension that x509 does not know", ownRequest(t, key, func(r *x509.CertificateRequest) {
			r.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}}
		}), "asks for extensions"},
		{"a list of no extensions", attributes(t, key, attribute{oidExtensionRequest, []string{}}), "asks for extensions"},
		{"an unknown attribute", attributes(t, key, attribute{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 2}, []string{"x"}}), "has the attribute 1.2.840.113549.1.9.2"},
		{"one behind a challenge password", attributes(t, key, attribute{oidChallengePassword, []string{"x"}}, attribute{asn1.ObjectIdentifier{1, 2, 3}, nil}), "has the attribute 1.2.3"},
		{"an attribute that is none", attributes(t, key, 7), "has an attribute that cannot be read"},
	} {
		r, err := JudgeOwnRequest(c.data, "bob", []string{"dev", "oncall"})
		if err == nil || !strings.Contains(err.Error(), c.want) || r.PEM != nil {
			t.Errorf("%s: %+v, %v; want %q", c.name, r, err, c.want)
		}
		if err != nil && (len(err.Error()) > 300 || strings.ContainsAny(err.Error(), "\x1b\n")) {
			t.Errorf("%s: %q", c.name, err)
		}
	}
}

// TestJudgeOwnKey holds which keys a person may bring.
func TestJudgeOwnKey(t *testing.T) {
	for _, algorithm := range usersfile.KeyAlgorithms() {
		key, err := NewKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := JudgeOwnRequest(ownRequest(t, key, nil), "bob", []string{"dev", "oncall"}); err != nil || r.KeyAlgorithm != algorithm {
			t.Errorf("%s: %+v, %v", algorithm, r, err)
		}
	}
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := JudgeOwnRequest(ownRequest(t, key, nil), "bob", []string{"dev", "oncall"}); err == nil || !strings.Contains(err.Error(), "must be P-256 or P-384") {
			t.Errorf("%s: %v", curve.Params().Name, err)
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := JudgeOwnRequest(ownRequest(t, key, nil), "bob", []string{"dev", "oncall"}); err == nil || !strings.Contains(err.Error(), "RSA key of 1024 bits") {
		t.Errorf("RSA-1024: %v", err)
	}
	for _, public := range []crypto.PublicKey{nil, &dsa.PublicKey{}} {
		if err := judgeKey(public); err == nil {
			t.Errorf("%T", public)
		}
	}
}

// FuzzJudgeOwnRequest holds that any bytes give a request that the API server would take for just that subject, or an error that
// quotes no key.
func FuzzJudgeOwnRequest(f *testing.F) {
	key := newKey(f)
	secret, err := MarshalKey(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ownRequest(f, key, nil))
	f.Add(attributes(f, key, attribute{oidChallengePassword, []string{"x"}}))
	f.Add(attributes(f, key, attribute{oidExtensionRequest, []string{}}))
	f.Add(secret)
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := JudgeOwnRequest(data, "bob", []string{"dev", "oncall"})
		if err != nil {
			if len(err.Error()) > 1000 || errors.Is(err, x509.ErrUnsupportedAlgorithm) || bytes.Contains(data, []byte("PRIVATE KEY")) && !strings.Contains(err.Error(), "holds a private key") {
				t.Errorf("%q", err)
			}
			return
		}
		sent, err := VerifyRequest(r.PEM)
		if err != nil || sent.User != "bob" || !slices.Equal(sent.Groups, []string{"dev", "oncall"}) || sent.KeyHash != r.KeyHash {
			t.Errorf("%+v, %v", sent, err)
		}
		if again, err := JudgeOwnRequest(r.PEM, "bob", []string{"oncall", "dev"}); err != nil || again.KeyHash != r.KeyHash {
			t.Errorf("again: %+v, %v", again, err)
		}
	})
}
