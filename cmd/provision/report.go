package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"provision/internal/audit"
	"provision/internal/cluster"
	"provision/internal/hint"
	"provision/internal/observe"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

type reportCmd struct {
	Dir string `arg:"" name:"dir" type:"path" placeholder:"DIR" complete:"directory" help:"The directory to write: a new one, or an empty one."`
	coverFlags
	dirFlags
	clusterFlags
	Sign   string `type:"path" placeholder:"KEY" complete:"file" help:"Sign the list of hashes with this private SSH key, as ssh-keygen -Y sign does."`
	Redact bool   `help:"Let other names stand for people, groups, operators and bindings, and leave out texts that may hold a name. Sets, namespaces and roles stay."`
}

func (c *reportCmd) Run(ctx context.Context, s view.Streams) error {
	if err := free(c.Dir); err != nil {
		return err
	}
	signer, err := c.signer(ctx, s)
	if err != nil {
		return err
	}
	sets, broken, client, err := begin(ctx, s, c, cluster.ToRead)
	if err != nil {
		return err
	}
	wanted, others := c.wanted(ctx, client, sets)
	dir, err := outdir.OpenRead(c.OutputDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	now := time.Now()
	found, err := observe.Status(ctx, wanted, client, dir, now)
	if err != nil {
		return err
	}
	st := view.Status{Page: view.PageOf(client, dir.Path()), Sets: found, Others: others, AllSets: c.AllSets, Now: now, Server: client.ServerTime()}
	st.Broken, st.Approvers = broken, observe.AllApprovers(ctx, client)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r := audit.Of(found, st.Approvers.List)
	r.Time, r.Program, r.Operator, r.OutputDir = st.Server.UTC().Truncate(time.Second), version, client.Username(), dir.Path()
	r.Cluster = audit.Cluster{Name: client.Endpoint().Name, Server: client.Endpoint().Server, UID: client.UID()}
	r.Sources, r.Unread, r.Notes = sources(ctx, wanted, sets), st.Unread(), st.Notes()
	if c.Redact {
		r = r.Redact()
	}
	files, err := r.Files(signer)
	if err != nil {
		return err
	}
	if err := writeDir(c.Dir, files); err != nil {
		return err
	}
	s.Reported(c.Dir, r, signer != nil)
	for _, what := range r.Unread {
		s.Warning("the report is not whole: " + what)
	}
	if len(r.Unread) > 0 {
		return exitCode(exitError)
	}
	return nil
}

// free refuses a directory with something in it: no report is mixed with another.
func free(dir string) error {
	list, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(list) > 0:
		return hint.With(fmt.Errorf("%s is there already, and nothing is overwritten", dir), "name a new directory, such as "+filepath.Clean(dir)+"-"+time.Now().UTC().Format("2006-01-02"))
	}
	return nil
}

// signer reads the key of --sign; nil: the report is not signed.
func (c *reportCmd) signer(ctx context.Context, s view.Streams) (ssh.Signer, error) {
	if c.Sign == "" {
		return nil, nil
	}
	text, err := readFile(c.Sign)
	if err != nil {
		return nil, err
	}
	signer, err := audit.Signer(text, func() ([]byte, error) { return s.Passphrase(ctx, c.Sign) })
	if err != nil {
		return nil, fmt.Errorf("--sign %s: %w", c.Sign, err)
	}
	return signer, nil
}

// readFile reads a regular file of a size that a key has.
func readFile(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, 1<<20))
}

// sources are what the sets come from: users files with the commits that these are of.
func sources(ctx context.Context, wanted []plan.Desired, sets []usersfile.Set) []audit.Source {
	files := map[string]string{}
	for _, set := range sets {
		files[set.Name] = set.Pos.File
	}
	list := []audit.Source{}
	for _, d := range wanted {
		source := audit.SourceOf(d, files[d.Set])
		if source.File != "" && source.File != usersfile.Stdin {
			source.Commit, source.Changed = commitOf(ctx, source.File)
		}
		list = append(list, source)
	}
	return list
}

// commitOf is the commit of git that the working tree of a file is at, and whether the file is another there. "": git does not know it, or
// is not installed. Nothing is asked of git that runs a program which a repository names.
func commitOf(ctx context.Context, file string) (commit string, changed bool) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	git := func(args ...string) string {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", filepath.Dir(file), "-c", "core.fsmonitor=false"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
		out, err := cmd.Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	there := git("rev-parse", "--verify", "--quiet", "HEAD:./"+filepath.Base(file))
	if there == "" {
		return "", false
	}
	return git("rev-parse", "--verify", "--quiet", "HEAD"), git("hash-object", "--no-filters", "--", filepath.Base(file)) != there
}

// writeDir writes files into a new directory, for its owner alone: all of them, or no directory.
func writeDir(dir string, files []audit.File) (err error) {
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(temp) // the first error is the one to tell
		}
	}()
	for _, f := range files {
		if err := writeSynced(filepath.Join(temp, f.Name), f.Data); err != nil {
			return err
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty one
		return err
	}
	return os.Rename(temp, dir)
}

// writeSynced writes a new file of mode 0600, and waits until the disk has it.
func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return cmp.Or(err, file.Sync(), file.Close())
}
