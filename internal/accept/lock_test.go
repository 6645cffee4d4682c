package accept_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"provision/internal/accept"
)

// Several at once lose nothing of each other's.
func TestStoreAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, strings.Replace(known, "current-context: work\n", "current-context: work\n# mine\n", 1))
	var all []sent
	for i := range 8 {
		all = append(all, from(t, "jane", fmt.Sprintf("c%d", i), "ca"))
	}
	var g sync.WaitGroup
	for _, s := range all {
		g.Go(func() {
			if _, _, err := tryPut(t, []string{path}, s); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	if got := config(t, read(t, path)); len(got.Contexts) != 3+len(all) {
		t.Error(described(got))
	}
	if strings.Contains(files(t, filepath.Dir(path)), ".lock") {
		t.Error(files(t, filepath.Dir(path)))
	}
}

// The lock of a process that was killed is taken over; that of kubectl, which cannot be told from one that is held, is not.
func TestLockLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path+".lock", "")
	if err := os.Chmod(path+".lock", 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, []string{path}, from(t, "jane", "prod", "ca"))
	if got := files(t, filepath.Dir(path)); got != "config" {
		t.Error(got)
	}
	if err := os.WriteFile(path+".lock", nil, 0); err != nil {
		t.Fatal(err)
	}
	list := from(t, "jane", "dev", "ca").entries(t)
	own, err := accept.Open([]string{path}, list)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := own.Preview(list, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := own.Store(ctx, list, false, changes); err == nil || !strings.Contains(err.Error(), "config.lock") {
		t.Errorf("%v", err)
	}
}

// victim is set for a process that merges all the time, until it is killed.
const victim = "PROVISION_TEST_ACCEPT_INTO"

// everyTime is a new certificate for the same cluster, in whatever process.
func everyTime(t *testing.T) sent {
	s := from(t, "jane", "prod", "ca")
	s.ca = nil
	return s
}

// A kill -9 leaves the file as it was or as it became, and the next run goes on.
func TestStoreKilled(t *testing.T) {
	if path := os.Getenv(victim); path != "" {
		for {
			put(t, []string{path}, everyTime(t))
		}
	}
	if runtime.GOOS == "windows" || testing.Short() {
		t.Skip()
	}
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, known)
	lines := len(config(t, known).Contexts)
	for range 15 {
		command := exec.Command(os.Args[0], "-test.run=^TestStoreKilled$")
		command.Env = append(os.Environ(), victim+"="+path)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(50+rand.IntN(100)) * time.Millisecond) // an instant like any other
		if err := command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = command.Wait() // killed
		got := config(t, read(t, path))
		if len(got.Contexts) != lines && len(got.Contexts) != lines+1 || got.Contexts["work"] == nil || got.AuthInfos["admin"].Exec == nil {
			t.Fatalf("after a kill: %s", described(got))
		}
		if u := got.AuthInfos["jane@prod-2"]; u != nil && (len(u.ClientKeyData) == 0 || len(u.ClientCertificateData) == 0) {
			t.Fatal("half an entry")
		}
	}
	put(t, []string{path}, everyTime(t))
	if names := files(t, filepath.Dir(path)); strings.Contains(names, ".lock") || strings.Contains(names, ".tmp") {
		t.Error(names)
	}
}
