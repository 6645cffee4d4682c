package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
)

// writeUsers writes a users file: n users of one group, each with one role in one namespace.
func writeUsers(dir, set string, n int, algorithm string) error {
	f, err := os.Create(filepath.Join(dir, "users.yaml"))
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, `apiVersion: provision/v1alpha1
kind: Users
name: %s
defaults:
  duration: 24h
  keyAlgorithm: %s
  namespace: %s
users:
`, set, algorithm, namespace)
	for i := range n {
		fmt.Fprintf(w, "  - name: %s\n    groups: [bench:team]\n    roles: [{clusterRole: view, namespaces: [%s]}]\n", userName(i), namespace)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
