package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// NewFile is a file that is to be made.
type NewFile struct {
	Name string
	Data []byte
}

// WriteNew makes files of mode 0600 in a directory, in this order, each where nothing has its name yet, and as durably as a
// kubeconfig. After an error none of them is there. The directory is made when it is missing, for git to pass over the private
// keys in it and not the requests, which people keep in git beside a users file; it is refused for the reasons for
// which an output directory is, since whoever can swap a request gets the certificate that it asks for. A name that something has
// is an error of the kind fs.ErrExist.
func WriteNew(path string, files ...NewFile) (err error) {
	fresh, _, err := makeAll(path)
	if err != nil {
		return openError(path, err)
	}
	if fresh {
		files = slices.Insert(slices.Clone(files), 0, NewFile{ignoreFile, []byte("*.key\n")})
	}
	d, err := OpenRead(path)
	if err != nil {
		return err
	}
	defer d.Close()
	var made []string
	defer func() {
		if err != nil {
			for _, name := range made {
				d.root.Remove(name) // the first error is the one to tell
			}
		}
	}()
	for _, file := range files {
		f, err := d.root.OpenFile(file.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("write %s: %w", d.join(file.Name), fs.ErrExist)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w: choose another directory with -d", d.join(file.Name), cause(err))
		}
		made = append(made, file.Name)
		if err := d.fill(f, file.Data); err != nil {
			return err
		}
	}
	if err := newDirSync(d.root, ".", &d.unsynced).once(); err != nil {
		return fmt.Errorf("sync %s: %w", d.path, cause(err))
	}
	return nil
}

// fill writes data to a file that was just made, syncs and closes it. Nothing is written where others could read it.
func (d *Dir) fill(f *os.File, data []byte) error {
	if err := d.tryModes(f); err != nil {
		f.Close()
		return err
	}
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", d.join(f.Name()), cause(err))
	}
	return nil
}
