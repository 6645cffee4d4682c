package outdir

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// nonBlocking is no flag: directories hold no pipes here.
const nonBlocking = 0

// TryLock takes a lock that the system drops when the process ends, however it ends.
func TryLock(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}

// IsHeld reports whether a lock could not be taken because somebody has it.
func IsHeld(err error) bool {
	return errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING)
}

// syncDirectory does nothing: Windows syncs no directory, NTFS keeps a journal of names.
func syncDirectory(*os.File) error { return nil }

// cannotSync reports false: syncDirectory never fails.
func cannotSync(error) bool { return false }

// ownerOf returns that it is not known: the directory's access control list decides who may write.
func ownerOf(fs.FileInfo) (uid int, known bool) { return 0, false }

// writableByOthers returns "": the directory's access control list decides, and mode bits do not show it.
func writableByOthers(fs.FileInfo) string { return "" }

// openedByKubelet reports false: there is no such volume here.
func openedByKubelet(fs.FileInfo) bool { return false }

// permissions returns 0600: mode bits do not show who may read here.
func permissions(fs.FileInfo) fs.FileMode { return 0o600 }
