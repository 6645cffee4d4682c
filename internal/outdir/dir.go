// Package outdir owns the output directory: one kubeconfig per user, and below .provision what a run needs to
// survive a crash (the journal of private keys, a lock).
//
// Every access goes through os.Root: no user name and no symbolic link leads outside. Files are 0600, directories
// 0700; a file is written under a temporary name beside its place, synced and renamed, so that at every instant
// there is either the old content or the new.
package outdir

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"provision/internal/spec"
)

const (
	stateDir   = ".provision"
	journalDir = ".provision/keys"
	lockFile   = ".provision/lock"
	idFile     = "id"
	tempPrefix = ".provision-tmp-"
)

// Dir is the output directory.
type Dir struct {
	path string
	us   []int               // ids of the users whose files are ours
	root *os.Root            // nil: it does not exist, and was opened only to be read
	lock *os.File            // nil: opened only to be read
	open map[string]*os.Root // the directories that are written to: a path would be walked for every file
	sync map[string]*dirSync
}

// OpenRead opens the directory for observing. One that does not exist is an empty one.
func OpenRead(path string) (*Dir, error) { return open(path, us(os.Geteuid(), os.Getenv)) }

func open(path string, us []int) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Dir{path: path, us: us}, nil
	}
	if err != nil {
		return nil, openError(path, err)
	}
	d := &Dir{path: path, us: us, root: root}
	if err := d.checkOwner(); err != nil {
		root.Close()
		return nil, err
	}
	return d, nil
}

// OpenWrite opens the directory for changing: it is created when missing, locked against another provision on this
// machine, for which it waits up to wait, and cleared of what a crash left half-written. Close releases the lock.
func OpenWrite(ctx context.Context, path string, wait time.Duration) (*Dir, error) {
	return openWrite(ctx, path, wait, us(os.Geteuid(), os.Getenv))
}

func openWrite(ctx context.Context, path string, wait time.Duration, us []int) (*Dir, error) {
	if err := makeAll(path); err != nil {
		return nil, openError(path, err)
	}
	d, err := open(path, us)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(ctx, wait); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *Dir) prepare(ctx context.Context, wait time.Duration) error {
	d.open = map[string]*os.Root{".": d.root}
	d.sync = map[string]*dirSync{".": newDirSync(d.root, "."), stateDir: newDirSync(d.root, stateDir), journalDir: newDirSync(d.root, journalDir)}
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
		if why, mend := d.unsafe(info, d.join(name)); why != "" {
			return fmt.Errorf("%s: %s: private keys are written there; run %s, or move it away", d.join(name), why, mend)
		}
		if d.open[name], err = d.root.OpenRoot(name); err != nil {
			return fmt.Errorf("open %s: %w", d.join(name), cause(err))
		}
	}
	lock, err := d.root.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open %s: %w", d.join(lockFile), cause(err))
	}
	for until := time.Now().Add(wait); tryLock(lock) != nil; {
		if time.Now().After(until) || ctx.Err() != nil {
			lock.Close()
			return fmt.Errorf("%s is in use: another provision is writing to this directory; wait for it to end, or give a longer --lock-timeout", d.path)
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond): // the kernel has no wait with a limit
		}
	}
	d.lock = lock
	return d.recover()
}

// recover cleans up after a crash: temporary files, whose content was never promised to anybody, and keys in the
// journal whose certificate has long arrived in its kubeconfig. Keys under the names of older versions get today's.
func (d *Dir) recover() error {
	for _, dir := range []string{".", stateDir, journalDir} {
		names, err := d.list(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			if strings.HasPrefix(name, tempPrefix) {
				if err := d.root.Remove(filepath.Join(dir, name)); err != nil {
					return fmt.Errorf("remove the leftover %s: %w", d.join(dir, name), cause(err))
				}
				continue
			}
			if dir == journalDir {
				if err := d.recoverKey(name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// recoverKey removes a journal entry whose key is already in the user's kubeconfig, and brings others to their place.
func (d *Dir) recoverKey(name string) error {
	k, err := d.readKey(name)
	if err != nil {
		return nil // observing will say what is wrong with it
	}
	e, err := d.ReadEntry(k.User, k.Cluster)
	if err != nil || string(e.Key) != k.PEM {
		return d.renameOld(name, k)
	}
	return d.removeFile(journalDir, name)
}

// Close releases the lock and the directory.
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

// Exists says whether the directory is there.
func (d *Dir) Exists() bool { return d.root != nil }

// ID names this directory among all that apply the same set: random, made once, kept with it. Together with the lock
// it tells a run that comes back after a crash from another run. Others read it in the cluster, so that what stands in
// the file's place and is no id of ours is not passed on: a new one is made.
func (d *Dir) ID() (string, error) {
	data, err := d.read(filepath.Join(stateDir, idFile))
	if id := string(data); err == nil && isID(id) {
		return id, nil
	}
	if _, unfit := errors.AsType[unfitError](err); err != nil && !unfit && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", d.join(stateDir, idFile), cause(err))
	}
	id := rand.Text()
	return id, d.writeFile(stateDir, idFile, []byte(id))
}

// isID says whether a text has the form of rand.Text's: 26 letters of base32.
func isID(s string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	return len(s) == 26 && strings.Trim(s, alphabet) == ""
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
	if why, mend := d.unsafe(info, d.path); why != "" {
		return fmt.Errorf("output directory %s: %s: private keys are written there; run %s, or choose another with -d", d.path, why, mend)
	}
	return nil
}

// us are the users who may own what we use: the one that this process runs as, and for root the one who called sudo.
// Root obeys no file mode, but in a directory of anybody else that user can swap the files under us.
func us(euid int, getenv func(string) string) []int {
	list := []int{euid}
	if sudo, err := strconv.Atoi(getenv("SUDO_UID")); err == nil && euid == 0 {
		list = append(list, sudo)
	}
	return list
}

// stranger says in words that a file belongs to somebody else, or "".
func (d *Dir) stranger(info fs.FileInfo) string {
	uid, known := ownerOf(info)
	if !known || slices.Contains(d.us, uid) {
		return ""
	}
	return fmt.Sprintf("it belongs to another user (uid %d)", uid)
}

// unsafe says why somebody else could swap files in a directory, and what to do, or "".
func (d *Dir) unsafe(info fs.FileInfo, path string) (why, mend string) {
	if why := d.stranger(info); why != "" {
		return why, fmt.Sprintf("chown %d %s, or provision as that user", d.us[0], path)
	}
	return writableByOthers(info), "chmod go-w " + path
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
