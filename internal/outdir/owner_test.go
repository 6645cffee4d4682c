//go:build unix

package outdir

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Directories that kubelet opens in a volume with fsGroup are told in one message, with one chmod for all and what makes it last.
func TestDirectoriesOpenedByKubelet(t *testing.T) {
	path := t.TempDir()
	opened(t, path).Close()
	dirs := []string{path, filepath.Join(path, stateDir), filepath.Join(path, journalDir)}
	for _, dir := range dirs {
		check(t, os.Chmod(dir, 0o770|fs.ModeSetgid))
	}
	for name, open := range map[string]func() error{
		"to read":  func() error { _, err := OpenRead(path); return err },
		"to write": func() error { _, err := OpenWrite(t.Context(), path, time.Second); return err },
	} {
		if err := open(); err == nil || !strings.Contains(err.Error(), "run chmod go-w "+strings.Join(dirs, " ")+",") || !strings.Contains(err.Error(), "fsGroupChangePolicy: OnRootMismatch") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, dir := range dirs {
		check(t, os.Chmod(dir, 0o750))
	}
	opened(t, path)
}

// Somebody else who owns a directory can swap what is in it, and root, whom no mode stops, must see that too.
// PROMISE: The output directory and the kubeconfigs in it must belong to whoever runs it, or it is
// refused: another user could put something into them.
func TestOwnedByAnother(t *testing.T) {
	const jane, bob = 1001, 1002
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	root := owners(0, func(string) string { return "" })
	sudo := owners(0, func(name string) string { return map[string]string{"SUDO_UID": "1001"}[name] })
	for _, name := range []string{".", stateDir, journalDir} {
		path := t.TempDir()
		opened(t, path).Close()
		place := filepath.Join(path, name)
		check(t, os.Chown(place, jane, -1))
		_, err := openWrite(t.Context(), path, 0, root)
		if err == nil || !strings.Contains(err.Error(), "another user (uid 1001)") || !strings.Contains(err.Error(), "run chown 0 "+place+", or provision as that user") {
			t.Errorf("%s of jane's: %v", name, err)
		}
		if d, err := openWrite(t.Context(), path, 0, sudo); err != nil {
			t.Errorf("%s of jane's, who called sudo: %v", name, err)
		} else {
			d.Close()
		}
		check(t, os.Chown(place, bob, -1))
		if _, err := openWrite(t.Context(), path, 0, sudo); err == nil || !strings.Contains(err.Error(), "uid 1002") {
			t.Errorf("%s of bob's, and jane called sudo: %v", name, err)
		}
	}
	if _, err := open(t.TempDir(), []int{jane}); err == nil || !strings.Contains(err.Error(), "another user (uid 0)") {
		t.Errorf("jane in a directory of root's: %v", err)
	}
}

func TestOwners(t *testing.T) {
	for _, c := range []struct {
		euid int
		sudo string
		want []int
	}{
		{0, "", []int{0}}, {0, "1000", []int{0, 1000}}, {0, "x", []int{0}}, {1000, "0", []int{1000}}, {1000, "1001", []int{1000}},
	} {
		if got := owners(c.euid, func(string) string { return c.sudo }); !slices.Equal(got, c.want) {
			t.Errorf("uid %d, SUDO_UID %q: %v", c.euid, c.sudo, got)
		}
	}
}
