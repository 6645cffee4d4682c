//go:build unix

package outdir

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// nonBlocking is the flag to open a pipe without waiting for its other end.
const nonBlocking = unix.O_NONBLOCK

// TryLock takes an advisory lock that the kernel drops when the process ends, however it ends.
func TryLock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// IsHeld reports whether a lock could not be taken because somebody has it, or because a signal came in between. Any other
// error would come again the next time.
func IsHeld(err error) bool {
	return errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR)
}

// syncDirectory makes the names in a directory last through a power cut.
func syncDirectory(f *os.File) error { return f.Sync() }

// cannotSync reports whether a directory could not be synced because its file system has no such thing, as SMB and some of
// FUSE.
func cannotSync(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EOPNOTSUPP)
}

// ownerOf returns the id of the user whom a file belongs to, if the system knows it.
func ownerOf(info fs.FileInfo) (uid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}

// writableByOthers returns in words that others may write by the file's mode, or "".
func writableByOthers(info fs.FileInfo) string {
	if info.Mode().Perm()&0o022 != 0 {
		return "its group or others may write to it (" + info.Mode().Perm().String() + ")"
	}
	return ""
}

// openedByKubelet reports whether a directory looks as kubelet leaves it in a volume with fsGroup: the group may write, and
// what is made in it goes to the group.
func openedByKubelet(info fs.FileInfo) bool {
	return info.Mode()&fs.ModeSetgid != 0 && info.Mode().Perm()&0o020 != 0
}

// permissions returns the file's permission bits.
func permissions(info fs.FileInfo) fs.FileMode { return info.Mode().Perm() }
