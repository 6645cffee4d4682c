package outdir

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/spec"
)

// maxFile is far above any kubeconfig of ours, some hundred clusters in one: what is larger is not read.
const maxFile = 1 << 20

// Observe reads what the directory holds for one set and cluster (the UID of its kube-system namespace): the
// kubeconfigs of all users, whether the file still names them or not, and the public half of the journal.
func (d *Dir) Observe(set, cluster string) (map[string]plan.File, map[string]plan.Key, error) {
	if d.root == nil {
		return nil, nil, nil
	}
	names, err := d.list(".")
	if err != nil {
		return nil, nil, err
	}
	type slot struct {
		user string
		file plan.File
		gone bool // since the directory was listed, by another run's hand
	}
	slots := make([]slot, 0, len(names))
	for _, name := range names {
		if user, ok := spec.UserOfFile(name); ok {
			slots = append(slots, slot{user: user, file: plan.File{Name: name}})
		}
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range slots {
		g.Go(func() error {
			name := slots[i].file.Name
			slots[i].file = d.observeFile(slots[i].user, name, set, cluster)
			if slots[i].file.State == plan.FileForeign {
				_, err := d.root.Lstat(name)
				slots[i].gone = errors.Is(err, fs.ErrNotExist)
			}
			return nil
		})
	}
	_ = g.Wait()
	files := make(map[string]plan.File, len(slots))
	for _, s := range slots {
		if !s.gone {
			files[s.user] = s.file
		}
	}
	keys, err := d.keys(set, cluster)
	if err != nil {
		return nil, nil, err
	}
	return files, keys, nil
}

// observeFile reads one kubeconfig. What is wrong with it is part of the answer, never an error.
func (d *Dir) observeFile(user, name, set, cluster string) plan.File {
	f := plan.File{Name: name, State: plan.FileForeign}
	data, info, err := d.readInfo(name)
	if err != nil {
		f.Error = cause(err).Error()
		return f
	}
	f.Mode = permissions(info)
	k, err := credential.ParseKubeconfig(data)
	if err != nil {
		f.State, f.Error = plan.FileUnreadable, err.Error()
		return f
	}
	f.Taken = k.Taken(cluster)
	others, current := k.Others(user, cluster)
	for _, o := range others {
		f.Others = append(f.Others, o.Kind+" "+plan.Quoted(o.Name))
	}
	f.OtherContext = current
	e, ok := k.Entry(cluster)
	switch {
	case !ok && k.Provisioned(user):
		f.State = plan.FileOther
		return f
	case !ok:
		f.Error = "it has no entry that provision made for this user"
		return f
	case e.Owner.User != user:
		f.Error = fmt.Sprintf("its entry was made for the user %q", e.Owner.User)
		return f
	}
	f.Owner = e.Owner.Set
	f.State = plan.FileOurs
	if e.Owner.Set != set {
		f.State = plan.FileOtherSet
		return f
	}
	f.Kubeconfig = plan.Kubeconfig{File: name, Context: e.Context, Namespace: e.Namespace, Endpoint: plan.Endpoint{
		Name:                     e.Cluster,
		Server:                   e.Server,
		CertificateAuthorityData: e.CertificateAuthorityData,
		TLSServerName:            e.TLSServerName,
		ProxyURL:                 e.ProxyURL,
		InsecureSkipTLSVerify:    e.InsecureSkipTLSVerify,
		DisableCompression:       e.DisableCompression,
	}}
	f.Edited = k.Edited(cluster)
	c, err := credential.ParseCertificate(e.Certificate)
	if err != nil {
		f.Error = err.Error()
		return f
	}
	f.Certificate = &plan.Certificate{
		User: c.User, Groups: c.Groups, KeyAlgorithm: c.KeyAlgorithm, Duration: e.Owner.Duration,
		KeyHash: c.KeyHash, CredentialID: c.CredentialID, Serial: c.Serial, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
	}
	f.Leaf = c.Leaf
	if key, err := credential.ParseKey(e.Key); err == nil {
		public, ok := c.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		f.KeyMatches = ok && public.Equal(key.Public())
	}
	return f
}

// unfitError says why what stands at a file's place is not a file that we made.
type unfitError string

func (e unfitError) Error() string { return string(e) }

// read returns a regular file's content, or an unfitError.
func (d *Dir) read(name string) ([]byte, error) {
	data, _, err := d.readInfo(name)
	return data, err
}

// readInfo is read, and tells of the file. A symbolic link is not followed, not even to another file in the directory:
// that one may be a secret.
func (d *Dir) readInfo(name string) ([]byte, fs.FileInfo, error) {
	place, err := d.root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if why := regular(place); why != "" {
		return nil, nil, unfitError(why)
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|nonBlocking, 0) // a pipe would wait for a writer for ever
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	// Root may have given a kubeconfig to its user. What she put into it the plan tells, and the next one takes its place.
	handedOver := d.us[0] == 0 && filepath.Dir(name) == "."
	if why := d.stranger(info); why != "" && !handedOver {
		return nil, nil, unfitError(why)
	}
	var b bytes.Buffer
	if n, err := b.ReadFrom(io.LimitReader(f, maxFile+1)); err != nil {
		return nil, nil, err
	} else if n > maxFile {
		return nil, nil, unfitError(fmt.Sprintf("larger than %d MiB", maxFile>>20))
	}
	return b.Bytes(), info, nil
}

// ObserveUser reads one user's kubeconfig, which must be there and ours.
func (d *Dir) ObserveUser(user, set, cluster string) (plan.File, error) {
	name := spec.FileName(user)
	missing := fmt.Errorf("%s does not exist: run `provision apply`, with --reissue-missing if it was lost", d.join(name))
	if d.root == nil {
		return plan.File{}, missing
	}
	if _, err := d.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return plan.File{}, missing
	} else if err != nil {
		return plan.File{}, fmt.Errorf("look at %s: %w", d.join(name), cause(err))
	}
	f := d.observeFile(user, name, set, cluster)
	switch f.State {
	case plan.FileUnreadable:
		return f, fmt.Errorf("%s is unreadable (%s): run `provision apply`, which moves it aside", d.join(name), f.Error)
	case plan.FileForeign:
		return f, fmt.Errorf("%s is not ours: %s: move it away", d.join(name), f.Error)
	case plan.FileOther:
		return f, fmt.Errorf("%s has no entry for this cluster: run `provision apply`", d.join(name))
	case plan.FileOtherSet:
		return f, fmt.Errorf("%s belongs to the set %s", d.join(name), f.Owner)
	}
	return f, nil
}
