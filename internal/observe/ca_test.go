package observe

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"provision/internal/plan"
)

// A CA is not given up because the certificate that is shown to the API server has not begun, has ended, or would do
// so by a clock that is a little off.
func TestSignedBy(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	keys := make(map[*x509.Certificate]*ecdsa.PrivateKey)
	signed := func(name string, parent *x509.Certificate, from, to time.Duration) *x509.Certificate {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(from), NotAfter: now.Add(to),
			IsCA: parent == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		}
		key := keys[parent]
		if parent == nil {
			parent = template
			var err error
			if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
				t.Fatal(err)
			}
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		keys[c] = key
		return c
	}
	ca, other := signed("ca", nil, -time.Hour, time.Hour), signed("other", nil, -time.Hour, time.Hour)
	ours := func(leaf *x509.Certificate) plan.File {
		return plan.File{State: plan.FileOurs, Certificate: &plan.Certificate{NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter}, Leaf: leaf.Raw, KeyMatches: true}
	}
	mismatch := ours(signed("x", ca, -time.Hour, time.Hour))
	mismatch.KeyMatches = false
	files := map[string]plan.File{
		"ann":   ours(signed("ann", ca, 5*time.Minute, time.Hour)),
		"bob":   ours(signed("bob", ca, -time.Hour, -time.Minute)),
		"carl":  ours(signed("carl", ca, -time.Minute, time.Hour)),
		"dora":  ours(signed("dora", ca, -20*time.Minute, 20*time.Minute)),
		"ed":    ours(signed("ed", ca, -time.Hour, time.Minute)),
		"flo":   ours(signed("flo", other, -time.Hour, time.Hour)),
		"gus":   mismatch,
		"hanna": {State: plan.FileOurs},
	}
	if got := strings.Join(signedBy(ca, files, now), " "); got != "dora carl ed" {
		t.Errorf("signedBy = %q; want those furthest from both ends first", got)
	}
	for _, user := range []string{"carl", "dora", "ed"} {
		delete(files, user)
	}
	if got := signedBy(ca, files, now); len(got) > 0 {
		t.Errorf("signedBy = %q; nobody has a living certificate of this CA", got)
	}
}
