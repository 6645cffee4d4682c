package cabundle

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// ca makes a self-signed certificate and its private key, as PEM.
func ca(t testing.TB, name string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

func TestNormalize(t *testing.T) {
	one, key := ca(t, "one")
	two, _ := ca(t, "two")
	der, _ := pem.Decode([]byte(one))
	broken := strings.Replace(key, "\n", "\n*", 1)
	for _, c := range []struct{ name, data, want, err string }{
		{"one", one, one, ""},
		{"two", one + two, one + two, ""},
		{"each once", one + two + one, one + two, ""},
		{"text around", "# the CA\n" + one + "\nand its successor:\n" + two + "end\n", one + two, ""},
		{"CRLF", strings.ReplaceAll(one, "\n", "\r\n"), one, ""},
		{"no line feed at the end", strings.TrimSpace(one), one, ""},
		{"headers", strings.Replace(one, "CERTIFICATE-----\n", "CERTIFICATE-----\nsecret: x\n\n", 1), one, ""},

		{"the key behind it", one + key, "", "holds a PRIVATE KEY"},
		{"the key before it", key + one, "", "holds a PRIVATE KEY"},
		{"a key that pem.Decode passes over", broken + one, "", "broken"},
		{"a key without its end", one + key[:len(key)-30], "", "broken"},
		{"another type", strings.ReplaceAll(one, "CERTIFICATE", "TRUSTED CERTIFICATE"), "", "holds a TRUSTED CERTIFICATE"},
		{"no certificate in the block", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "", "certificate 1 in it cannot be read"},
		{"DER", string(der.Bytes), "", "DER"},
		{"empty", " \n", "", "empty"},
		{"BOM", "\xef\xbb\xbf" + one, "", "byte order mark"},
		{"UTF-16", "\xff\xfe-\x00", "", "byte order mark"},
		{"text", "hello", "", "no certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Normalize([]byte(c.data))
			if c.err == "" && (err != nil || string(got) != c.want) {
				t.Errorf("%v, %s", err, got)
			}
			if c.err != "" && (err == nil || got != nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%v, want %s", err, c.err)
			}
			if err != nil && strings.Contains(err.Error(), key[40:60]) {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
}

func TestEqual(t *testing.T) {
	one, key := ca(t, "one")
	two, _ := ca(t, "two")
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{one, one, true},
		{one + two, "text\n" + strings.ReplaceAll(two+one, "\n", "\r\n"), true},
		{one, one + two, false},
		{one, "", false},
		{one, one + key, false}, // it must be written anew
		{"CA", "CA", true},
	} {
		if got := Equal([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}

// Whatever comes in, nothing but certificates comes out.
func FuzzNormalize(f *testing.F) {
	one, key := ca(f, "one")
	f.Add([]byte(one + key))
	f.Add([]byte("-----BEGIN " + one))
	f.Add([]byte("\n-----BEGIN PRIVATE KEY-----\n" + one))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := Normalize(data)
		if err != nil {
			if out != nil {
				t.Error("an error, and data")
			}
			return
		}
		for rest := out; len(rest) > 0; {
			var p *pem.Block
			if p, rest = pem.Decode(rest); p == nil || p.Type != "CERTIFICATE" || len(p.Headers) > 0 {
				t.Fatalf("%q", out)
			}
		}
		again, err := Normalize(out)
		if err != nil || !bytes.Equal(again, out) || !Equal(data, out) {
			t.Errorf("%v: %q, then %q", err, out, again)
		}
	})
}
