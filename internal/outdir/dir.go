// Package outdir owns the output directory: one kubeconfig per user, and below .provision what a run needs to
// survive a crash (the journal of private keys, a lock).
//
// Every access goes through os.Root: no user name and no symbolic link leads outside. Files are 0600, directories
// 0700; a file is written under a temporary name beside its place, synced and renamed, so that at every instant
// there is either the old content or the new.
package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"provision/internal/spec"
)

const (
	stateDir   = ".provision"
	journalDir = ".provision/keys"
	lockFile   = ".provision/lock"
	tempPrefix = ".provision-tmp-"
)

// Dir is the output directory.
type Dir struct {
	path string
	root *os.Root // nil: it does not exist, and was opened only to be read
	lock *os.File // nil: opened only to be read
	sync map[string]*dirSync
}

// OpenRead opens the directory for observing. One that does not exist is an empty one.
func OpenRead(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Dir{path: path}, nil
	}
	if err != nil {
		return nil, openError(path, err)
	}
	d := &Dir{path: path, root: root}
	if err := d.checkOwner(); err != nil {
		root.Close()
		return nil, err
	}
	return d, nil
}

// OpenWrite opens the directory for changing: it is created when missing, locked against another provision on this
// machine, and cleared of what a crash left half-written. Close releases the lock.
func OpenWrite(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, openError(path, err)
	}
	d, err := OpenRead(path)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Dir) prepare() error {
	for _, name := range []string{stateDir, journalDir} {
		if err := d.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("create %s: %w: is the directory read-only? choose another with -d", d.join(name), cause(err))
		}
		info, err := d.root.Lstat(name)
		if err != nil {
			return fmt.Errorf("look at %s: %w", d.join(name), cause(err))
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory: move it away", d.join(name))
		}
	}
	lock, err := d.root.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: %w", d.join(lockFile), cause(err))
	}
	if err := tryLock(lock); err != nil {
		lock.Close()
		return fmt.Errorf("%s is in use: another provision is writing to this directory; wait for it to end", d.path)
	}
	d.lock = lock
	d.sync = map[string]*dirSync{".": newDirSync(d.root, "."), journalDir: newDirSync(d.root, journalDir)}
	return d.recover()
}

// recover removes temporary files that a crash left: their content was never promised to anybody.
func (d *Dir) recover() error {
	for _, dir := range []string{".", journalDir} {
		names, err := d.list(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			if strings.HasPrefix(name, tempPrefix) {
				if err := d.root.Remove(filepath.Join(dir, name)); err != nil {
					return fmt.Errorf("remove the leftover %s: %w", d.join(dir, name), cause(err))
				}
			}
		}
	}
	return nil
}

// Close releases the lock and the directory.
func (d *Dir) Close() error {
	var err error
	if d.lock != nil {
		err = d.lock.Close()
	}
	if d.root != nil {
		err = errors.Join(err, d.root.Close())
	}
	return err
}

// Path returns the directory's path as it was given.
func (d *Dir) Path() string { return d.path }

// File returns the path of a user's kubeconfig, for messages and for kubectl.
func (d *Dir) File(user string) string { return d.join(spec.FileName(user)) }

func (d *Dir) join(names ...string) string {
	return filepath.Join(append([]string{d.path}, names...)...)
}

// list returns the names in a directory below the root, unsorted.
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

// checkOwner refuses a directory in which somebody else could swap files under us. The check is on the directory
// itself, so a symbolic link to a safe directory is fine.
func (d *Dir) checkOwner() error {
	info, err := d.root.Stat(".")
	if err != nil {
		return openError(d.path, err)
	}
	if writable := writableByOthers(info); writable != "" {
		return fmt.Errorf("output directory %s: %s: private keys are written there; run chmod go-w %s, or choose another with -d", d.path, writable, d.path)
	}
	return nil
}

func openError(path string, err error) error {
	return fmt.Errorf("open output directory %s: %w: choose another with -d", path, cause(err))
}

// cause drops the path and the call from an *fs.PathError: our messages already name the path.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
