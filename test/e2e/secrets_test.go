package e2e_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/util/keyutil"
	"sigs.k8s.io/yaml"
)

// piece is how much of a secret gives it away: 96 bits of base64. Chance does
// not write that.
const piece = 16

// leak is a text that must not be in any output, and whose it is.
type leak struct{ text, of string }

// secrets takes every private key that is in a folder, in kubeconfigs and in
// the journal, and looks for any piece of it in the files.
//
//	[!] secrets FOLDER FILE...
//
// With ! there must be some in each file: so a script shows that it would find
// them.
func secrets(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] secrets FOLDER FILE...")
	}
	leaks, err := leaksOf(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(leaks) == 0 {
		ts.Fatalf("no private keys in %s", args[0])
	}
	ts.Logf("%d pieces of private keys", len(leaks))
	for _, name := range args[1:] {
		data := ts.ReadFile(name)
		data += dumped(data)
		found := marks(data)
		for _, l := range leaks {
			if strings.Contains(data, l.text) {
				found = append(found, l.of)
			}
		}
		switch {
		case len(found) > 0 && !neg:
			ts.Fatalf("%s holds secrets: %s", name, strings.Join(found, ", "))
		case len(found) == 0 && neg:
			ts.Fatalf("%s holds no secrets", name)
		}
	}
}

// dumpLine is a line of a hexadecimal dump, as client-go logs binary bodies.
var dumpLine = regexp.MustCompile(`(?m)^\s*[0-9a-f]{8}  ((?:[0-9a-f]{2} {1,2}){1,16})`)

// dumped is what the hexadecimal dumps in a log say.
func dumped(log string) string {
	var b strings.Builder
	for _, line := range dumpLine.FindAllStringSubmatch(log, -1) {
		bytes, err := hex.DecodeString(strings.ReplaceAll(line[1], " ", ""))
		if err == nil {
			b.Write(bytes)
		}
	}
	return b.String()
}

// marks finds the head of any private key, as it is and in base64.
func marks(data string) []string {
	var found []string
	for _, mark := range []string{"PRIVATE KEY", "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRV", "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS"} {
		if strings.Contains(data, mark) {
			found = append(found, "a mark "+mark)
		}
	}
	return found
}

// leaksOf gathers the pieces of every key below a folder.
func leaksOf(dir string) ([]leak, error) {
	var leaks []leak
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var keys [][]byte
		switch filepath.Ext(path) {
		case ".kubeconfig":
			var config struct {
				Users []struct {
					User struct {
						Key []byte `json:"client-key-data"`
					}
				}
			}
			if err := yaml.Unmarshal(data, &config); err != nil {
				return nil // a broken one that a script has put there
			}
			for _, u := range config.Users {
				keys = append(keys, u.User.Key)
			}
		case ".key": // its owner's
			keys = append(keys, data)
		case ".json":
			var journal struct {
				PrivateKey string
			}
			if err := json.Unmarshal(data, &journal); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			keys = append(keys, []byte(journal.PrivateKey))
		}
		for _, key := range keys {
			if len(key) == 0 {
				continue
			}
			more, err := pieces(key, filepath.Base(path))
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			leaks = append(leaks, more...)
		}
		return nil
	})
	return leaks, err
}

// pieces cuts what is secret of a key, in each form in which it could be
// printed. The public half, which requests and certificates show, is left out.
func pieces(keyPEM []byte, of string) ([]leak, error) {
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, fmt.Errorf("no key in PEM form")
	}
	key, err := keyutil.ParsePrivateKeyPEM(keyPEM)
	if err != nil {
		return nil, err
	}
	var numbers [][]byte
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		d, err := k.Bytes()
		if err != nil {
			return nil, err
		}
		numbers = [][]byte{d}
	case ed25519.PrivateKey:
		numbers = [][]byte{k.Seed()}
	case *rsa.PrivateKey:
		numbers = [][]byte{k.D.Bytes(), k.Primes[0].Bytes(), k.Primes[1].Bytes()}
	}
	var leaks []leak
	add := func(text string) {
		for ; len(text) >= piece; text = text[piece/2:] {
			leaks = append(leaks, leak{text[:piece], of})
		}
	}
	for _, number := range numbers {
		begin := bytes.Index(block.Bytes, number)
		if begin < 0 {
			return nil, fmt.Errorf("the secret number is not in the key")
		}
		add(hex.EncodeToString(number))
		add(string(number))
		add(strings.ToUpper(hex.EncodeToString(number)))
		// In base64 a byte looks different at each of three offsets.
		for offset := range 3 {
			add(inside(append(make([]byte, offset), number...), offset, offset+len(number)))
		}
		// The PEM text once more in base64, as in a kubeconfig, but only what the
		// number decides: the rest of such a line may be public.
		first, last := secretChars(begin, begin+len(number))
		const width = 64 // of a line of PEM
		text := strings.Index(string(keyPEM), "\n") + 1
		for at := first / width * width; at < last; at += width {
			from, to := max(at, first), min(at+width, last)
			newlines := at / width
			add(inside(keyPEM, text+newlines+from, text+newlines+to))
		}
	}
	return leaks, nil
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
