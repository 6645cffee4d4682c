//go:build unix

package accept

import (
	"io/fs"
	"os"
	"syscall"
)

// giveTo gives a new file to whoever has the one whose place it takes, where the system lets us: kubectl writes a kubeconfig in its place, so
// that it stays its owner's when root does that.
func giveTo(f *os.File, info fs.FileInfo) {
	if had, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(had.Uid), int(had.Gid)) // only root can
	}
}
