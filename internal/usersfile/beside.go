package usersfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// folder is the one that a users file is in. A file that it names by a path is read below it and nowhere else: no path and no link
// leads out. It is opened when it is first needed.
type folder struct {
	path string // "": the users file is standard input, and is in none
	root *os.Root
}

// errOutside is that a path leads out of the folder of the users file.
var errOutside = errors.New("must be a path below the folder of the users file, and lead to nothing outside it")

// read returns what a regular file of at most so many bytes has in it. Its errors are for people, and quote nothing of the file.
func (f *folder) read(path string, most int64) ([]byte, error) {
	if f.path == "" {
		return nil, errors.New("cannot be used with -f -: standard input is in no folder that a path could begin in")
	}
	if !filepath.IsLocal(path) {
		return nil, errOutside
	}
	if f.root == nil {
		root, err := os.OpenRoot(f.path)
		if err != nil {
			return nil, fmt.Errorf("the folder of the users file: %w", fileCause(err))
		}
		f.root = root
	}
	info, err := f.root.Stat(path) // to open something else may wait for ever, or do something
	if err == nil {
		err = regular(info, most)
	}
	if err != nil {
		return nil, fileCause(err)
	}
	file, err := f.root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fileCause(err)
	}
	defer file.Close()
	if info, err = file.Stat(); err == nil {
		err = regular(info, most)
	}
	if err != nil {
		return nil, fileCause(err)
	}
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		err = tooLarge(most)
	}
	if err != nil {
		return nil, fileCause(err)
	}
	return data, nil
}

// regular refuses what is no regular file, and one that is too large.
func regular(info fs.FileInfo, most int64) error {
	switch {
	case info.IsDir():
		return errors.New("is a directory: name a file in it")
	case !info.Mode().IsRegular():
		return errors.New("is not a regular file")
	case info.Size() > most:
		return tooLarge(most)
	}
	return nil
}

func tooLarge(most int64) error {
	return fmt.Errorf("the file is too long: it must have at most %d KiB", most>>10)
}

// fileCause is an error of the file system without the path, which stands beside it.
func fileCause(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("may not be read: permission denied")
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		if _, system := errors.AsType[syscall.Errno](e.Err); !system { // of os.Root: the path escapes from it
			return errOutside
		}
		return e.Err
	}
	return err
}

// close gives the folder back.
func (f *folder) close() {
	if f.root != nil {
		f.root.Close()
		f.root = nil
	}
}

// beside reads the file that a value names, below the folder of the users file, and makes it part of the set's digest. ok is false for
// a mistake, which is recorded.
func (r *reader) beside(v value, most int64) (data []byte, ok bool) {
	path, ok := r.filled(v)
	if !ok {
		return nil, false
	}
	data, err := r.folder.read(path, most)
	if err != nil {
		r.add(v, "Invalid value: "+err.Error()) // which does not repeat the path: it may be a key that stands in the wrong place
		return nil, false
	}
	sum := sha256.Sum256(data)
	r.besides = append(r.besides, fmt.Sprintf("\n# %q has SHA-256 %x", path, sum)...)
	return data, true
}
