package chain

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type pair struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

// signed makes a certificate by parent, or by itself.
func signed(t *testing.T, parent *pair, template x509.Certificate) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = noon.Add(-time.Hour), noon.Add(time.Hour)
	}
	if parent == nil {
		parent = &pair{&template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent.Certificate, &key.PublicKey, parent.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return pair{c, key}
}

func named(name string) pkix.Name { return pkix.Name{CommonName: name} }

func authority(name string) x509.Certificate {
	return x509.Certificate{Subject: named(name), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
}

func client(name string) x509.Certificate {
	return x509.Certificate{Subject: named(name), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
}

func TestVerify(t *testing.T) {
	root := signed(t, nil, authority("root"))
	twin := authority("root")
	twin.SubjectKeyId = root.SubjectKeyId
	namesake := signed(t, nil, twin)
	unrelated := signed(t, nil, authority("unrelated"))
	upper := signed(t, &root, authority("upper"))
	lower := signed(t, &upper, authority("lower"))
	past := authority("past")
	past.NotBefore, past.NotAfter = noon.Add(-2*time.Hour), noon.Add(-time.Minute)
	ended := signed(t, &root, past)
	servers := authority("servers")
	servers.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	onlyServers := signed(t, &root, servers)
	noCA := signed(t, &root, client("no CA"))

	jane := client("jane")
	direct := signed(t, &root, jane)
	below := signed(t, &lower, jane)
	early := jane
	early.NotBefore, early.NotAfter = noon.Add(time.Minute), noon.Add(time.Hour)
	late := jane
	late.NotBefore, late.NotAfter = noon.Add(-time.Hour), noon.Add(-30*time.Minute)

	list := func(pairs ...pair) []*x509.Certificate {
		all := []*x509.Certificate{}
		for _, p := range pairs {
			all = append(all, p.Certificate)
		}
		return all
	}
	for _, c := range []struct {
		name           string
		leaf           pair
		further, roots []*x509.Certificate
		ok             bool
	}{
		{"signed by the root", direct, nil, list(root), true},
		{"one of two roots, while they rotate", direct, nil, list(unrelated, root), true},
		{"another root", direct, nil, list(unrelated), false},
		{"a root with the same name and key identifier", direct, nil, list(namesake), false},
		{"both of them", direct, nil, list(namesake, root), true},
		{"no root", direct, nil, list(), false},

		{"two intermediates", below, list(lower, upper), list(root), true},
		{"in the other order", below, list(upper, lower), list(root), true},
		{"twice each", below, list(lower, upper, lower, upper), list(root), true},
		{"the root in the chain", below, list(lower, upper, root), list(root), true},
		{"an unrelated CA beside", below, list(unrelated, lower, upper), list(root), true},
		{"itself in the chain", below, list(below, lower, upper), list(root), true},
		{"an intermediate is missing", below, list(lower), list(root), false},
		{"no intermediate", below, nil, list(root), false},
		{"an intermediate is what the API server trusts", below, list(lower), list(upper), true},
		{"the root is in the chain only", below, list(lower, upper, root), list(unrelated), false},
		{"an intermediate that has ended", signed(t, &ended, jane), list(ended), list(root), false},
		{"an intermediate for servers only", signed(t, &onlyServers, jane), list(onlyServers), list(root), false},
		{"an intermediate that is no CA", signed(t, &noCA, jane), list(noCA), list(root), false},

		{"a leaf that has not begun: not the question", signed(t, &root, early), nil, list(root), true},
		{"a leaf that has ended: not the question", signed(t, &root, late), nil, list(root), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			further := slices.Clone(c.further)
			if err := NewRoots(c.roots).Verify(c.leaf.Certificate, further, noon); (err == nil) != c.ok {
				t.Errorf("Verify = %v, want ok %v", err, c.ok)
			}
		})
	}
}

// Not to know the roots is not to have none, and neither are the system's.
func TestKnown(t *testing.T) {
	root := signed(t, nil, authority("root"))
	leaf := signed(t, &root, client("jane"))
	if NewRoots(nil).Known() || !NewRoots([]*x509.Certificate{}).Known() || !NewRoots([]*x509.Certificate{root.Certificate}).Known() {
		t.Error("Known is wrong")
	}
	if (Roots{}).Verify(leaf.Certificate, nil, noon) == nil {
		t.Error("a leaf leads to a root although none is known")
	}
}
