package accept

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"provision/internal/recipient"
)

// maxKey is how many bytes a private key may have.
const maxKey = 1 << 16

// Identities open what is sealed to a person. They are not safe for concurrent use.
type Identities struct {
	// Passphrase asks for the passphrase of a file. It is asked only for what is needed.
	Passphrase func(path string) ([]byte, error)

	list  []age.Identity
	paths []string
}

// NotOpenedError reports that a key is sealed to somebody else, or to another identity of the person.
type NotOpenedError struct {
	Context string
	To      []recipient.Recipient // by the word of the sender
	Tried   []string              // paths
}

// Error says it in words.
func (e *NotOpenedError) Error() string {
	tried := "you have no SSH key that could open it"
	if len(e.Tried) > 0 {
		tried = strings.Join(e.Tried, " and ") + " does not open it"
		if len(e.Tried) > 1 {
			tried = "none of " + strings.Join(e.Tried, ", ") + " opens it"
		}
	}
	to := ""
	if len(e.To) > 0 {
		to = " to"
		for i, one := range e.To {
			if i > 0 {
				to += ","
			}
			to += " " + one.String()
		}
	}
	return fmt.Sprintf("the private key of the context %q is sealed%s: %s", e.Context, to, tried)
}

// Add takes an age identity file, which may itself be encrypted with a passphrase, or an SSH private key, which was read at a path.
// Errors never quote the text.
func (i *Identities) Add(path string, text []byte) error {
	list, err := i.parse(path, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	i.list, i.paths = append(i.list, list...), append(i.paths, path)
	return nil
}

// AddDefaults takes the SSH keys that ssh would take by itself and age can use, as far as they are there.
func (i *Identities) AddDefaults() {
	home, err := os.UserHomeDir()
	if err != nil {
		return
	}
	for _, name := range []string{"id_ed25519", "id_rsa"} {
		path := filepath.Join(home, ".ssh", name)
		if text, err := readRegular(path, MaxFile); err == nil {
			_ = i.Add(path, text) // what cannot be used opens nothing, which is told
		}
	}
}

// parse reads the identities in a file.
func (i *Identities) parse(path string, text []byte) ([]age.Identity, error) {
	begin := bytes.TrimSpace(text)
	switch {
	case bytes.HasPrefix(begin, []byte("age-encryption.org/")), bytes.HasPrefix(begin, []byte(armor.Header)):
		return i.encrypted(path, text)
	case bytes.HasPrefix(begin, []byte("-----BEGIN")):
		one, err := i.ssh(path, text)
		return []age.Identity{one}, err
	case slices.ContainsFunc(bytes.Split(begin, []byte("\n")), func(line []byte) bool { return bytes.HasPrefix(line, []byte("AGE-PLUGIN-")) }):
		return nil, errors.New("it needs an age plugin, which is a program: open the key with age itself")
	}
	list, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil { // err quotes a line
		return nil, errors.New("it is neither an age identity nor an SSH private key that age can use")
	}
	return list, nil
}

// ssh reads an SSH private key. The passphrase of one that has one is asked for when a key is sealed to it.
func (i *Identities) ssh(path string, text []byte) (age.Identity, error) {
	unusable := errors.New("age cannot use it: it takes SSH keys of the kinds ssh-ed25519 and ssh-rsa")
	one, err := agessh.ParseIdentity(text)
	if locked, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		public := locked.PublicKey
		if public == nil { // the older form of keys does not say it
			beside, err := readRegular(path+".pub", MaxFile)
			if err == nil {
				public, _, _, _, err = ssh.ParseAuthorizedKey(beside)
			}
			if err != nil {
				return nil, fmt.Errorf("it has a passphrase, and its public key is needed at %s.pub", path)
			}
		}
		identity, err := agessh.NewEncryptedSSHIdentity(public, text, func() ([]byte, error) { return i.Passphrase(path) })
		if err != nil {
			return nil, unusable
		}
		return identity, nil
	}
	if err != nil { // err could quote it
		return nil, unusable
	}
	return one, nil
}

// encrypted reads an age identity file that is encrypted with a passphrase.
func (i *Identities) encrypted(path string, text []byte) ([]age.Identity, error) {
	passphrase, err := i.Passphrase(path)
	if err != nil {
		return nil, err
	}
	wrong := errors.New("it does not open with this passphrase")
	by, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, wrong
	}
	var from io.Reader = bytes.NewReader(text)
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header)) {
		from = armor.NewReader(bytes.NewReader(bytes.TrimSpace(text)))
	}
	plain, err := age.Decrypt(from, by)
	if err != nil {
		return nil, wrong
	}
	inner, err := readAll(path, plain, MaxFile)
	if err != nil {
		return nil, wrong
	}
	list, err := age.ParseIdentities(bytes.NewReader(inner))
	if err != nil {
		return nil, errors.New("what is encrypted in it is no age identity")
	}
	return list, nil
}

// Open gives an entry the private key that is sealed in it. A NotOpenedError says that it is sealed to none of these. One that
// opens and is not the key of the certificate is an error.
func (i *Identities) Open(e *Entry) error {
	if len(i.list) == 0 {
		return &NotOpenedError{e.Context, e.Sealed.To, i.paths}
	}
	plain, err := age.Decrypt(armor.NewReader(strings.NewReader(e.Sealed.Key)), i.list...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return &NotOpenedError{e.Context, e.Sealed.To, i.paths}
	}
	if err != nil {
		return fmt.Errorf("open the private key of the context %q: %w", e.Context, err)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxKey))
	if err != nil {
		return fmt.Errorf("open the private key of the context %q: %w", e.Context, err)
	}
	key, hash, err := readKey(text)
	if err != nil {
		return fmt.Errorf("what is sealed in the context %q is no private key: %w", e.Context, err)
	}
	if hash != e.Of.KeyHash {
		return fmt.Errorf("the private key that is sealed in the context %q is not that of its certificate", e.Context)
	}
	e.Key = key
	return nil
}
