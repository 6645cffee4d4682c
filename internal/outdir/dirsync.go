package outdir

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// gather is how long a sync waits for others that want the same: a tenth of the 50 ms that a stock signer takes for each
// certificate.
const gather = 5 * time.Millisecond

// unsynced remembers that the file system cannot sync directories, and why. It is safe for concurrent use.
type unsynced struct {
	mu  sync.Mutex
	err error
}

// note keeps the first error; nil is none.
func (u *unsynced) note(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = cmp.Or(u.err, err)
}

// why returns the error that was noted, or nil.
func (u *unsynced) why() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// dirSync syncs one directory for many writers: those who ask within a short while, or while a sync runs, share the
// next one. Where the file system cannot sync directories, all goes on without. It is safe for concurrent use.
type dirSync struct {
	root     *os.Root
	name     string
	unsynced *unsynced // shared by all directories of a file system

	mu      sync.Mutex
	running bool
	next    *syncRound
}

// syncRound is one sync, for all who wait for it.
type syncRound struct {
	done chan struct{} // closed at the end
	err  error         // set before
}

// newDirSync is for the directory at a name below root.
func newDirSync(root *os.Root, name string, u *unsynced) *dirSync {
	return &dirSync{root: root, name: name, unsynced: u}
}

// wait returns once a sync that began after the call has ended.
func (s *dirSync) wait() error {
	if s.unsynced.why() != nil {
		return nil
	}
	s.mu.Lock()
	if s.next == nil {
		s.next = &syncRound{done: make(chan struct{})}
	}
	round := s.next
	if !s.running {
		s.running = true
		go s.run()
	}
	s.mu.Unlock()
	<-round.done
	return round.err
}

// run syncs round after round until nobody waits.
func (s *dirSync) run() {
	for {
		time.Sleep(gather)
		s.mu.Lock()
		round := s.next
		s.next = nil
		if round == nil {
			s.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		round.err = s.once()
		close(round.done)
	}
}

// once syncs now, for the caller alone.
func (s *dirSync) once() error {
	f, err := s.root.Open(s.name)
	if err != nil {
		return err
	}
	defer f.Close()
	refused, err := trySync(f)
	s.unsynced.note(refused)
	return err
}

// trySync syncs a directory. Refused is why a file system that has no such thing did not, which is no error. Only for a
// directory: a file's sync that is refused is a failure.
func trySync(dir *os.File) (refused, err error) {
	err = syncDirectory(dir)
	if cannotSync(err) {
		return cause(err), nil
	}
	return nil, err
}

// makeAll makes a directory and its parents, and syncs each new one into the directory that it is in: without that, a power
// cut would take it with all that is in it. Made reports whether it was missing. Refused is why the file
// system cannot do that, or nil. A directory that was there already costs no sync.
func makeAll(path string) (made bool, refused, err error) {
	var parents []string // of the new ones, innermost first
	for p := filepath.Clean(path); ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) || p == filepath.Dir(p) {
			break
		}
		parents = append(parents, filepath.Dir(p))
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return false, nil, err
	}
	for _, p := range parents {
		f, err := os.Open(p)
		if errors.Is(err, fs.ErrPermission) {
			continue // we may write there and not read, so that it cannot be synced
		}
		if err != nil {
			return false, nil, err
		}
		why, err := trySync(f)
		f.Close()
		if err != nil {
			return false, nil, err
		}
		refused = cmp.Or(refused, why)
	}
	return len(parents) > 0, refused, nil
}

// Unsynced syncs the directory, and returns why the names in it cannot be made to last through a power cut, or nil when they
// can. Everything else works where they cannot. The directory must be open to be written to.
func (d *Dir) Unsynced() error {
	if err := d.sync["."].once(); err != nil {
		return nil // the first write fails with it
	}
	if err := d.unsynced.why(); err != nil {
		return fmt.Errorf("%s cannot sync a directory (%w)", d.fileSystem(), err)
	}
	return nil
}
