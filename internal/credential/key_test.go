package credential

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 a kind of key that is not supported is what the test needs
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"provision/internal/usersfile"
)

// newKey makes a key of the kind that is quickest to make.
func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := NewKey(usersfile.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func hashOf(t testing.TB, key crypto.Signer) string {
	t.Helper()
	hash, err := KeyHash(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// Every algorithm makes a key of its own name that survives PEM and signs a request with exactly what was asked.
func TestKeys(t *testing.T) {
	for _, algorithm := range usersfile.KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			key, err := NewKey(algorithm)
			if err != nil {
				t.Fatal(err)
			}
			if got := AlgorithmOf(key.Public()); got != algorithm {
				t.Errorf("the key is %s", got)
			}
			text, err := MarshalKey(key)
			if err != nil {
				t.Fatal(err)
			}
			want := "PRIVATE KEY"
			if strings.HasPrefix(string(algorithm), "ECDSA") {
				want = "EC PRIVATE KEY" // fabric8 reads no other form of it
			}
			if block, rest := pem.Decode(text); block == nil || block.Type != want || len(rest) > 0 {
				t.Errorf("written as %q and %d bytes", block.Type, len(rest))
			}
			older, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			if !SameKey(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: older})) {
				t.Error("PKCS#8 is taken for another key")
			}
			read, err := ParseKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if !key.(interface{ Equal(crypto.PrivateKey) bool }).Equal(read) {
				t.Error("another key is read than was written")
			}
			spki, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(spki)
			if want := hex.EncodeToString(sum[:]); hashOf(t, read) != want {
				t.Errorf("hash %s, want %s", hashOf(t, read), want)
			}
			request, err := NewRequest(key, "jane", []string{"ops", "dev"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := VerifyRequest(request)
			if err != nil || got.User != "jane" || !slices.Equal(got.Groups, []string{"dev", "ops"}) || got.KeyHash != hashOf(t, key) {
				t.Errorf("the request says %+v, %v", got, err)
			}
		})
	}
	a, b := must(MarshalKey(newKey(t))), must(MarshalKey(newKey(t)))
	if SameKey(a, b) || SameKey(a, nil) || SameKey(nil, nil) {
		t.Error("two keys are called the same")
	}
	if _, err := NewKey("RSA-1024"); err == nil {
		t.Error("a key of an algorithm that is not known was made")
	}
}

func TestAlgorithmOfOthers(t *testing.T) {
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key  crypto.PublicKey
		want usersfile.KeyAlgorithm
	}{{p521.Public(), "ECDSA-P521"}, {&dsa.PublicKey{}, "*dsa.PublicKey"}} {
		if got := AlgorithmOf(c.key); got != c.want {
			t.Errorf("%T is %s, want %s", c.key, got, c.want)
		}
	}
	if _, err := KeyHash(&dsa.PublicKey{}); err == nil {
		t.Error("a key of an unknown kind has a hash")
	}
}

// People put keys of older forms into kubeconfigs, and text around them.
func TestParseKey(t *testing.T) {
	ec := newKey(t).(*ecdsa.PrivateKey)
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	as := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	for name, text := range map[string][]byte{
		"SEC 1":             as("EC PRIVATE KEY", sec1),
		"PKCS#1":            as("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r)),
		"parameters before": append(as("EC PARAMETERS", []byte{6, 8, 42}), as("EC PRIVATE KEY", sec1)...),
		"text before":       append([]byte("Bag Attributes\n"), as("EC PRIVATE KEY", sec1)...),
	} {
		if _, err := ParseKey(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	agreement, err := x509.MarshalPKCS8PrivateKey(must(ec.ECDH()))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "MIGHAgEAMBMGByqGSM49"
	for name, text := range map[string][]byte{
		"nothing":          nil,
		"no PEM":           []byte(secret),
		"a certificate":    as("CERTIFICATE", []byte("x")),
		"broken PKCS#8":    as("PRIVATE KEY", []byte(secret)),
		"broken SEC 1":     as("EC PRIVATE KEY", []byte(secret)),
		"broken PKCS#1":    as("RSA PRIVATE KEY", []byte(secret)),
		"encrypted PKCS#8": as("ENCRYPTED PRIVATE KEY", []byte(secret)),
	} {
		if key, err := ParseKey(text); err == nil {
			t.Errorf("%s: read as %T", name, key)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}
	if _, err := ParseKey(as("PRIVATE KEY", agreement)); err != nil { // P-256 for agreement is the same PKCS#8 as for signing
		t.Errorf("%v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
