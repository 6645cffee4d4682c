//go:build unix

package outdir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provision/internal/plan"
)

// A file that names another user, as after a copy, is not taken for this user's.
func TestCopiedKubeconfig(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	check(t, d.Of("team", prod).Write(entry(prod, "jane", newSecret(t, "jane")), ""))
	data, err := os.ReadFile(filepath.Join(path, "jane.kubeconfig"))
	check(t, err)
	check(t, os.WriteFile(filepath.Join(path, "bob.kubeconfig"), data, 0o600))
	check(t, os.WriteFile(filepath.Join(path, "notes.txt"), data, 0o600))
	seen, err := d.Of("team", prod).Observe()
	files := seen.Files
	check(t, err)
	if f := files["bob"]; f.State != plan.FileForeign || !strings.Contains(f.Error, `the user "jane"`) || len(files) != 2 {
		t.Errorf("%d files, bob's: %+v", len(files), f)
	}
}

// BenchmarkObserve reads a directory of 10,000 kubeconfigs, as every plan does.
func BenchmarkObserve(b *testing.B) {
	const n = 10_000
	d, _ := many(b, n)
	b.ReportAllocs()
	for b.Loop() {
		seen, err := d.Of("team", prod).Observe()
		files := seen.Files
		if err != nil || len(files) != n {
			b.Fatalf("%d files, %v", len(files), err)
		}
	}
}
