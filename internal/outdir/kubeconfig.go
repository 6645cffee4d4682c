package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Write writes a user's entry into their file, durably, beside the other entries in it. Of e.Owner only the user and the
// duration count: set and cluster are those of s. An unreadable file is moved aside, never overwritten. A file that provision
// did not make for this user is refused, and so is an entry of another set, unless that set is the one that gives the user up
// (from; "" is none).
func (s Set) Write(e credential.Entry, from string) error {
	d, name := s.dir, usersfile.FileName(e.Owner.User)
	e.Owner.Set, e.Owner.Cluster = s.name, s.cluster
	k, err := d.readKubeconfig(name)
	if err != nil {
		return err
	}
	if k == nil {
		return d.put(name, credential.NewKubeconfig(), e)
	}
	if have, ok := k.Entry(e.Owner.Cluster, e.Owner.User); ok && have.Owner.Set != e.Owner.Set && (from == "" || have.Owner.Set != from) {
		return fmt.Errorf("write %s: it belongs to the set %q", d.join(name), have.Owner.Set)
	} else if ok || k.Provisioned(e.Owner.User) {
		return d.put(name, k, e)
	}
	entries := k.Entries(e.Owner.Cluster)
	for _, have := range entries {
		if have.Owner.Set != e.Owner.Set || !strings.EqualFold(have.Owner.User, e.Owner.User) {
			return fmt.Errorf("write %s: its entry was made for another user: move it away", d.join(name))
		}
		k.Remove(e.Owner.Cluster, have.Owner.User) // Jane's is replaced by jane's where the disk takes them for one
	}
	if len(entries) > 0 {
		return d.put(name, k, e)
	}
	return fmt.Errorf("write %s: the file is there and provision did not make it for this user: move it away", d.join(name))
}

// Rewrite changes what a user's entry says about cluster, context and namespace, and keeps key, wherever that is, certificate and
// duration. Of e.Owner only the user counts. keyHash is that of the certificate which the plan saw: a file that was
// swapped since is refused.
func (s Set) Rewrite(e credential.Entry, keyHash string) error {
	d, name := s.dir, usersfile.FileName(e.Owner.User)
	e.Owner.Set, e.Owner.Cluster = s.name, s.cluster
	k, err := d.readKubeconfig(name)
	if err != nil {
		return err
	}
	if k == nil {
		return fmt.Errorf("rewrite %s: it has gone: plan again", d.join(name))
	}
	have, ok := k.Entry(e.Owner.Cluster, e.Owner.User)
	if !ok || have.Owner.Set != e.Owner.Set || !isFor(have, keyHash) {
		return fmt.Errorf("rewrite %s: it has changed since the plan: plan again", d.join(name))
	}
	e.Certificate, e.Key, e.KeyFile, e.Sealed, e.Owner.Duration = have.Certificate, have.Key, have.KeyFile, have.Sealed, have.Owner.Duration
	return d.put(name, k, e)
}

// isFor reports whether an entry's certificate is for a key.
func isFor(e credential.Entry, keyHash string) bool {
	c, err := credential.ParseCertificate(e.Certificate)
	return err == nil && c.KeyHash == keyHash
}

// Mark puts the owner's mark back into a user's file, where a tool has dropped it, onto the entry whose certificate is for the
// key of that hash. Of owner only the user and the duration count. An entry that has the mark is left as it is.
func (s Set) Mark(owner credential.Owner, keyHash string) error {
	d, name := s.dir, usersfile.FileName(owner.User)
	owner.Set, owner.Cluster = s.name, s.cluster
	k, err := d.readKubeconfig(name)
	if err != nil {
		return err
	}
	if k == nil {
		return fmt.Errorf("rewrite %s: it has gone: plan again", d.join(name))
	}
	if e, ok := k.Entry(owner.Cluster, owner.User); ok && isFor(e, keyHash) {
		return nil
	}
	for _, e := range k.Unmarked(owner.User) {
		if !isFor(e, keyHash) {
			continue
		}
		if err := k.Mark(e, owner); err != nil {
			return fmt.Errorf("rewrite %s: %w", d.join(name), err)
		}
		return d.write(name, k)
	}
	return fmt.Errorf("rewrite %s: it has changed since the plan: plan again", d.join(name))
}

// Remove takes a user's entry out of their file, and removes the file when nothing else is in it. A file that is not there is
// no error. An entry of another set stays: the user's own has gone already, and the other set's stands in its place. An entry
// of another user stays too: on a disk that does not tell Jane from jane, jane's new file stands in the place of Jane's.
func (s Set) Remove(user string) error {
	d, name := s.dir, usersfile.FileName(user)
	k, err := d.readKubeconfig(name)
	if err != nil || k == nil {
		return err
	}
	have, ok := k.Entry(s.cluster, user)
	if !ok && len(k.Entries(s.cluster)) > 0 || ok && have.Owner.Set != s.name {
		return nil
	}
	if !ok {
		return fmt.Errorf("remove %s: it has changed since the plan: plan again", d.join(name))
	}
	if k.Remove(s.cluster, user) {
		return d.removeFile(".", name)
	}
	return d.write(name, k)
}

// Forget takes a user's entry of the set for a cluster that is no more out of their file, and drops their key for that cluster
// from the journal. Of gone only the user and the cluster's UID count. If the entry's context was the current one, the user's
// entry for the cluster of s takes its place, where there is one. An entry that has gone already is no error.
func (s Set) Forget(gone plan.ClusterEntry) error {
	d, name, user := s.dir, usersfile.FileName(gone.User), gone.User
	k, err := d.readKubeconfig(name)
	if err != nil {
		return err
	}
	if err := d.Of(s.name, gone.Cluster).DropKey(user); err != nil || k == nil {
		return err
	}
	if e, ok := k.Entry(gone.Cluster, user); !ok || e.Owner.Set != s.name {
		return nil
	}
	if k.Remove(gone.Cluster, user) {
		return d.removeFile(".", name)
	}
	if e, ok := k.Entry(s.cluster, user); ok {
		k.Use(e.Context)
	}
	return d.write(name, k)
}

// put puts an entry into a kubeconfig and writes that to the file of this name.
func (d *Dir) put(name string, k *credential.Kubeconfig, e credential.Entry) error {
	if err := k.Put(e); err != nil {
		return fmt.Errorf("write %s: %w", d.join(name), err)
	}
	return d.write(name, k)
}

// write writes a kubeconfig to the file of this name.
func (d *Dir) write(name string, k *credential.Kubeconfig) error {
	data, err := k.Bytes()
	if err != nil {
		return fmt.Errorf("write %s: %w", d.join(name), err)
	}
	return d.writeFile(".", name, data)
}

// readKubeconfig reads the file of this name, to change it. It returns nil when there is no file, or when the file was no
// kubeconfig and has been moved aside.
func (d *Dir) readKubeconfig(name string) (*credential.Kubeconfig, error) {
	data, err := d.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if _, unfit := errors.AsType[unfitError](err); unfit {
		return nil, fmt.Errorf("%s: %w: move it away", d.join(name), err)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.join(name), cause(err))
	}
	k, err := credential.ParseKubeconfig(data)
	if err == nil {
		return k, nil
	}
	// There may be a living key in it, and others may be allowed to read it. A chmod would reach every other name that the file
	// has, so a private copy is kept instead.
	aside := name + ".unreadable-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := d.writeFile(".", aside, data); err != nil {
		return nil, fmt.Errorf("move the unreadable %s aside: %w", d.join(name), err)
	}
	return nil, d.removeFile(".", name)
}

// Entry returns a user's entry of the set for the cluster, with their key if it is here, for logging in as they would.
func (s Set) Entry(user string) (credential.Entry, error) {
	d, name := s.dir, usersfile.FileName(user)
	if d.root == nil {
		return credential.Entry{}, fmt.Errorf("%s does not exist", d.join(name))
	}
	k, _, err := d.parse(name)
	if err != nil {
		return credential.Entry{}, fmt.Errorf("read %s: %w", d.join(name), cause(err))
	}
	e, ok := k.Entry(s.cluster, user)
	if !ok || e.Owner.Set != s.name {
		return credential.Entry{}, fmt.Errorf("%s has no entry of this set for this cluster", d.join(name))
	}
	return e, nil
}
