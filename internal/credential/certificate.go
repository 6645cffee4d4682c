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

	"provision/internal/usersfile"
)

// Certificate is what a client certificate says.
type Certificate struct {
	User         string
	Groups       []string // sorted
	KeyAlgorithm usersfile.KeyAlgorithm
	KeyHash      string // as KeyHash returns it
	CredentialID string // "X509SHA256=" and hex: authentication.kubernetes.io/credential-id in audit logs
	Serial       string // hex
	NotBefore    time.Time
	NotAfter     time.Time
	Leaf         *x509.Certificate
	Further      []*x509.Certificate // the certificates behind it: the intermediates of its chain, and any others
}

// ParseCertificate reads a PEM text: first the leaf, and behind it the rest of its chain. PEM blocks behind the leaf that are no
// certificates are passed over; a certificate that cannot be read is an error.
func ParseCertificate(data []byte) (Certificate, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return Certificate{}, errors.New("not a CERTIFICATE in PEM form")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Certificate{}, fmt.Errorf("parse certificate: %w", err)
	}
	var further []*x509.Certificate
	for block, rest = pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue // no client sends it
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil { // clients send it, and no API server goes on behind it
			return Certificate{}, fmt.Errorf("parse certificate %d of the chain: %w", len(further)+2, err)
		}
		further = append(further, c)
	}
	id := sha256.Sum256(leaf.Raw)
	c := Certificate{
		User:         leaf.Subject.CommonName,
		Groups:       slices.Clone(leaf.Subject.Organization),
		KeyAlgorithm: AlgorithmOf(leaf.PublicKey),
		KeyHash:      hexSHA256(leaf.RawSubjectPublicKeyInfo),
		CredentialID: "X509SHA256=" + hex.EncodeToString(id[:]),
		Serial:       leaf.SerialNumber.Text(16),
		NotBefore:    leaf.NotBefore,
		NotAfter:     leaf.NotAfter,
		Leaf:         leaf,
		Further:      further,
	}
	slices.Sort(c.Groups)
	return c, nil
}
