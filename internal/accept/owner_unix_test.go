//go:build unix

package accept_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestStoreOwner holds that a kubeconfig stays its owner's when root merges into it, and the backup is theirs.
func TestStoreOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can write for somebody else")
	}
	const jane = 1001
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, known)
	if err := os.Chown(path, jane, jane); err != nil {
		t.Fatal(err)
	}
	done, _ := put(t, []string{path}, from(t, "jane", "prod", "ca"))
	for _, name := range []string{path, done.Backup} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if had := info.Sys().(*syscall.Stat_t); had.Uid != jane || had.Gid != jane || info.Mode().Perm() != 0o600 {
			t.Errorf("%s belongs to %d:%d, with mode %v", name, had.Uid, had.Gid, info.Mode())
		}
	}
}
