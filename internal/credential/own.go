package credential

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"provision/internal/usersfile"
)

// JudgeOwnRequest decides whether a certificate may be asked for with a request that a person has made with a key of their own: PKCS#10
// in PEM, signed with its key, for exactly this user and these groups, in any order, and for nothing else. Whatever else a request
// asked for, the signer could copy into the certificate. A challenge password, which openssl may have asked for, has no effect. The
// request that is returned is the same in the form that the API server takes. Errors quote nothing but names of a subject: a private
// key may be in the request's place.
func JudgeOwnRequest(data []byte, user string, groups []string) (usersfile.OwnRequest, error) {
	der, err := onlyRequest(data)
	if err != nil {
		return usersfile.OwnRequest{}, err
	}
	parsed, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return usersfile.OwnRequest{}, errors.New("is no PKCS#10 request that can be read") // err could quote it
	}
	if err := judgeKey(parsed.PublicKey); err != nil {
		return usersfile.OwnRequest{}, err
	}
	if err := parsed.CheckSignature(); err != nil {
		return usersfile.OwnRequest{}, errors.New("is not signed with its own key: it was altered, or cut")
	}
	if err := judgeAttributes(parsed.RawTBSCertificateRequest); err != nil {
		return usersfile.OwnRequest{}, err
	}
	if err := judgeAsked(parsed, user, groups); err != nil {
		return usersfile.OwnRequest{}, err
	}
	return usersfile.OwnRequest{
		PEM:          pem.EncodeToMemory(&pem.Block{Type: requestBlock, Bytes: der}),
		KeyHash:      hexSHA256(parsed.RawSubjectPublicKeyInfo),
		KeyAlgorithm: AlgorithmOf(parsed.PublicKey),
	}, nil
}

// requestBlock is the type of a request's PEM block.
const requestBlock = "CERTIFICATE REQUEST"

// onlyRequest returns the one request in a text, in DER.
func onlyRequest(data []byte) ([]byte, error) {
	if bytes.Contains(data, []byte("PRIVATE KEY")) || bytes.Contains(data, []byte("AGE-SECRET-KEY")) {
		return nil, errors.New("holds a private key, which nobody but its owner may have: delete it here and wherever it was sent, and have another made")
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil && bytes.Contains(data, []byte("-----BEGIN")):
		return nil, errors.New("is PEM that is cut or altered")
	case block == nil:
		return nil, errors.New("is no request: it must be PEM, and begin with -----BEGIN CERTIFICATE REQUEST-----")
	case strings.HasPrefix(block.Type, "CERTIFICATE") && block.Type != requestBlock:
		return nil, errors.New("is a certificate, not the request for one")
	case block.Type != requestBlock && block.Type != "NEW "+requestBlock: // Windows writes the latter
		return nil, errors.New("is PEM of another kind than CERTIFICATE REQUEST")
	case bytes.Contains(rest, []byte("-----BEGIN")):
		return nil, errors.New("holds more than one request")
	}
	return block.Bytes, nil
}

// judgeKey refuses a key that is too weak, too slow, or of a kind that not every client can use.
func judgeKey(public crypto.PublicKey) error {
	const smallest, largest = 2048, 4096
	switch k := public.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < smallest || n > largest {
			return fmt.Errorf("is for an RSA key of %d bits: must have at least %d and at most %d", n, smallest, largest)
		}
		return nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() || k.Curve == elliptic.P384() {
			return nil
		}
		return fmt.Errorf("is for a key on the curve %s: must be P-256 or P-384", k.Curve.Params().Name)
	case ed25519.PublicKey:
		return nil
	}
	return errors.New("is for a key of another kind than RSA, ECDSA or Ed25519")
}

// Attributes of a request.
var (
	oidChallengePassword = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 7}
	oidExtensionRequest  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 14}
)

// judgeAttributes refuses every attribute of a request but a challenge password. Package x509 passes over those that it does not know.
func judgeAttributes(der []byte) error {
	var request struct {
		Version    int
		Subject    asn1.RawValue
		PublicKey  asn1.RawValue
		Attributes []asn1.RawValue `asn1:"tag:0"`
	}
	if rest, err := asn1.Unmarshal(der, &request); err != nil || len(rest) > 0 {
		return errors.New("is no PKCS#10 request that can be read")
	}
	for _, raw := range request.Attributes {
		var attribute struct {
			ID     asn1.ObjectIdentifier
			Values asn1.RawValue
		}
		_, err := asn1.Unmarshal(raw.FullBytes, &attribute)
		switch {
		case err != nil:
			return errors.New("has an attribute that cannot be read")
		case attribute.ID.Equal(oidExtensionRequest):
			return errors.New("asks for extensions, such as other names: it must ask for none")
		case !attribute.ID.Equal(oidChallengePassword):
			return fmt.Errorf("has the attribute %s: it must have none but a challenge password", attribute.ID)
		}
	}
	return nil
}

// judgeAsked refuses a request for somebody else, or for other groups.
func judgeAsked(parsed *x509.CertificateRequest, user string, groups []string) error {
	name, orgs, err := subject(parsed.Subject)
	if err != nil {
		return fmt.Errorf("asks for another kind of subject: %w", err)
	}
	if name != user {
		return fmt.Errorf("is for the user %s, not for %q", quotedShort(name), user)
	}
	more := slices.DeleteFunc(slices.Clone(orgs), func(g string) bool { return slices.Contains(groups, g) })
	less := slices.DeleteFunc(slices.Sorted(slices.Values(groups)), func(g string) bool { return slices.Contains(orgs, g) })
	switch {
	case len(more) > 0:
		return fmt.Errorf("asks for %s, which the users file does not give to the certificate", groupTexts(more))
	case len(less) > 0:
		return fmt.Errorf("lacks %s, which the users file gives to the certificate", groupTexts(less))
	case len(orgs) != len(groups):
		return errors.New("names a group twice")
	}
	return nil
}

// groupTexts writes the first few of some groups.
func groupTexts(groups []string) string {
	const few = 3
	var list []string
	for _, g := range groups[:min(few, len(groups))] {
		list = append(list, quotedShort(g))
	}
	text := "the group " + strings.Join(list, ", ")
	if len(groups) > 1 {
		text = "the groups " + strings.Join(list, ", ")
	}
	if n := len(groups) - few; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// quotedShort quotes the beginning of a name: whoever made the request may have put anything there, of any length.
func quotedShort(name string) string {
	const most = 64
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "..."
	}
	return fmt.Sprintf("%q", name)
}
