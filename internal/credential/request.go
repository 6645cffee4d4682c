package credential

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}

	oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
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
	KeyHash string   // as KeyHash returns it
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

// KeyOfRequest returns the public key that a PKCS#10 request in PEM is for, whatever else it asks for.
func KeyOfRequest(data []byte) (crypto.PublicKey, error) {
	parsed, err := decodeRequest(data)
	if err != nil {
		return nil, err
	}
	return parsed.PublicKey, nil
}

// MayName reports whether a request may be for one of some users, and costs far less than ParseRequest, which tells. Where it cannot be
// decoded, it may.
func MayName(data []byte, users []string) bool {
	block, _ := pem.Decode(data)
	return block == nil || slices.ContainsFunc(users, func(user string) bool { return bytes.Contains(block.Bytes, []byte(user)) })
}

// VerifyRequest is ParseRequest that checks the self-signature too, and does not rely on the API server for that.
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

// decodeRequest reads a PKCS#10 request in PEM, whatever it asks for.
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

// readRequest returns what a request says. The key's hash is right also with an error.
func readRequest(parsed *x509.CertificateRequest) (r Request, err error) {
	r.KeyHash = hexSHA256(parsed.RawSubjectPublicKeyInfo)
	if hasAlternativeNames(parsed.Extensions) {
		return r, errors.New("the request asks for alternative names")
	}
	r.User, r.Groups, err = subject(parsed.Subject)
	return r, err
}

// hasAlternativeNames reports whether there is a subject alternative name of any kind. Package x509 reads only four kinds of
// them and passes over the others in silence.
func hasAlternativeNames(extensions []pkix.Extension) bool {
	return slices.ContainsFunc(extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidSubjectAltName) })
}

// subject reads a subject that consists of exactly one common name and organizations; groups are sorted.
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
