package outdir

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// observeFile reads a user's kubeconfig. A fault of it is part of the answer, never an error.
func (s Set) observeFile(user string) plan.File {
	name := usersfile.FileName(user)
	k, info, err := s.dir.parse(name)
	return s.fileOf(user, name, k, info, err)
}

// fileOf describes what a user's file, of this name, holds for the set and the cluster, from the results of parse.
func (s Set) fileOf(user, name string, k *credential.Kubeconfig, info fs.FileInfo, err error) plan.File {
	f := plan.File{Name: name, State: plan.FileForeign}
	if info != nil {
		f.Mode = permissions(info)
	}
	if err != nil {
		f.Error = cause(err).Error()
		if _, unreadable := errors.AsType[parseError](err); unreadable {
			f.State = plan.FileUnreadable
		} else if errors.Is(err, fs.ErrPermission) {
			f.State = plan.FileNoAccess
		}
		return f
	}
	f.Taken = map[string]string{}
	for name, owner := range k.Taken(s.cluster, user) {
		f.Taken[name] = ""
		if owner.User == user && owner.Set == s.name {
			f.Taken[name] = owner.Cluster
		}
	}
	others, current := k.Others(s.cluster, user)
	for _, o := range others {
		f.Others = append(f.Others, plan.Entry{Kind: o.Kind, Name: o.Name})
	}
	f.OtherContext = current
	for _, e := range k.OtherClusters(s.cluster, user) {
		other := plan.ClusterEntry{File: name, User: user, Set: e.Owner.Set, Cluster: e.Owner.Cluster, Name: e.Name, Context: e.Context, Server: e.Server}
		if c, _, _ := certificateOf(e); c != nil {
			other.NotBefore, other.NotAfter = c.NotBefore, c.NotAfter
		}
		f.OtherClusters = append(f.OtherClusters, other)
	}
	var owner credential.Owner
	f.Current.Context, f.Current.Server, owner = k.Current()
	if owner.User == user {
		f.Current.Cluster = owner.Cluster
	}
	e, ok := k.Entry(s.cluster, user)
	if !ok {
		f.Error = "it has no entry that provision made for this user"
		if list := k.Entries(s.cluster); len(list) > 0 {
			f.Error = fmt.Sprintf("its entry was made for the user %q", list[0].Owner.User)
		}
		if k.Provisioned(user) {
			f.State, f.Error = plan.FileOther, ""
		}
		for _, e := range k.Unmarked(user) {
			c, leaf, further := certificateOf(e)
			f.Unmarked = append(f.Unmarked, plan.Unmarked{UserEntry: e.User, Kubeconfig: kubeconfigOf(name, e), Certificate: *c, Leaf: leaf, Further: further, KeyMatches: keyMatches(e, c)})
		}
		return f
	}
	f.Owner = e.Owner.Set
	f.State = plan.FileOurs
	if e.Owner.Set != s.name {
		f.State = plan.FileOtherSet
		f.Given, _, _ = certificateOf(e)
		return f
	}
	f.Kubeconfig, f.UserEntry = kubeconfigOf(name, e), e.User
	f.Edited = k.Edited(s.cluster, user)
	if f.Certificate, f.Leaf, f.Further = certificateOf(e); f.Certificate == nil {
		f.Error = "it has no certificate that can be read"
		return f
	}
	f.KeyMatches = keyMatches(e, f.Certificate)
	return f
}

// kubeconfigOf returns what an entry says, in the file of this name, apart from key and certificate.
func kubeconfigOf(name string, e credential.Entry) plan.Kubeconfig {
	return plan.Kubeconfig{File: name, Context: e.Context, Namespace: e.Namespace, Endpoint: e.Endpoint}
}

// certificateOf reads the certificate of an entry: what it says, the leaf in DER, and the rest of its chain. All are nil if the entry
// has no certificate that can be read.
func certificateOf(e credential.Entry) (c *plan.Certificate, leaf []byte, further []*x509.Certificate) {
	parsed, err := credential.ParseCertificate(e.Certificate)
	if err != nil {
		return nil, nil, nil
	}
	return &plan.Certificate{
		User: parsed.User, Groups: parsed.Groups, KeyAlgorithm: parsed.KeyAlgorithm, Duration: e.Owner.Duration, Key: keyOf(e), SealedTo: e.Sealed.To,
		KeyHash: parsed.KeyHash, CredentialID: parsed.CredentialID, Serial: parsed.Serial, NotBefore: parsed.NotBefore, NotAfter: parsed.NotAfter,
	}, parsed.Leaf.Raw, parsed.Further
}

// keyOf says where the private key of an entry is.
func keyOf(e credential.Entry) plan.KeyPlace {
	switch {
	case !e.NotHere():
		return plan.KeyHere
	case e.Sealed.Key != "":
		return plan.KeySealed
	}
	return plan.KeyOwn
}

// keyMatches reports whether an entry's private key is that of its certificate. Of one that is not here only its owner can say.
func keyMatches(e credential.Entry, c *plan.Certificate) bool {
	if e.NotHere() {
		return true
	}
	key, err := credential.ParseKey(e.Key)
	if err != nil {
		return false
	}
	hash, err := credential.KeyHash(key.Public())
	return err == nil && hash == c.KeyHash
}

// ObserveUser reads one user's kubeconfig. One that is not there, or has no entry of the set for this cluster, is an error that
// says what to do; the file is returned as far as it was read.
func (s Set) ObserveUser(user string) (plan.File, error) {
	d, name := s.dir, usersfile.FileName(user)
	missing := fmt.Errorf("%s does not exist: run `provision plan`, which says what it needs", d.join(name))
	if d.root == nil {
		return plan.File{}, missing
	}
	if _, err := d.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return plan.File{}, missing
	} else if err != nil {
		return plan.File{}, fmt.Errorf("look at %s: %w", d.join(name), cause(err))
	}
	f := s.observeFile(user)
	switch f.State {
	case plan.FileUnreadable:
		return f, fmt.Errorf("%s is unreadable (%s): run `provision apply`, which moves it aside", d.join(name), f.Error)
	case plan.FileNoAccess:
		return f, fmt.Errorf("%s cannot be read: %s: run chmod 600 %s", d.join(name), f.Error, d.join(name))
	case plan.FileForeign:
		if len(f.Unmarked) > 0 {
			return f, fmt.Errorf("%s has lost the mark that provision put into it: run `provision apply`, which tells how it comes back", d.join(name))
		}
		return f, fmt.Errorf("%s is not ours: %s: move it away", d.join(name), f.Error)
	case plan.FileOther:
		return f, fmt.Errorf("%s has no entry for this cluster, only for others: if this cluster is meant, run `provision apply`", d.join(name))
	case plan.FileOtherSet:
		return f, fmt.Errorf("%s belongs to the set %s", d.join(name), f.Owner)
	}
	return f, nil
}
