//go:build unix

package outdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Files that a person keeps for good are never written over, and come all or not at all.
func TestWriteNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own", "keys")
	key, request := NewFile{"bob.key", []byte("k")}, NewFile{"bob.csr", []byte("r")}
	check(t, WriteNew(path, key, request))
	for name, want := range map[string]string{"bob.key": "k", "bob.csr": "r"} {
		file := filepath.Join(path, name)
		if data, err := os.ReadFile(file); err != nil || string(data) != want || mode(t, file) != 0o600 {
			t.Errorf("%s: %q, %v, mode %v", name, data, err, mode(t, file))
		}
	}
	if data, err := os.ReadFile(filepath.Join(path, ".gitignore")); err != nil || string(data) != "*.key\n" {
		t.Errorf("git is to pass over %q, %v", data, err)
	}
	if mode(t, path).Perm() != 0o700 {
		t.Errorf("the directory has the mode %v", mode(t, path))
	}

	// Whichever of the two is there, neither is touched, and none is made.
	for _, there := range []string{"ann.key", "ann.csr"} {
		check(t, os.WriteFile(filepath.Join(path, there), []byte("old"), 0o600))
		err := WriteNew(path, NewFile{"ann.key", []byte("k")}, NewFile{"ann.csr", []byte("r")})
		if data, _ := os.ReadFile(filepath.Join(path, there)); !errors.Is(err, fs.ErrExist) || string(data) != "old" {
			t.Errorf("%s is there: %v; it has %q", there, err, data)
		}
		check(t, os.Remove(filepath.Join(path, there)))
	}
	check(t, os.Symlink("elsewhere", filepath.Join(path, "ann.csr")))
	if err := WriteNew(path, NewFile{"ann.key", nil}, NewFile{"ann.csr", nil}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("through a link: %v", err)
	}
	if got := everything(t, path); !slices.Equal(got, []string{".gitignore", "ann.csr", "bob.csr", "bob.key"}) {
		t.Errorf("left %v", got)
	}

	// Whoever can write there can swap the request.
	check(t, os.Chmod(path, 0o770))
	if err := WriteNew(path, NewFile{"eve.csr", nil}); err == nil {
		t.Error("into a directory of others")
	}
}
