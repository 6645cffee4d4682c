package outdir

import (
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// JournalEntry is a private key that is kept from before its request is sent until its kubeconfig is written. It is secret, unless
// the key is sealed. WriteKey fills in Set and Cluster.
type JournalEntry struct {
	Set     string    `json:"set"`
	Cluster string    `json:"cluster"` // UID of the cluster's kube-system namespace
	User    string    `json:"user"`
	Request string    `json:"request"` // name of the CertificateSigningRequest
	Created time.Time `json:"created"`
	PEM     string    `json:"privateKey,omitempty"` // of any form that credential.ParseKey reads; "": it is sealed

	// Of a key that is sealed: only its owner can make another request with it, so the one that is sent is kept.
	SealedKey string                `json:"sealedKey,omitempty"`
	SealedTo  []recipient.Recipient `json:"sealedTo,omitempty"`
	Asked     string                `json:"certificateRequest,omitempty"` // PEM
}

// public returns the public half of the key, and says where the private one is.
func (k JournalEntry) public() (plan.Key, error) {
	found := plan.Key{Request: k.Request}
	var public crypto.PublicKey
	if k.SealedKey != "" {
		key, err := credential.KeyOfRequest([]byte(k.Asked))
		if err != nil {
			return found, err
		}
		public, found.Place, found.SealedTo = key, plan.KeySealed, k.SealedTo
	} else {
		key, err := credential.ParseKey([]byte(k.PEM))
		if err != nil {
			return found, err
		}
		public = key.Public()
	}
	var err error
	found.KeyHash, err = credential.KeyHash(public)
	found.KeyAlgorithm = credential.AlgorithmOf(public)
	return found, err
}

// journalName returns the name of the file of a user's key. A name as long as a user's, a set's and a cluster's together may
// not fit on a disk, so the latter two are a hash, and the content names them.
func (s Set) journalName(user string) string {
	return strings.TrimSuffix(usersfile.FileName(user), ".kubeconfig") + s.journalEnd()
}

// journalEnd returns how the names of the set's keys for the cluster end. 64 bits of the hash tell sets apart; the content
// decides (see has).
func (s Set) journalEnd() string {
	sum := sha256.Sum256([]byte(s.name + "/" + s.cluster)) // neither has a slash
	return "." + hex.EncodeToString(sum[:8]) + ".json"
}

// WriteKey puts a user's key into the journal, durably, in the place of an earlier one.
func (s Set) WriteKey(k JournalEntry) error {
	k.Set, k.Cluster = s.name, s.cluster
	data, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the journal entry of %q: its fields cannot be written as JSON", k.User)
	}
	return s.dir.writeFile(journalDir, s.journalName(k.User), append(data, '\n'))
}

// ReadKey reads a user's key back. A key that is not there is an error of the kind fs.ErrNotExist.
func (s Set) ReadKey(user string) (JournalEntry, error) {
	name := s.journalName(user)
	k, err := s.dir.readKey(name)
	if err == nil && !s.has(k, user) {
		return JournalEntry{}, fmt.Errorf("read %s: the key is another user's: plan again", s.dir.join(journalDir, name))
	}
	return k, err
}

// DropKey removes a user's key from the journal. A key that is not there is no error. On a disk that does not tell Jane from
// jane, the other user's key stays.
func (s Set) DropKey(user string) error {
	name := s.journalName(user)
	k, err := s.dir.readKey(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !s.has(k, user) {
		return nil
	}
	return s.dir.removeFile(journalDir, name)
}

// has reports whether a key of the journal is one of the set's for a user.
func (s Set) has(k JournalEntry, user string) bool {
	return k.Set == s.name && k.User == user && k.Cluster == s.cluster
}

// readKey reads the file of that name in the journal. Its errors name the file and quote nothing of it.
func (d *Dir) readKey(name string) (JournalEntry, error) {
	path := filepath.Join(journalDir, name)
	data, err := d.read(path)
	if _, unfit := errors.AsType[unfitError](err); unfit {
		return JournalEntry{}, fmt.Errorf("%s: %w: move it away", d.join(path), err)
	}
	if err != nil {
		return JournalEntry{}, fmt.Errorf("read %s: %w", d.join(path), cause(err))
	}
	var k JournalEntry
	if err := json.Unmarshal(data, &k); err != nil {
		return JournalEntry{}, fmt.Errorf("read %s: it is not a journal entry: remove it if no run is to be resumed", d.join(path))
	}
	return k, nil
}

// keys reads the public half of the set's keys, by user. One that cannot be read is an error: it may be the one that matters.
func (s Set) keys() (map[string]plan.Key, error) {
	d, end, found := s.dir, s.journalEnd(), map[string]plan.Key{}
	if _, err := d.root.Lstat(journalDir); err != nil {
		return found, nil // no run has ever needed one
	}
	names, err := d.list(journalDir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, end) || strings.HasPrefix(name, tempPrefix) {
			continue
		}
		k, err := d.readKey(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another run has just finished with it
		}
		if err != nil {
			return nil, err
		}
		if !s.has(k, k.User) {
			continue
		}
		if found[k.User], err = k.public(); err != nil {
			return nil, fmt.Errorf("read %s: %w", d.join(journalDir, name), err)
		}
	}
	return found, nil
}
