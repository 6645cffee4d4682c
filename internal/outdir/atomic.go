package outdir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// writeFile puts data at dir/name durably: whoever reads sees the old content or the new, also after a power cut.
// The steps: temporary name in the same directory (0600 from the start, O_EXCL, so that no planted file is used),
// write, sync, close, rename, sync the directory. On failure the temporary file is removed.
func (d *Dir) writeFile(dir, name string, data []byte) error {
	temp := tempPrefix + rand.Text()
	in := d.open[dir]
	f, err := in.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", d.join(dir, name), cause(err))
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = in.Rename(temp, name)
	}
	if err != nil {
		in.Remove(temp) // the first error is the one to tell
		return fmt.Errorf("write %s: %w", d.join(dir, name), cause(err))
	}
	if err := d.sync[dir].wait(); err != nil {
		return fmt.Errorf("sync the directory of %s: %w", d.join(dir, name), cause(err))
	}
	return nil
}

// removeFile removes dir/name; one that is not there is no error.
func (d *Dir) removeFile(dir, name string) error {
	err := d.open[dir].Remove(name)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove %s: %w", d.join(dir, name), cause(err))
	}
	return nil
}

// regular says why the file is not an ordinary one, or "".
func regular(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return ""
	case mode&fs.ModeSymlink != 0:
		return "it is a symbolic link"
	case mode.IsDir():
		return "it is a directory"
	}
	return "it is not a regular file"
}

// gather is how long a sync waits for others that want the same: little beside what a user's certificate takes.
const gather = 5 * time.Millisecond

// dirSync syncs one directory for many writers: those who ask within a short while, or while a sync runs, share the
// next one.
type dirSync struct {
	root *os.Root
	name string

	mu      sync.Mutex
	running bool
	next    *syncRound
}

type syncRound struct {
	done chan struct{}
	err  error
}

func newDirSync(root *os.Root, name string) *dirSync { return &dirSync{root: root, name: name} }

// wait returns once a sync that began after the call has ended.
func (s *dirSync) wait() error {
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

func (s *dirSync) once() error {
	f, err := s.root.Open(s.name)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncDirectory(f)
}

// makeAll makes a directory and its parents. Each new one is synced into the directory that it is in: a power cut would
// else take it with all that is in it. One that was there already costs no sync.
func makeAll(path string) error {
	var parents []string // of the new ones, innermost first
	for p := filepath.Clean(path); ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) || p == filepath.Dir(p) {
			break
		}
		parents = append(parents, filepath.Dir(p))
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for _, p := range parents {
		f, err := os.Open(p)
		if errors.Is(err, fs.ErrPermission) {
			continue // we may write there and not read, so that it cannot be synced
		}
		if err != nil {
			return err
		}
		err = syncDirectory(f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
