package e2e_test

import (
	"os"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// smallDisk makes a folder a file system of its own of this size, or changes
// the size of one that it made.
func smallDisk(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "small-disk FOLDER SIZE")
	dir, options := ts.MkAbs(args[0]), "mode=700,size="+args[1]
	if _, err := os.Stat(dir); err == nil {
		ts.Check(syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, options))
		return
	}
	ts.Check(os.Mkdir(dir, 0o700))
	ts.Check(syscall.Mount("tmpfs", dir, "tmpfs", 0, options))
	ts.Defer(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// canMount says whether smallDisk can work: it takes root, and more than that in
// most containers.
var canMount = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "provision-mount-")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k") != nil {
		return false
	}
	return syscall.Unmount(dir, 0) == nil
})
