//go:build !linux

package outdir

import "os"

// fileSystemOf returns "": it is known on Linux only.
func fileSystemOf(*os.File) string { return "" }
