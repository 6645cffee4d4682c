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

// syncDirectory makes the names in a directory last through a power cut.
func syncDirectory(f *os.File) error { return f.Sync() }

// ownerOf returns the id of the user whom a file belongs to.
func ownerOf(info fs.FileInfo) (uid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}

// writableByOthers says in words who else may write by the file's mode, or "".
func writableByOthers(info fs.FileInfo) string {
	if info.Mode().Perm()&0o022 != 0 {
		return "its group or others may write to it (" + info.Mode().Perm().String() + ")"
	}
	return ""
}

// permissions are the file's mode bits.
func permissions(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }
