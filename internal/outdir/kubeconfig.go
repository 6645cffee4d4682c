package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"provision/internal/credential"
	"provision/internal/spec"
)

// WriteKubeconfig writes a user's entry into her file, durably, beside whatever other entries are there. An
// unreadable file is moved aside first, never overwritten; a file that is not provision's is refused.
func (d *Dir) WriteKubeconfig(e credential.Entry) error {
	name := spec.FileName(e.Owner.User)
	k, err := d.readKubeconfig(name)
	if err != nil {
		return err
	}
	if k == nil {
		k = credential.NewKubeconfig()
	} else if have, ok := k.Entry(e.Owner.Cluster); ok && have.Owner.Set != e.Owner.Set {
		return fmt.Errorf("write %s: it belongs to the set %q", d.join(name), have.Owner.Set)
	} else if ok && !strings.EqualFold(have.Owner.User, e.Owner.User) { // Jane's is replaced by jane's where the disk takes them for one
		return fmt.Errorf("write %s: its entry was made for another user: move it away", d.join(name))
	} else if !ok && !k.Provisioned(e.Owner.User) {
		return fmt.Errorf("write %s: the file is there and provision did not make it for this user: move it away", d.join(name))
	}
	return d.put(name, k, e)
}

// RewriteKubeconfig changes what a user's entry says about cluster, context and namespace, and keeps key and
// certificate. KeyHash guards against a file that was swapped since the plan.
func (d *Dir) RewriteKubeconfig(e credential.Entry, keyHash string) error {
	name := spec.FileName(e.Owner.User)
	k, err := d.readKubeconfig(name)
	if err != nil {
		return err
	}
	if k == nil {
		return fmt.Errorf("rewrite %s: it has gone: plan again", d.join(name))
	}
	have, ok := k.Entry(e.Owner.Cluster)
	if c, err := credential.ParseCertificate(have.Certificate); !ok || err != nil || c.KeyHash != keyHash || have.Owner.Set != e.Owner.Set || have.Owner.User != e.Owner.User {
		return fmt.Errorf("rewrite %s: it has changed since the plan: plan again", d.join(name))
	}
	e.Certificate, e.Key, e.Owner.Duration = have.Certificate, have.Key, have.Owner.Duration
	return d.put(name, k, e)
}

// RemoveKubeconfig takes a user's entry for a cluster out of her file, and removes the file when nothing else is in
// it. It refuses an entry of another set. One of another user means that hers has gone already: on a disk that does not
// tell Jane from jane, jane's new file stands in the place of Jane's.
func (d *Dir) RemoveKubeconfig(user, set, cluster string) error {
	name := spec.FileName(user)
	k, err := d.readKubeconfig(name)
	if err != nil || k == nil {
		return err
	}
	have, ok := k.Entry(cluster)
	if ok && have.Owner.User != user {
		return nil
	}
	if !ok || have.Owner.Set != set {
		return fmt.Errorf("remove %s: it has changed since the plan: plan again", d.join(name))
	}
	if k.Remove(cluster) {
		return d.removeFile(".", name)
	}
	data, err := k.Bytes()
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", d.join(name), err)
	}
	return d.writeFile(".", name, data)
}

func (d *Dir) put(name string, k *credential.Kubeconfig, e credential.Entry) error {
	if err := k.Put(e); err != nil {
		return fmt.Errorf("write %s: %w", d.join(name), err)
	}
	data, err := k.Bytes()
	if err != nil {
		return fmt.Errorf("write %s: %w", d.join(name), err)
	}
	return d.writeFile(".", name, data)
}

// readKubeconfig returns nil when there is no file, or when it was unreadable and has been moved aside.
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
	// There may be a living key in it, and perhaps others may read it.
	if err := d.root.Chmod(name, 0o600); err != nil {
		return nil, fmt.Errorf("make the unreadable %s private: %w", d.join(name), cause(err))
	}
	aside := name + ".unreadable-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := d.root.Rename(name, aside); err != nil {
		return nil, fmt.Errorf("move the unreadable %s aside: %w", d.join(name), cause(err))
	}
	return nil, nil
}

// ReadEntry returns a user's entry for a cluster, with her key: for logging in as she would.
func (d *Dir) ReadEntry(user, cluster string) (credential.Entry, error) {
	name := spec.FileName(user)
	if d.root == nil {
		return credential.Entry{}, fmt.Errorf("%s does not exist", d.join(name))
	}
	data, err := d.read(name)
	if err != nil {
		return credential.Entry{}, fmt.Errorf("read %s: %w", d.join(name), cause(err))
	}
	k, err := credential.ParseKubeconfig(data)
	if err != nil {
		return credential.Entry{}, fmt.Errorf("read %s: %w", d.join(name), err)
	}
	e, ok := k.Entry(cluster)
	if !ok {
		return credential.Entry{}, fmt.Errorf("%s has no entry for this cluster", d.join(name))
	}
	return e, nil
}
