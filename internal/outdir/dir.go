// Package outdir owns the output directory: one kubeconfig per user, and below .provision what a run needs to
// survive a crash (the journal of private keys, a lock).
//
// Every access goes through os.Root: no user name and no symbolic link leads outside. Files are 0600, directories
// 0700; a file is written under a temporary name beside its place, synced and renamed, so that at every instant
// there is either the old content or the new.
//
// Begin reading at Dir, which is opened to read or to write, and at Set, which reads and writes for one set in one cluster.
package outdir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"provision/internal/usersfile"
)

const (
	stateDir   = ".provision"
	journalDir = ".provision/keys"
	lockFile   = ".provision/lock"
	idFile     = "id"
	ignoreFile = ".gitignore"
	tempPrefix = ".provision-tmp-"
)

// Dir is the output directory. It is safe for concurrent use, but for Close.
type Dir struct {
	path   string
	owners []int               // ids of the users who may own what we use
	root   *os.Root            // nil: it does not exist, and was opened only to be read
	lock   *os.File            // nil: opened only to be read
	open   map[string]*os.Root // the directories that are written to, by path: a path would be walked for every file
	sync   map[string]*dirSync // the same, by the same paths

	unsynced unsynced
}

// OpenRead opens the directory for observing. A directory that does not exist counts as an empty one; see Exists. A directory
// that belongs to somebody else, or that others may write to, is an error.
func OpenRead(path string) (*Dir, error) { return open(path, owners(os.Geteuid(), os.Getenv)) }

// open is OpenRead for given owners.
func open(path string, owners []int) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Dir{path: path, owners: owners}, nil
	}
	if err != nil {
		return nil, openError(path, err)
	}
	d := &Dir{path: path, owners: owners, root: root}
	if err := cmp.Or(d.checkOwner("."), d.checkSafe(".")); err != nil {
		root.Close()
		return nil, err
	}
	return d, nil
}

// OpenWrite opens the directory for changing. It makes the directory when it is missing, for git to pass over, locks it against another provision
// on this machine, for whose end it waits up to wait or until ctx ends, and removes what a crash left half-written. Close
// releases the lock. Besides the errors of OpenRead, a file system without locks or modes is an error.
func OpenWrite(ctx context.Context, path string, wait time.Duration) (*Dir, error) {
	return openWrite(ctx, path, wait, owners(os.Geteuid(), os.Getenv))
}

// openWrite is OpenWrite for given owners.
func openWrite(ctx context.Context, path string, wait time.Duration, owners []int) (*Dir, error) {
	made, refused, err := makeAll(path)
	if err != nil {
		return nil, openError(path, err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, openError(path, err)
	}
	d := &Dir{path: path, owners: owners, root: root}
	d.unsynced.note(refused)
	err = d.prepare(ctx, wait)
	if err == nil && made {
		err = d.ignore()
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// prepare checks the directory, makes and opens those below it, locks and recovers. After an error, Close closes the
// part that is open.
func (d *Dir) prepare(ctx context.Context, wait time.Duration) error {
	if err := d.checkOwner(".", stateDir, journalDir); err != nil {
		return err
	}
	if err := d.checkSafe(".", stateDir, journalDir); err != nil {
		if fixed, ok := errors.AsType[*fixedModesError](d.tryModesOpenly()); ok {
			return fixed // no chmod mends that
		}
		return err
	}
	d.open = map[string]*os.Root{".": d.root}
	d.sync = map[string]*dirSync{}
	for _, name := range []string{".", stateDir, journalDir} {
		d.sync[name] = newDirSync(d.root, name, &d.unsynced)
	}
	for _, name := range []string{stateDir, journalDir} {
		err := d.root.Mkdir(name, 0o700)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("create %s: %w: is the directory read-only? choose another with -d", d.join(name), cause(err))
		}
		if err == nil { // a key in it must not go with it in a power cut
			if err := d.sync[filepath.Dir(name)].once(); err != nil {
				return fmt.Errorf("sync the directory of %s: %w", d.join(name), cause(err))
			}
		}
		info, err := d.root.Lstat(name)
		if err != nil {
			return fmt.Errorf("look at %s: %w", d.join(name), cause(err))
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory: move it away", d.join(name))
		}
		if d.open[name], err = d.root.OpenRoot(name); err != nil {
			return fmt.Errorf("open %s: %w", d.join(name), cause(err))
		}
	}
	if err := cmp.Or(d.checkOwner(stateDir, journalDir), d.checkSafe(stateDir, journalDir)); err != nil {
		return err // somebody else has made them in the meantime
	}
	if err := d.takeLock(ctx, wait); err != nil {
		return err
	}
	return d.recover()
}

// ignore has git pass over all that will be in the directory, unless somebody has said otherwise in it meanwhile: it may be beside a
// users file that is kept in git, and one git add would publish the keys. Only for a directory that we have made.
func (d *Dir) ignore() error {
	if _, err := d.root.Lstat(ignoreFile); !errors.Is(err, fs.ErrNotExist) {
		return nil // also what cannot be looked at: no key is less safe for that
	}
	return d.writeFile(".", ignoreFile, []byte("*\n"))
}

// Close releases the lock and the directory. It is called once, when nothing is read or written any longer.
func (d *Dir) Close() error {
	var err error
	if d.lock != nil {
		err = d.lock.Close()
	}
	for name, open := range d.open {
		if name != "." {
			err = errors.Join(err, open.Close())
		}
	}
	if d.root != nil {
		err = errors.Join(err, d.root.Close())
	}
	return err
}

// Exists reports whether the directory was there when it was opened.
func (d *Dir) Exists() bool { return d.root != nil }

// Writable reports whether the directory was opened to be written to. A nil Dir was not.
func (d *Dir) Writable() bool { return d != nil && d.lock != nil }

// Path returns the directory's path as it was given.
func (d *Dir) Path() string { return d.path }

// File returns the path of a user's kubeconfig, whether it exists or not, for messages and for kubectl.
func (d *Dir) File(user string) string { return d.join(usersfile.FileName(user)) }

// join returns the path of a file below the directory, for messages.
func (d *Dir) join(names ...string) string {
	return filepath.Join(append([]string{d.path}, names...)...)
}

// list returns the names in the directory or in one below it, unsorted.
func (d *Dir) list(name string) ([]string, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read directory %s: %w", d.join(name), cause(err))
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("read directory %s: %w", d.join(name), cause(err))
	}
	return names, nil
}

// openError words why the directory cannot be opened.
func openError(path string, err error) error {
	return fmt.Errorf("open output directory %s: %w: choose another with -d", path, cause(err))
}
