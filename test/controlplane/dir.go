package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
)

// findBinary returns the absolute path of the multi-call binary.
func findBinary(path string) (string, error) {
	if path == "" {
		path = os.Getenv(BinaryVariable)
	}
	if path == "" {
		path = filepath.Join("..", "..", "bin", "kubernetes")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(abs); err != nil {
		return "", fmt.Errorf("find the servers to test with: %w\n"+
			"hint: build them with `make bin/kubernetes` (some minutes the first time), or set %s", err, BinaryVariable)
	}
	return abs, nil
}

// makeDir makes the folder for all state, and those in it.
func makeDir(dir string) (string, error) {
	var err error
	if dir == "" {
		dir, err = os.MkdirTemp("", "provision-controlplane-")
	} else if err = os.MkdirAll(dir, 0o700); err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("start a control plane in %s: the folder is not empty; name another one", dir)
	}
	for _, sub := range []string{"bin", "logs", "pki"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return "", err
		}
	}
	return dir, nil
}
