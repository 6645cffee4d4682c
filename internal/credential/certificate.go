package credential

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"provision/internal/spec"
)

// Certificate is what a client certificate says.
type Certificate struct {
	User         string
	Groups       []string // sorted
	KeyAlgorithm spec.KeyAlgorithm
	KeyHash      string
	CredentialID string // "X509SHA256=" and hex: authentication.kubernetes.io/credential-id in audit logs
	Serial       string // hex
	NotBefore    time.Time
	NotAfter     time.Time
	Leaf         *x509.Certificate
}

// ParseCertificate reads the first certificate of a PEM text: the leaf.
func ParseCertificate(data []byte) (Certificate, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return Certificate{}, errors.New("not a CERTIFICATE in PEM form")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Certificate{}, fmt.Errorf("parse certificate: %w", err)
	}
	id := sha256.Sum256(leaf.Raw)
	key := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	c := Certificate{
		User:         leaf.Subject.CommonName,
		Groups:       slices.Clone(leaf.Subject.Organization),
		KeyAlgorithm: AlgorithmOf(leaf.PublicKey),
		KeyHash:      hex.EncodeToString(key[:]),
		CredentialID: "X509SHA256=" + hex.EncodeToString(id[:]),
		Serial:       leaf.SerialNumber.Text(16),
		NotBefore:    leaf.NotBefore,
		NotAfter:     leaf.NotAfter,
		Leaf:         leaf,
	}
	slices.Sort(c.Groups)
	return c, nil
}

// Judge reads an issued certificate and says whether it is the one that was asked for: our key, exactly the subject
// CN = user and O = groups, no alternative names, fit for client authentication and for nothing of a CA. It does not
// look at the clock: this machine's may be wrong, and the API server decides by its own.
func Judge(data []byte, keyHash, user string, groups []string) (Certificate, error) {
	c, err := ParseCertificate(data)
	if err != nil {
		return c, err
	}
	if c.KeyHash != keyHash {
		return c, errors.New("the certificate is for another public key than ours")
	}
	name, orgs, err := subject(c.Leaf.Subject)
	if err != nil {
		return c, fmt.Errorf("the issued certificate: %w", err)
	}
	want := slices.Sorted(slices.Values(groups))
	if name != user || !slices.Equal(orgs, want) {
		return c, fmt.Errorf("the certificate is for user %q and groups %q, not for user %q and groups %q", name, orgs, user, want)
	}
	if len(c.Leaf.DNSNames)+len(c.Leaf.EmailAddresses)+len(c.Leaf.IPAddresses)+len(c.Leaf.URIs) > 0 {
		return c, errors.New("the certificate has alternative names that were not asked for")
	}
	if c.Leaf.IsCA {
		return c, errors.New("the certificate is a CA")
	}
	if !slices.Contains(c.Leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return c, errors.New("the certificate is not for client authentication")
	}
	return c, nil
}
