package outdir

import (
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

// journalName is the file of a user's key for one set and cluster. A name as long as a user's, a set's and a cluster's
// may not fit on a disk, so that the latter two are a hash: the content says who they are.
func journalName(set, user, cluster string) string {
	return journalUser(user) + journalEnd(set, cluster)
}

func journalEnd(set, cluster string) string {
	sum := sha256.Sum256([]byte(set + "/" + cluster)) // neither has a slash
	return "." + hex.EncodeToString(sum[:8]) + ".json"
}

// oldJournalName is the name by which provision knew it while it had one place for all sets.
func oldJournalName(user, cluster string) string { return journalUser(user) + oldJournalEnd(cluster) }

func oldJournalEnd(cluster string) string { return "." + cluster + ".json" }

func journalUser(user string) string { return strings.TrimSuffix(spec.FileName(user), ".kubeconfig") }

// WriteKey puts a key into the journal, durably, in the place of an earlier one of the same set, user and cluster.
func (d *Dir) WriteKey(k Key) error {
	data, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the journal entry of %q: its fields cannot be written as JSON", k.User)
	}
	return d.writeFile(journalDir, journalName(k.Set, k.User, k.Cluster), append(data, '\n'))
}

// ReadKey reads a key back.
func (d *Dir) ReadKey(set, user, cluster string) (Key, error) {
	name := journalName(set, user, cluster)
	k, err := d.readKey(name)
	if errors.Is(err, fs.ErrNotExist) { // written by an earlier version, and the directory was only opened to be read
		name = oldJournalName(user, cluster)
		k, err = d.readKey(name)
	}
	if err == nil && !k.of(set, user, cluster) {
		return Key{}, fmt.Errorf("read %s: the key is another user's: plan again", d.join(journalDir, name))
	}
	return k, err
}

// DropKey removes a key from the journal; one that is not there is no error. On a disk that does not tell Jane from
// jane, the other's stays.
func (d *Dir) DropKey(set, user, cluster string) error {
	name := journalName(set, user, cluster)
	k, err := d.readKey(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !k.of(set, user, cluster) {
		return nil
	}
	return d.removeFile(journalDir, name)
}

func (k Key) of(set, user, cluster string) bool {
	return k.Set == set && k.User == user && k.Cluster == cluster
}

// renameOld gives a key that stands under its old name its new one, unless a newer key has that already.
func (d *Dir) renameOld(name string, k Key) error {
	now := journalName(k.Set, k.User, k.Cluster)
	if name != oldJournalName(k.User, k.Cluster) {
		return nil
	}
	if _, err := d.root.Lstat(filepath.Join(journalDir, now)); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := d.root.Rename(filepath.Join(journalDir, name), filepath.Join(journalDir, now)); err != nil {
		return fmt.Errorf("rename %s: %w", d.join(journalDir, name), cause(err))
	}
	return nil
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
		ours, old := strings.HasSuffix(name, journalEnd(set, cluster)), strings.HasSuffix(name, oldJournalEnd(cluster))
		if !ours && !old || strings.HasPrefix(name, tempPrefix) {
			continue
		}
		k, err := d.readKey(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another run has just finished with it
		}
		if err != nil {
			return nil, err
		}
		if _, known := found[k.User]; known && !ours || !k.of(set, k.User, cluster) {
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
