package outdir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// tryModes refuses a file system on which a file's mode is not what was asked for, with a fixedModesError. CIFS, FAT, a Windows
// drive in WSL and some of FUSE are such: every key would be open to others, and no chmod would change that. The file is one
// of ours, and empty.
func (d *Dir) tryModes(f *os.File) error {
	info, err := f.Stat()
	if err == nil && permissions(info)&0o077 != 0 { // kubelet may have opened it
		if err = f.Chmod(0o600); err == nil || errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
			info, err = f.Stat()
		}
	}
	if err != nil {
		return fmt.Errorf("look at a file in %s: %w: choose another directory with -d", d.path, cause(err))
	}
	if mode := permissions(info); mode&0o077 != 0 {
		return &fixedModesError{d.path, d.fileSystem(), mode}
	}
	return nil
}

// tryModesOpenly is tryModes with a file of its own, which it removes, for a directory that is open to others.
func (d *Dir) tryModesOpenly() error {
	name := tempPrefix + rand.Text()
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer d.root.Remove(name)
	defer f.Close()
	return d.tryModes(f)
}

// fixedModesError reports that a file system does not keep modes.
type fixedModesError struct {
	path, fileSystem string
	mode             fs.FileMode
}

// Error says what to do about it.
func (e *fixedModesError) Error() string {
	return fmt.Sprintf("output directory %s: %s gives a new file the mode %04o instead of 0600, so that others could read private keys, and chmod changes nothing there: choose a directory on another file system with -d",
		e.path, e.fileSystem, e.mode)
}

// fileSystem names the file system that the directory is on, with its kind where that is known, for messages.
func (d *Dir) fileSystem() string {
	f, err := d.root.Open(".")
	if err != nil {
		return "its file system"
	}
	defer f.Close()
	if name := fileSystemOf(f); name != "" {
		return "its file system (" + name + ")"
	}
	return "its file system"
}
