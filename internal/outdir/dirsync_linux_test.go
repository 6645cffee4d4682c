package outdir

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A new directory that is not synced into its parent goes in a power cut, and takes the keys in it along. Nothing but
// the kernel knows what is synced, so the test runs itself under strace.
func TestNewDirectoriesAreSynced(t *testing.T) {
	if path := os.Getenv("OUTDIR_TEST_OPEN"); path != "" {
		d, err := OpenWrite(t.Context(), path, time.Second)
		check(t, err)
		check(t, d.Close())
		return
	}
	if err := exec.Command("strace", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skip("strace:", err)
	}
	self, err := os.Executable()
	check(t, err)
	top, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	path := filepath.Join(top, "a", "kubeconfigs")
	call := regexp.MustCompile(`\b(?:(mkdir)(?:at)?\(.*?"([^"]*)"|(fsync)\(\d+<([^>]*)>)`)
	traced := func() (calls []string) {
		t.Helper()
		log := filepath.Join(t.TempDir(), "log")
		c := exec.Command("strace", "-f", "-y", "-qq", "-e", "trace=mkdir,mkdirat,fsync", "-o", log, self, "-test.run=^TestNewDirectoriesAreSynced$")
		c.Env = append(os.Environ(), "OUTDIR_TEST_OPEN="+path)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		data, err := os.ReadFile(log)
		check(t, err)
		for _, m := range call.FindAllStringSubmatch(string(data), -1) {
			calls = append(calls, m[1]+m[3]+" "+m[2]+m[4])
		}
		return calls
	}
	first := traced()
	for _, want := range []struct{ made, synced string }{
		{filepath.Join(top, "a"), top}, {path, filepath.Join(top, "a")}, {stateDir, path}, {"keys", filepath.Join(path, stateDir)},
	} {
		made, synced := slices.Index(first, "mkdir "+want.made), slices.Index(first, "fsync "+want.synced)
		if made < 0 || synced < made {
			t.Errorf("%s was made and not synced into %s: %q", want.made, want.synced, first)
		}
	}
	for _, c := range traced() {
		if strings.HasPrefix(c, "fsync") {
			t.Errorf("nothing was new, and %q", c)
		}
	}
}
