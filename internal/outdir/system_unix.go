//go:build unix

package outdir

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// nonBlocking opens a pipe without waiting for its other end.
const nonBlocking = unix.O_NONBLOCK

// tryLock takes an advisory lock that the kernel drops when the process ends, however it ends.
func tryLock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// writableByOthers says in words who else may write, or "".
func writableByOthers(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != uint32(os.Geteuid()) && os.Geteuid() != 0 {
		return "it belongs to another user"
	}
	if info.Mode().Perm()&0o022 != 0 {
		return "its group or others may write to it (" + info.Mode().Perm().String() + ")"
	}
	return ""
}

// permissions are the file's mode bits.
func permissions(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }
