//go:build unix

package outdir

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provision/internal/plan"
	"provision/internal/usersfile"
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

// Of what is about some users alone, the others' files are not decoded, but for those that may hold something of theirs.
func TestObserveSome(t *testing.T) {
	const quoted = "o'neil \"x\""
	path := t.TempDir()
	d := opened(t, path)
	for _, user := range []string{"jane", quoted, "bob"} {
		check(t, d.Of("team", prod).Write(entry(prod, user, newSecret(t, user)), ""))
	}
	for user, copied := range map[string]string{"jane": "copied.kubeconfig", quoted: "neil.kubeconfig"} {
		data, err := os.ReadFile(filepath.Join(path, usersfile.FileName(user)))
		check(t, err)
		check(t, os.WriteFile(filepath.Join(path, copied), data, 0o600))
	}
	check(t, os.WriteFile(filepath.Join(path, "broken.kubeconfig"), []byte("{"), 0o600))
	for _, users := range [][]string{{"jane"}, {quoted}, {"jane", quoted}, {"nobody"}} {
		seen, err := d.Of("team", prod).Observe(users...)
		check(t, err)
		var misplaced []string
		for _, m := range seen.Misplaced {
			misplaced = append(misplaced, m.User)
		}
		want := slices.DeleteFunc(slices.Clone(users), func(user string) bool { return user == "nobody" })
		slices.Sort(misplaced)
		slices.Sort(want)
		if files := slices.Sorted(maps.Keys(seen.Files)); !slices.Equal(files, want) || !slices.Equal(misplaced, want) {
			t.Errorf("%q: files %q, misplaced %q", users, files, misplaced)
		}
	}
}
