package credential

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
)

// NewRequest makes a PKCS#10 request in PEM for CN = user and O = groups, signed with key.
func NewRequest(key crypto.Signer, user string, groups []string) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: user, Organization: groups},
	}, key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate request of %q: %w", user, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// Request is what a PKCS#10 request says.
type Request struct {
	User    string
	Groups  []string // sorted
	KeyHash string
}

// ParseRequest reads a PKCS#10 request in PEM. Anything in it beyond one common name and organizations is an error: the
// signer would copy it into the certificate. The self-signature is not checked: the API server does that before it
// takes a request (pkg/apis/certificates/validation:validateCSR), and nobody changes one afterwards.
func ParseRequest(data []byte) (Request, error) {
	parsed, err := decodeRequest(data)
	if err != nil {
		return Request{}, err
	}
	return readRequest(parsed)
}

// VerifyRequest is ParseRequest that takes nobody's word for the self-signature.
func VerifyRequest(data []byte) (Request, error) {
	parsed, err := decodeRequest(data)
	if err != nil {
		return Request{}, err
	}
	if err := parsed.CheckSignature(); err != nil {
		return Request{}, fmt.Errorf("check the self-signature of the PKCS#10 request: %w", err)
	}
	return readRequest(parsed)
}

func decodeRequest(data []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("not a CERTIFICATE REQUEST in PEM form")
	}
	parsed, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse PKCS#10 request: %w", err)
	}
	return parsed, nil
}

func readRequest(parsed *x509.CertificateRequest) (r Request, err error) {
	sum := sha256.Sum256(parsed.RawSubjectPublicKeyInfo)
	r.KeyHash = hex.EncodeToString(sum[:])
	if len(parsed.DNSNames)+len(parsed.EmailAddresses)+len(parsed.IPAddresses)+len(parsed.URIs) > 0 {
		return r, errors.New("the request asks for alternative names")
	}
	r.User, r.Groups, err = subject(parsed.Subject)
	return r, err
}

// subject reads a subject that consists of exactly one common name and organizations.
func subject(name pkix.Name) (user string, groups []string, err error) {
	names := 0
	for _, a := range name.Names {
		text, ok := a.Value.(string)
		switch {
		case ok && a.Type.Equal(oidCommonName):
			names++
			user = text
		case ok && a.Type.Equal(oidOrganization):
			groups = append(groups, text)
		default:
			return "", nil, fmt.Errorf("the subject has the attribute %s besides CN and O", a.Type)
		}
	}
	if names != 1 {
		return "", nil, fmt.Errorf("the subject has %d common names, want 1", names)
	}
	slices.Sort(groups)
	return user, groups, nil
}
