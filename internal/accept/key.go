package accept

import (
	"fmt"
	"slices"

	"provision/internal/usersfile"
)

// KeyMissingError reports that the private key of a certificate is neither in its file nor given.
type KeyMissingError struct {
	Context, User string
	File          string // what provision calls the file with the key
}

// Error says it in words.
func (e *KeyMissingError) Error() string {
	return fmt.Sprintf("the private key of the context %q is with whoever asked for its certificate: it is not in the file", e.Context)
}

// Keys are private keys that the person gave, by the hash of their public half.
type Keys struct{ byHash map[string]given }

type given struct {
	pem  []byte // secret
	path string
}

// Add takes the private key in a text that was read at a path. Errors never quote the text.
func (k *Keys) Add(path string, text []byte) error {
	pem, hash, err := readKey(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if k.byHash == nil {
		k.byHash = map[string]given{}
	}
	k.byHash[hash] = given{pem, path}
	return nil
}

// Fill gives each entry its key, if it is among these. A key that is of no entry is an error: it is another one than the person
// thinks.
func (k *Keys) Fill(entries []Entry) error {
	used := map[string]bool{}
	for i, e := range entries {
		if one, ok := k.byHash[e.Of.KeyHash]; ok {
			entries[i].Key = one.pem
			used[e.Of.KeyHash] = true
		}
	}
	var unused []string
	for hash, one := range k.byHash {
		if !used[hash] {
			unused = append(unused, one.path)
		}
	}
	if len(unused) > 0 {
		slices.Sort(unused)
		return fmt.Errorf("%s: it is the key of no certificate in what was sent", unused[0])
	}
	return nil
}

// CheckKeys returns a KeyMissingError for the first entry whose key is needed, and neither here nor sealed. There is one change for
// each entry.
func CheckKeys(entries []Entry, changes []Change) error {
	for i, e := range entries {
		if changes[i].NeedsKey() && len(e.Key) == 0 && e.Sealed.Key == "" {
			return &KeyMissingError{e.Context, e.Of.User, usersfile.KeyFileName(e.Of.User)}
		}
	}
	return nil
}
