package outdir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/spec"
)

// Key is one entry of the journal: a private key from before its request was sent until its kubeconfig is written.
// It is secret.
type Key struct {
	Set     string    `json:"set"`
	Cluster string    `json:"cluster"` // UID of the cluster's kube-system namespace
	User    string    `json:"user"`
	Request string    `json:"request"` // name of the CertificateSigningRequest
	Created time.Time `json:"created"`
	PEM     string    `json:"privateKey"` // PKCS#8
}

// journalName is the file of a user's key for one cluster.
func journalName(user, cluster string) string {
	return strings.TrimSuffix(spec.FileName(user), ".kubeconfig") + "." + cluster + ".json"
}

// WriteKey puts a key into the journal, durably, in the place of an earlier one of the same user and cluster.
func (d *Dir) WriteKey(k Key) error {
	data, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the journal entry of %q: its fields cannot be written as JSON", k.User)
	}
	return d.writeFile(journalDir, journalName(k.User, k.Cluster), append(data, '\n'))
}

// ReadKey reads a key back.
func (d *Dir) ReadKey(user, cluster string) (Key, error) {
	return d.readKey(journalName(user, cluster))
}

func (d *Dir) readKey(name string) (Key, error) {
	path := filepath.Join(journalDir, name)
	data, err := d.read(path)
	if _, unfit := errors.AsType[unfitError](err); unfit {
		return Key{}, fmt.Errorf("%s: %w: move it away", d.join(path), err)
	}
	if err != nil {
		return Key{}, fmt.Errorf("read %s: %w", d.join(path), cause(err))
	}
	var k Key
	if err := json.Unmarshal(data, &k); err != nil {
		return Key{}, fmt.Errorf("read %s: it is not a journal entry: remove it if no run is to be resumed", d.join(path))
	}
	return k, nil
}

// DropKey removes a key from the journal.
func (d *Dir) DropKey(user, cluster string) error {
	return d.removeFile(journalDir, journalName(user, cluster))
}

// keys reads the public half of the journal for one set and cluster.
func (d *Dir) keys(set, cluster string) (map[string]plan.Key, error) {
	found := map[string]plan.Key{}
	if _, err := d.root.Lstat(journalDir); err != nil {
		return found, nil // no run has ever needed one
	}
	names, err := d.list(journalDir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "."+cluster+".json") || strings.HasPrefix(name, tempPrefix) {
			continue
		}
		k, err := d.readKey(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another run has just finished with it
		}
		if err != nil {
			return nil, err
		}
		if k.Set != set || k.Cluster != cluster {
			continue
		}
		key, err := credential.ParseKey([]byte(k.PEM))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", d.join(journalDir, name), err)
		}
		hash, err := credential.KeyHash(key.Public())
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", d.join(journalDir, name), err)
		}
		found[k.User] = plan.Key{User: k.User, KeyHash: hash, KeyAlgorithm: credential.AlgorithmOf(key.Public()), Request: k.Request, Created: k.Created}
	}
	return found, nil
}
