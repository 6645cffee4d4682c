package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// obedient is a program that runs another as somebody whom file modes bind,
// also where the tests run as root, as in a container.
func obedient() {
	runtime.LockOSThread() // capabilities are a thread's; exec takes this one's
	for _, c := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && os.Geteuid() == 0 {
			fmt.Fprintln(os.Stderr, "obedient: give up the right to ignore file modes:", err)
			os.Exit(125)
		}
	}
	path, err := exec.LookPath(os.Args[1])
	if err == nil {
		err = syscall.Exec(path, os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "obedient:", err)
	os.Exit(125)
}
