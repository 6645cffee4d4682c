//go:build unix

package outdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A write that fails leaves the old content and no temporary file.
func TestFailedWrite(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	s := newSecret(t, "jane")
	check(t, d.Of("team", prod).Write(entry(prod, "jane", s), ""))
	check(t, os.Mkdir(filepath.Join(path, journalDir, d.Of("team", prod).journalName("jane")), 0o700)) // a rename onto it fails
	err := d.Of("team", prod).WriteKey(JournalEntry{User: "jane", PEM: string(s.pem)})
	if err == nil || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("%v", err)
	}
	want := []string{journalDir + "/" + d.Of("team", prod).journalName("jane"), "jane.kubeconfig"}
	if got := everything(t, path); !slices.Equal(got, want) {
		t.Errorf("left %v", got)
	}
}

// A user's name cannot lead out of the directory.
func TestNamesStayInside(t *testing.T) {
	parent := t.TempDir()
	path := filepath.Join(parent, "kubeconfigs")
	d := opened(t, path)
	for _, user := range []string{"../jane", "/etc/jane", "..", ".", "a/../../b", ".provision", "x\x00y"} {
		s := newSecret(t, "x")
		check(t, d.Of("team", prod).WriteKey(JournalEntry{User: user, PEM: string(s.pem)}))
		check(t, d.Of("team", prod).Write(entry(prod, user, s), ""))
		if f, err := d.Of("team", prod).ObserveUser(user); err != nil || !f.KeyMatches {
			t.Errorf("%q: %v", user, err)
		}
	}
	if names := everything(t, parent); slices.ContainsFunc(names, func(n string) bool { return n != "kubeconfigs" && !strings.HasPrefix(n, "kubeconfigs/") }) {
		t.Errorf("%v", names)
	}
}

// A file outside of the output directory, as a saved plan, is written as one in it: whole or not at all.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "plan")
	check(t, os.WriteFile(path, []byte("old"), 0o644))
	check(t, WriteFile(path, []byte("new")))
	if data, err := os.ReadFile(path); err != nil || string(data) != "new" || mode(t, path) != 0o600 {
		t.Errorf("%q, %v, mode %v", data, err, mode(t, path))
	}
	check(t, os.Mkdir(filepath.Join(dir, "taken"), 0o700)) // a rename onto it fails
	if err := WriteFile(filepath.Join(dir, "taken"), nil); err == nil {
		t.Error("a directory was replaced")
	}
	if err := WriteFile(filepath.Join(dir, "none", "plan"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a directory that is not there: %v", err)
	}
	if got := everything(t, dir); !slices.Equal(got, []string{"plan", "taken"}) {
		t.Errorf("left %v", got)
	}
}
