// Package cabundle reads the CA certificates that a kubeconfig trusts, as PEM, and writes them in one form.
//
// People put other things into such a bundle beside the certificates: text that describes them, and by mistake the CA's private
// key, which kubectl and crypto/x509 skip without a word. Nothing but certificates leaves this package.
package cabundle

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// block is the type of the PEM blocks that a bundle consists of.
const block = "CERTIFICATE"

// begin is how a PEM block begins.
var begin = []byte("-----BEGIN")

// Normalize returns the certificates of a bundle as PEM with a line feed at the end of each line, in their order and
// each once. Text between the blocks is left out. An empty bundle is an error; so is a block of another type, whose error names
// the type, and a block that cannot be read. No error quotes the content of a block, which may be a secret.
func Normalize(data []byte) ([]byte, error) {
	list, err := parse(data)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, der := range list {
		if err := pem.Encode(&b, &pem.Block{Type: block, Bytes: der}); err != nil {
			return nil, fmt.Errorf("encode a certificate: %w", err)
		}
	}
	return b.Bytes(), nil
}

// Equal reports whether two bundles have the same certificates, in whatever order and however they are written. A bundle
// that Normalize refuses equals only its own bytes.
func Equal(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := parse(a)
	y, errY := parse(b)
	if errX != nil || errY != nil {
		return false
	}
	slices.SortFunc(x, bytes.Compare)
	slices.SortFunc(y, bytes.Compare)
	return slices.EqualFunc(x, y, bytes.Equal)
}

// Fingerprints returns the SHA-256 of each certificate of a bundle in its order, as openssl x509 -fingerprint -sha256 prints it:
// people compare it. A bundle that Normalize refuses, or an empty one, has none.
func Fingerprints(data []byte) []string {
	list, err := parse(data)
	if err != nil {
		return nil
	}
	var all []string
	for _, der := range list {
		sum := sha256.Sum256(der)
		all = append(all, strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":"))
	}
	return all
}

// parse returns the certificates of a bundle as DER, in their order and each once. Its errors are those of Normalize.
func parse(data []byte) ([][]byte, error) {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return nil, errors.New("it is empty")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")), bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return nil, errors.New("it begins with a byte order mark: save it as plain text (UTF-8 without BOM)")
	case !bytes.Contains(data, begin):
		if _, err := x509.ParseCertificates(data); err == nil {
			return nil, errors.New("it is a certificate in DER form, not PEM: openssl x509 -inform der -in FILE -out FILE.pem")
		}
		return nil, errors.New("no certificate is in it: it must be PEM, and begin with -----BEGIN CERTIFICATE-----")
	}
	var list [][]byte
	blocks, rest := 0, data
	for {
		var p *pem.Block
		if p, rest = pem.Decode(rest); p == nil {
			break
		}
		blocks++
		if p.Type != block {
			return nil, fmt.Errorf("it must hold certificates only, and holds a %s", strings.ToValidUTF8(p.Type, "?"))
		}
		if _, err := x509.ParseCertificate(p.Bytes); err != nil {
			return nil, fmt.Errorf("certificate %d in it cannot be read: %w", blocks, err)
		}
		if !slices.ContainsFunc(list, func(der []byte) bool { return bytes.Equal(der, p.Bytes) }) {
			list = append(list, p.Bytes)
		}
	}
	// pem.Decode passes over what it cannot read.
	if blocks < bytes.Count(data, begin) {
		return nil, errors.New("a PEM block in it is broken")
	}
	return list, nil
}
