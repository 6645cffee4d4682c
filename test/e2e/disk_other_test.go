//go:build !linux

package e2e_test

import "github.com/rogpeppe/go-internal/testscript"

func smallDisk(ts *testscript.TestScript, neg bool, args []string) {
	ts.Fatalf("small-disk is for Linux")
}

func canMount() bool { return false }
