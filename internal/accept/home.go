package accept

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// home is where a kubeconfig is written: its folder, opened once, and its name there. The owner of a folder on the way may put another
// in its place at any moment, and root accepts for people, too: what is read, written and given away is all in the folder that was opened.
type home struct {
	*os.Root
	folder string // as it was opened
	name   string
}

// openHome opens the folder of a file, which need not be there.
func openHome(target string) (*home, error) {
	folder := filepath.Dir(target)
	root, err := os.OpenRoot(folder)
	return &home{root, folder, filepath.Base(target)}, err
}

// load reads the kubeconfig as load does.
func (h *home) load() ([]byte, *clientcmdapi.Config, error) {
	path := filepath.Join(h.folder, h.name)
	info, err := h.Lstat(h.name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	var data []byte
	if err == nil {
		data, err = h.ReadFile(h.name)
	}
	return parseOwn(path, data, err)
}

// backUp writes what the kubeconfig has beside it, for the same owner, under a name with the time, and returns its path.
func (h *home) backUp(data []byte, now time.Time) (string, error) {
	name := free(h.name+".before-"+now.UTC().Format("20060102T150405Z"), func(name string) bool {
		_, err := h.Lstat(name)
		return err == nil
	})
	return filepath.Join(h.folder, name), h.replace(name, data)
}

// temporary is the file that a kubeconfig, or its backup, is written to before it gets its name. It is one for each kubeconfig, as the
// lock is: nobody else writes there while that is held, and what a run left that was killed goes with the next.
func (h *home) temporary() string { return "." + h.name + ".provision-accept.tmp" }

// replace puts data into a file of the folder, of mode 0600, by way of a temporary one beside it: a reader finds what was there or the
// new. It belongs to whoever has the kubeconfig, if that is there.
func (h *home) replace(name string, data []byte) error {
	temp := h.temporary()
	if err := h.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := h.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if had, err := h.Lstat(h.name); err == nil && had.Mode().IsRegular() {
		giveTo(f, had)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = h.Rename(temp, name)
	}
	if err != nil {
		h.Remove(temp) // the first error is the one to tell
		return err
	}
	if dir, err := h.Open("."); err == nil { // some file systems have no such thing
		dir.Sync()
		dir.Close()
	}
	return nil
}
