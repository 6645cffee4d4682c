package outdir

import (
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// nonBlocking is not needed: directories hold no pipes here.
const nonBlocking = 0

// tryLock takes a lock that the system drops when the process ends, however it ends.
func tryLock(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}

// syncDirectory does nothing: Windows syncs no directory, NTFS keeps a journal of names.
func syncDirectory(*os.File) error { return nil }

// ownerOf does not know: the directory's access control list decides who may write.
func ownerOf(fs.FileInfo) (uid int, known bool) { return 0, false }

// writableByOthers cannot tell from mode bits on Windows: the directory's access control list decides.
func writableByOthers(fs.FileInfo) string { return "" }

// permissions says 0600: on Windows mode bits say nothing of who may read.
func permissions(fs.FileInfo) fs.FileMode { return 0o600 }
