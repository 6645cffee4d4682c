//go:build !linux

package main

// neverDump does nothing here: see nodump_linux.go.
func neverDump() {}
