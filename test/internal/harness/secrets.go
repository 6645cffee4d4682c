package harness

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/client-go/util/keyutil"
)

// piece is how much of a secret gives it away: 96 bits of base64. Chance does
// not write that.
const piece = 16

// Secrets are what is secret of private keys, in pieces, and whose each piece is. Whatever has one of them in it has a good part of a key.
type Secrets map[[piece]byte]string

// Add takes a private key in PEM form, and whose it is. Its secret numbers are cut in each form in which they could be written.
// The public half, which requests and certificates show, is left out.
func (s Secrets) Add(keyPEM []byte, of string) error {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return fmt.Errorf("%s: no key in PEM form", of)
	}
	key, err := keyutil.ParsePrivateKeyPEM(keyPEM)
	if err != nil {
		return fmt.Errorf("%s: %w", of, err)
	}
	var numbers [][]byte
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		d, err := k.Bytes()
		if err != nil {
			return err
		}
		numbers = [][]byte{d}
	case ed25519.PrivateKey:
		numbers = [][]byte{k.Seed()}
	case *rsa.PrivateKey:
		numbers = [][]byte{k.D.Bytes(), k.Primes[0].Bytes(), k.Primes[1].Bytes()}
	}
	for _, number := range numbers {
		begin := bytes.Index(block.Bytes, number)
		if begin < 0 {
			return fmt.Errorf("%s: the secret number is not in the key", of)
		}
		s.cut(hex.EncodeToString(number), of)
		s.cut(string(number), of)
		s.cut(strings.ToUpper(hex.EncodeToString(number)), of)
		// In base64 a byte looks different at each of three offsets.
		for offset := range 3 {
			s.cut(inside(append(make([]byte, offset), number...), offset, offset+len(number)), of)
		}
		// The PEM text once more in base64, as in a kubeconfig, but only what the
		// number decides: the rest of such a line may be public.
		first, last := secretChars(begin, begin+len(number))
		const width = 64 // of a line of PEM
		text := strings.Index(string(keyPEM), "\n") + 1
		for at := first / width * width; at < last; at += width {
			from, to := max(at, first), min(at+width, last)
			newlines := at / width
			s.cut(inside(keyPEM, text+newlines+from, text+newlines+to), of)
		}
	}
	return nil
}

func (s Secrets) cut(text, of string) {
	for ; len(text) >= piece; text = text[piece/2:] {
		s[[piece]byte([]byte(text))] = of
	}
}

// In returns whose keys have a piece in data, and what looks like the head of any private key.
func (s Secrets) In(data []byte) []string {
	found := Marks(string(data))
	for at := range max(0, len(data)-piece+1) {
		if of, ok := s[[piece]byte(data[at:])]; ok && !slices.Contains(found, of) {
			found = append(found, of)
		}
	}
	return found
}

// Marks finds the head of any private key, as it is and in base64.
func Marks(data string) []string {
	var found []string
	for _, mark := range []string{"PRIVATE KEY", "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRV", "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS"} {
		if strings.Contains(data, mark) {
			found = append(found, "a mark "+mark)
		}
	}
	return found
}

// heads are how the base64 of private keys begins, of each kind and form, without a head of PEM.
var heads = regexp.MustCompile(`MHcCAQEEI|MIGkAgEBBD|MIG[A-Za-z0-9+/]AgEAMBAGByqGSM49|MIG[A-Za-z0-9+/]AgEAMBMGByqGSM49|MC4CAQAwBQYDK2Vw|MII[A-Za-z0-9+/]{3}IBA[AD]`)

// HoldsPrivateKey reports whether there is any private key in data, whosever it is: as text, as base64 of that, and as base64 of a key
// without a head.
func HoldsPrivateKey(data []byte) bool {
	return len(Marks(string(data))) > 0 || bytes.Contains(data, []byte("AGE-SECRET-KEY-")) || heads.Match(data)
}

// secretChars is which characters of the base64 of data data[begin:end] alone
// decides.
func secretChars(begin, end int) (first, last int) { return (begin*8 + 5) / 6, end * 8 / 6 }

// inside is that part of the base64 of data which data[begin:end] alone
// decides.
func inside(data []byte, begin, end int) string {
	first, last := secretChars(begin, end)
	return base64.RawStdEncoding.EncodeToString(data)[first:last]
}
