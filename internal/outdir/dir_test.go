//go:build unix

package outdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpen(t *testing.T) {
	t.Run("one that does not exist is empty, and is not made by reading", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "none")
		d, err := OpenRead(path)
		check(t, err)
		seen, err := d.Of("team", prod).Observe()
		files, keys := seen.Files, seen.Keys
		if err != nil || len(files)+len(keys) > 0 || d.Exists() {
			t.Errorf("%v %v %v", files, keys, err)
		}
		if _, err := d.Of("team", prod).ObserveUser("jane"); err == nil || !strings.Contains(err.Error(), "provision plan") {
			t.Errorf("%v", err)
		}
		check(t, d.Close())
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		check(t, os.WriteFile(path, nil, 0o600))
		if _, err := OpenWrite(t.Context(), path, 0); err == nil || !strings.Contains(err.Error(), "choose another with -d") {
			t.Errorf("%v", err)
		}
	})
	t.Run("others may write", func(t *testing.T) {
		for _, name := range []string{".", stateDir, journalDir} {
			path := t.TempDir()
			opened(t, path).Close()
			check(t, os.Chmod(filepath.Join(path, name), 0o770))
			if _, err := OpenWrite(t.Context(), path, 0); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("the journal is a link to elsewhere", func(t *testing.T) {
		path := t.TempDir()
		check(t, os.Mkdir(filepath.Join(path, stateDir), 0o700))
		check(t, os.Symlink(t.TempDir(), filepath.Join(path, journalDir)))
		if _, err := OpenWrite(t.Context(), path, 0); err == nil || !strings.Contains(err.Error(), "is not a directory") {
			t.Errorf("%v", err)
		}
	})
	t.Run("one that is new is not for git, and one that is there stays as it is", func(t *testing.T) {
		above := filepath.Join(t.TempDir(), "new")
		path := filepath.Join(above, "kubeconfigs")
		opened(t, path).Close()
		ignored := filepath.Join(path, ".gitignore")
		if data, err := os.ReadFile(ignored); err != nil || string(data) != "*\n" || mode(t, ignored) != 0o600 {
			t.Errorf("%q, %v", data, err)
		}
		check(t, os.WriteFile(ignored, []byte("!mine\n"), 0o640))
		opened(t, path).Close()
		if data, err := os.ReadFile(ignored); err != nil || string(data) != "!mine\n" {
			t.Errorf("%q, %v", data, err)
		}
		check(t, os.Remove(ignored))
		for _, there := range []string{path, t.TempDir()} {
			opened(t, there).Close()
			if _, err := os.Lstat(filepath.Join(there, ".gitignore")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s was there, and got a .gitignore: %v", there, err)
			}
		}
	})
	t.Run("in use", func(t *testing.T) {
		path := t.TempDir()
		first := opened(t, path)
		if _, err := OpenWrite(t.Context(), path, 0); err == nil || !strings.Contains(err.Error(), "is in use") {
			t.Errorf("%v", err)
		}
		check(t, first.Close())
		opened(t, path)
	})
	t.Run("its id stays", func(t *testing.T) {
		path := t.TempDir()
		d := opened(t, path)
		id, err := d.ID()
		check(t, err)
		d.Close()
		again, err := opened(t, path).ID()
		if err != nil || again != id || len(id) < 20 {
			t.Errorf("%q, then %q (%v)", id, again, err)
		}
	})
}
