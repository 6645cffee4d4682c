package plan

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"provision/internal/recipient"
	"provision/internal/usersfile"
)

const (
	day     = 24 * time.Hour
	setName = "team"
)

// noon is when the plans of these tests are made.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// keyHash is the hash of a public key that never was; the same text gives the same.
func keyHash(of string) string {
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:])
}

// wanted is a user of the file: 30 days, ECDSA-P256, renewed in the last third.
func wanted(name string, groups ...string) User {
	slices.Sort(groups)
	e := Endpoint{Name: "prod", Server: "https://prod:6443", CertificateAuthorityData: []byte("CA")}
	return User{
		Pos:         usersfile.Pos{File: "users.yaml", Line: 1, Column: 1},
		Subject:     Subject{"User", name},
		Certificate: Certificate{User: name, Groups: groups, KeyAlgorithm: usersfile.ECDSAP256, Duration: 30 * day},
		Kubeconfig:  Kubeconfig{File: usersfile.FileName(name), Context: name + "@prod", Namespace: "default", Endpoint: e},
		RenewBefore: usersfile.RenewBefore{Share: 1. / 3},
	}
}

// signedAt is the certificate that the stock signer makes of a wanted one at a time: it begins five minutes earlier, and
// they are taken off a life of eight hours or more.
func signedAt(want Certificate, key string, at time.Time) *Certificate {
	c := want
	c.Groups = slices.Clone(want.Groups)
	c.KeyHash, c.Serial, c.CredentialID = key, key[:8], "X509SHA256="+key
	c.NotBefore = at.Add(-backdate)
	c.NotAfter = at.Add(want.Duration)
	if want.Duration >= 8*time.Hour {
		c.NotAfter = c.NotBefore.Add(want.Duration)
	}
	return &c
}

// fileOf is the kubeconfig of a user as it was written at a time.
func fileOf(u User, at time.Time) File {
	return File{
		Name: u.Kubeconfig.File, State: FileOurs, Owner: setName, Mode: 0o600, Kubeconfig: u.Kubeconfig, KeyMatches: true,
		Certificate: signedAt(u.Certificate, keyHash(u.Certificate.User), at),
	}
}

// recordOf is what the ledger says of a certificate.
func recordOf(c *Certificate, at time.Time) Record {
	return Record{
		User: c.User, Groups: c.Groups, KeyHash: c.KeyHash, Request: RequestName(setName, c.User, c.KeyHash),
		Duration: c.Duration, Intended: at, By: "admin", SealedTo: public(c.SealedTo),
	}.complete(c)
}

// requestOf is the request that a user's key makes.
func requestOf(u User, key string, state RequestState, at time.Time) Request {
	c := u.Certificate
	r := Request{
		Name: RequestName(setName, c.User, key), UID: types.UID("uid-" + key[:8]), State: state, KeyHash: key,
		User: c.User, Groups: slices.Clone(c.Groups), Duration: c.Duration, Conforms: true,
	}
	if state == Issued {
		r.Certificate = signedAt(c, key, at)
	}
	return r
}

// journalKey is the key of a request that was made and not finished.
func journalKey(u User, key string) Key {
	return Key{
		KeyHash: key, KeyAlgorithm: u.Certificate.KeyAlgorithm, Request: RequestName(setName, u.Certificate.User, key),
		Place: u.Certificate.Key, SealedTo: public(u.Certificate.SealedTo),
	}
}

// world is what a plan is computed from.
type world struct {
	Desired
	Observed
	Allow int // deletions that are agreed to
}

// settled is a world in which every user has what the file says since issued, and nothing is to be done.
func settled(issued time.Time, users ...User) world {
	w := world{
		Desired{Set: setName, Digest: "sha256:1", Users: users, LedgerNamespace: "provision-system"},
		Observed{Files: map[string]File{}, Keys: map[string]Key{}, LedgerNamespace: true, BindingOwners: map[ObjectKey]string{}, RoleOwners: map[ObjectKey]string{}},
		0,
	}
	for _, u := range users {
		f := fileOf(u, issued)
		w.Files[u.Certificate.User] = f
		w.Ledger = append(w.Ledger, recordOf(f.Certificate, issued))
	}
	return w
}

// recorded makes the ledger say what the certificates in the files do.
func (w world) recorded() {
	for i, r := range w.Ledger {
		if c := w.Files[r.User].Certificate; c != nil && c.User == r.User && c.KeyHash == r.KeyHash {
			w.Ledger[i] = r.complete(c)
			w.Ledger[i].Groups = c.Groups
		}
	}
}

func (w world) plan() Plan { return w.planAt(noon) }

func (w world) planAt(now time.Time) Plan {
	p := Compute(w.Desired, w.Observed, now)
	Agree([]*Plan{&p}, w.Allow)
	return p
}

// file changes the file of jane.
func (w world) file(change func(*File)) {
	f := w.Files["jane"]
	change(&f)
	w.Files["jane"] = f
}

// fresh makes jane new: no file, no record.
func (w *world) fresh() {
	delete(w.Files, "jane")
	w.Ledger = nil
}

// janeOf returns what a plan does for jane.
func janeOf(t *testing.T, p Plan) UserChange {
	t.Helper()
	for _, u := range p.Users {
		if u.Name == "jane" {
			return u
		}
	}
	t.Fatalf("the plan has no jane: %+v", p)
	return UserChange{}
}

func codes(reasons []Reason) []ReasonCode {
	var list []ReasonCode
	for _, r := range reasons {
		list = append(list, r.Code)
	}
	return list
}

func problemCodes(p Plan) []ProblemCode {
	var list []ProblemCode
	for _, problem := range p.Problems {
		list = append(list, problem.Code)
	}
	return list
}

func warningCodes(p Plan) []WarningCode {
	var list []WarningCode
	for _, w := range p.Warnings {
		list = append(list, w.Code)
	}
	return list
}

func testCA(t testing.TB, name string, id []byte) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: noon, NotAfter: noon.Add(day),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: id,
	}
	return testSigned(t, template, template, key.Public().(*ecdsa.PublicKey), key), key
}

func testLeaf(t testing.TB, ca *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "jane"}, NotBefore: noon, NotAfter: noon.Add(day)}
	return testSigned(t, template, ca, &own.PublicKey, key)
}

func testSigned(t testing.TB, template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func texts(subjects []Subject) []string {
	var list []string
	for _, s := range subjects {
		list = append(list, s.String())
	}
	return list
}

// sealedTo are recipients.
func sealedTo(fingerprints ...string) []recipient.Recipient {
	var list []recipient.Recipient
	for _, f := range fingerprints {
		list = append(list, recipient.Recipient{Key: "age1" + f, Fingerprint: f, Comment: "comment"})
	}
	return list
}
