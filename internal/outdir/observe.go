package outdir

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Seen is what the directory holds for one set and cluster.
type Seen struct {
	Files     map[string]plan.File // by user
	Keys      map[string]plan.Key  // by user; the public half of the journal
	Misplaced []plan.Misplaced     // sorted by file and user
}

// Observe reads what the directory holds for the set and the cluster: the kubeconfigs of all users, whether the users file
// still names them or not, entries of the set under other names, and the public half of the journal. It reads the files
// concurrently. A fault of one kubeconfig is part of what is seen; only a directory or a journal that cannot be read is an
// error. A directory that does not exist has nothing.
//
// Where some users are named, it is about them alone: of the kubeconfigs of others only those are decoded that may hold something
// of theirs. To decode all takes seconds where there are thousands.
func (s Set) Observe(users ...string) (Seen, error) {
	d := s.dir
	if d.root == nil {
		return Seen{}, nil
	}
	names, err := d.list(".")
	if err != nil {
		return Seen{}, err
	}
	type slot struct {
		user      string // "": nobody's file
		name      string
		file      plan.File
		misplaced []plan.Misplaced
		gone      bool // since the directory was listed, by another run's hand
	}
	parts := unquoted(users)
	about := func(user string) bool { return user != "" && (len(users) == 0 || slices.Contains(users, user)) }
	var slots []slot
	for _, name := range names {
		if user, ok := usersfile.UserOfFile(name); ok {
			slots = append(slots, slot{user: user, name: name})
		} else if usersfile.LikeFileName(name) && !strings.HasPrefix(name, tempPrefix) {
			slots = append(slots, slot{name: name})
		}
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range slots {
		g.Go(func() error {
			at := &slots[i]
			data, info, err := d.readInfo(at.name)
			if at.gone = errors.Is(err, fs.ErrNotExist); at.gone || err == nil && !about(at.user) && !mentions(data, parts) {
				return nil
			}
			var k *credential.Kubeconfig
			if err == nil {
				k, err = parse(data)
			}
			if about(at.user) {
				at.file = s.fileOf(at.user, at.name, k, info, err)
			}
			if err == nil {
				at.misplaced = s.misplaced(k, at.name)
			}
			return nil
		})
	}
	_ = g.Wait()
	seen := Seen{Files: make(map[string]plan.File, len(slots))}
	var ca []byte // most files say the same, and keep one copy of it
	for _, at := range slots {
		if about(at.user) && !at.gone {
			if e := &at.file.Kubeconfig.Endpoint; !bytes.Equal(e.CertificateAuthorityData, ca) {
				ca = e.CertificateAuthorityData
			} else if len(ca) > 0 {
				e.CertificateAuthorityData = ca
			}
			seen.Files[at.user] = at.file
		}
		seen.Misplaced = append(seen.Misplaced, at.misplaced...)
	}
	slices.SortFunc(seen.Misplaced, func(a, b plan.Misplaced) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.User, b.User))
	})
	seen.Keys, err = s.keys()
	return seen, err
}

// misplaced finds the entries of the set in a file, by its name, that is not their user's: somebody copied or merged files.
func (s Set) misplaced(k *credential.Kubeconfig, name string) []plan.Misplaced {
	var list []plan.Misplaced
	for _, e := range k.Entries(s.cluster) {
		if e.Owner.Set != s.name || usersfile.FileName(e.Owner.User) == name {
			continue
		}
		if c, _, _ := certificateOf(e); c != nil {
			list = append(list, plan.Misplaced{File: name, User: e.Owner.User, Context: e.Context, Certificate: *c})
		}
	}
	return list
}

// parseError reports that a file is not a kubeconfig.
type parseError struct{ error }

// parse reads the file of this name as a kubeconfig. Info is nil where the file could not be read. Its errors are those of
// readInfo and parseError.
func (d *Dir) parse(name string) (*credential.Kubeconfig, fs.FileInfo, error) {
	data, info, err := d.readInfo(name)
	if err != nil {
		return nil, nil, err
	}
	k, err := parse(data)
	return k, info, err
}

// parse reads a kubeconfig. The error is a parseError.
func parse(data []byte) (*credential.Kubeconfig, error) {
	k, err := credential.ParseKubeconfig(data)
	if err != nil {
		return nil, parseError{err}
	}
	return k, nil
}

// quotable is what YAML or JSON may write in another way than as itself.
var quotable = regexp.MustCompile(`[^-A-Za-z0-9_.@]+`)

// unquoted are the longest parts of names that look the same however they are quoted.
func unquoted(names []string) [][]byte {
	var parts [][]byte
	for _, name := range names {
		longest := ""
		for _, part := range quotable.Split(name, -1) {
			if len(part) > len(longest) {
				longest = part
			}
		}
		parts = append(parts, []byte(longest))
	}
	return parts
}

// mentions reports whether a kubeconfig may have an entry of somebody, by the parts of their names that unquoted gives. Of nobody: it may.
func mentions(data []byte, parts [][]byte) bool {
	return len(parts) == 0 || slices.ContainsFunc(parts, func(part []byte) bool { return bytes.Contains(data, part) })
}
