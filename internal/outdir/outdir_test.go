//go:build unix

package outdir

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"provision/internal/credential"
	"provision/internal/usersfile"
)

const (
	prod    = "uid-prod"
	staging = "uid-staging"
)

// secret is a key with a certificate for it.
type secret struct {
	key         crypto.Signer
	pem         []byte
	certificate []byte
	hash        string
}

func newSecret(t testing.TB, user string) secret {
	t.Helper()
	key, err := credential.NewKey(usersfile.ECDSAP256)
	check(t, err)
	s := secret{key: key}
	s.pem, err = credential.MarshalKey(key)
	check(t, err)
	s.hash, err = credential.KeyHash(key.Public())
	check(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: user, Organization: []string{"dev"}}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	check(t, err)
	s.certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// entry is what an apply writes for a user.
func entry(cluster, user string, s secret) credential.Entry {
	return credential.Entry{
		Owner:   credential.Owner{User: user, Duration: time.Hour},
		Context: user + "@" + cluster, Namespace: "shop",
		Endpoint: usersfile.Endpoint{Name: cluster, Server: "https://" + cluster + ":6443", CertificateAuthorityData: []byte("CA")}, Certificate: s.certificate, Key: s.pem,
	}
}

func opened(t testing.TB, path string) *Dir {
	t.Helper()
	d, err := OpenWrite(t.Context(), path, time.Second)
	check(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func mode(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	check(t, err)
	return info.Mode()
}

// everything lists what is below a directory, apart from the lock and the journal's own folders.
func everything(t testing.TB, path string) []string {
	t.Helper()
	var list []string
	check(t, filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(path, p)
		if err == nil && !slices.Contains([]string{".", stateDir, journalDir, lockFile}, name) {
			list = append(list, name)
		}
		return err
	}))
	return list
}

// many writes n users' kubeconfigs, all with the same key: making keys is not what is measured.
func many(b *testing.B, n int) (*Dir, secret) {
	d := opened(b, b.TempDir())
	s := newSecret(b, "user")
	for i := range n {
		user := fmt.Sprintf("user-%05d", i)
		data, err := bytesOf("team", prod, entry(prod, user, s))
		check(b, err)
		check(b, os.WriteFile(d.File(user), data, 0o600))
	}
	return d, s
}

// bytesOf is the kubeconfig that has nothing but one entry.
func bytesOf(set, cluster string, e credential.Entry) ([]byte, error) {
	e.Owner.Set, e.Owner.Cluster = set, cluster
	k := credential.NewKubeconfig()
	if err := k.Put(e); err != nil {
		return nil, err
	}
	return k.Bytes()
}
