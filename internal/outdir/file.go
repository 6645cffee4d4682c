package outdir

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile puts data at a path outside of any output directory, of mode 0600, as durably as what stands in one. Its directory
// must be there. Errors are those of the system, and name a path only below that directory.
func WriteFile(path string, data []byte) error {
	in, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer in.Close()
	if err := replace(in, filepath.Base(path), data); err != nil {
		return err
	}
	return newDirSync(in, ".", &unsynced{}).once()
}

// replace puts data at a name in a directory, of mode 0600: a reader finds the old content or the new. The steps are: a
// temporary name beside it (0600 from the start, O_EXCL, so that no planted file is used), write, sync, close, rename. An error
// leaves the old content and no temporary file. The new one outlasts a power cut once the directory is synced.
func replace(in *os.Root, name string, data []byte) error {
	temp := tempPrefix + rand.Text()
	f, err := in.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
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
	}
	return err
}

// writeFile puts data at dir/name durably, by replace and a sync of the directory. dir is one of those in d.open.
func (d *Dir) writeFile(dir, name string, data []byte) error {
	if err := replace(d.open[dir], name, data); err != nil {
		return fmt.Errorf("write %s: %w", d.join(dir, name), cause(err))
	}
	if err := d.sync[dir].wait(); err != nil {
		return fmt.Errorf("sync the directory of %s: %w", d.join(dir, name), cause(err))
	}
	return nil
}

// removeFile removes dir/name; dir is one of those in d.open. A file that is not there is no error.
func (d *Dir) removeFile(dir, name string) error {
	err := d.open[dir].Remove(name)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("remove %s: %w", d.join(dir, name), cause(err))
	}
	return nil
}

// irregular returns in words why a file is not an ordinary one, or "".
func irregular(info fs.FileInfo) string {
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

// maxFile is the size, in bytes, above which a file is not read. A kubeconfig of some hundred clusters is smaller.
const maxFile = 1 << 20

// unfitError is why something at a file's place is not a file that we made, in words.
type unfitError string

// Error returns the words.
func (e unfitError) Error() string { return string(e) }

// read returns the content of a regular file of at most maxFile bytes, by its path below the directory. Something else at that
// path is an unfitError, and nothing an error of the kind fs.ErrNotExist.
func (d *Dir) read(name string) ([]byte, error) {
	data, _, err := d.readInfo(name)
	return data, err
}

// readInfo is read, and returns what the file was when it was read. A symbolic link is not followed, not even to another file
// in the directory: that one may be a secret.
func (d *Dir) readInfo(name string) ([]byte, fs.FileInfo, error) {
	place, err := d.root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if why := irregular(place); why != "" {
		return nil, nil, unfitError(why)
	}
	f, err := d.root.OpenFile(name, os.O_RDONLY|nonBlocking, 0) // a pipe would wait for a writer for ever
	if why := d.foreignOwner(place); errors.Is(err, fs.ErrPermission) && why != "" {
		return nil, nil, unfitError(why)
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	// Root may have given a kubeconfig to its user. The plan shows what they put into it, and the next write replaces it.
	handedOver := d.owners[0] == 0 && filepath.Dir(name) == "."
	if why := d.foreignOwner(info); why != "" && !handedOver {
		return nil, nil, unfitError(why)
	}
	var b bytes.Buffer
	if n, err := b.ReadFrom(io.LimitReader(f, maxFile+1)); err != nil {
		return nil, nil, err
	} else if n > maxFile {
		return nil, nil, unfitError(fmt.Sprintf("larger than %d MiB", maxFile>>20))
	}
	return b.Bytes(), info, nil
}

// cause drops the path and the call from an *fs.PathError or an *os.LinkError: our messages already name the path.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
