package main

import (
	"fmt"
	"io/fs"
	"os"
)

// maxOwnFile is the most that the operator's kubeconfig, or a file that it names, may have.
const maxOwnFile = 16 << 20

// checkOwnFile refuses a kubeconfig, or a file that one names, that has no end, or hardly one: it would be read into memory
// whole. A pipe ends when its writer does. That a file is not there is told where it is read.
func checkOwnFile(path string) error {
	info, err := os.Stat(path)
	nothing, _ := os.Stat(os.DevNull)
	switch {
	case err != nil || nothing != nil && os.SameFile(info, nothing):
		return nil
	case info.Mode()&fs.ModeDevice != 0:
		return fmt.Errorf("%s is a device, not a file", path)
	case info.Mode().IsRegular() && info.Size() > maxOwnFile:
		return fmt.Errorf("%s has more than %d MiB", path, maxOwnFile>>20)
	}
	return nil
}
