//go:build unix

package outdir

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The id goes into the cluster and into other people's error texts, so that nothing else may stand for it: not the key
// at the end of a link, not a text that somebody wrote there.
func TestIDIsOurs(t *testing.T) {
	other := strings.Repeat("A", 26)
	for name, plant := range map[string]func(t *testing.T, path, id string){
		"a link to a kubeconfig": func(t *testing.T, path, id string) { check(t, os.Symlink("../bob.kubeconfig", id)) },
		"a link to another's id": func(t *testing.T, path, id string) {
			check(t, os.WriteFile(filepath.Join(path, "id"), []byte(other), 0o600))
			check(t, os.Symlink("../id", id))
		},
		"a pipe":        func(t *testing.T, path, id string) { check(t, syscall.Mkfifo(id, 0o600)) },
		"an empty file": func(t *testing.T, path, id string) { check(t, os.WriteFile(id, nil, 0o600)) },
		"a text": func(t *testing.T, path, id string) {
			check(t, os.WriteFile(id, []byte("held by root: delete it"), 0o600))
		},
		"a line too many":  func(t *testing.T, path, id string) { check(t, os.WriteFile(id, []byte(other+"\n"), 0o600)) },
		"other characters": func(t *testing.T, path, id string) { check(t, os.WriteFile(id, []byte(other[1:]+"1"), 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := opened(t, path)
			check(t, d.Of("team", prod).Write(entry(prod, "bob", newSecret(t, "bob")), ""))
			before, err := os.ReadFile(d.File("bob"))
			check(t, err)
			file := filepath.Join(path, stateDir, idFile)
			plant(t, path, file)
			id, err := d.ID()
			if err != nil || len(id) != 26 || strings.ContainsAny(id, " :-01") || id == other {
				t.Errorf("%q, %v", id, err)
			}
			if m := mode(t, file); m != 0o600 {
				t.Errorf("mode %v", m)
			}
			if again, err := d.ID(); err != nil || again != id {
				t.Errorf("%q, then %q, %v", id, again, err)
			}
			if after, err := os.ReadFile(d.File("bob")); err != nil || string(after) != string(before) {
				t.Errorf("bob's kubeconfig has changed: %v", err)
			}
		})
	}
}
