//go:build unix

package outdir

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provision/internal/plan"
)

// A file that belongs to another user is nobody's to read for us; but root may have given a kubeconfig to its user. A
// key in the journal it gives to nobody.
// PROMISE: The output directory and the kubeconfigs in it must belong to whoever runs it,
// or it is refused: another user could put something into them.
func TestAnotherUsersFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	t.Setenv("SUDO_UID", "")
	s := newSecret(t, "jane")
	path := t.TempDir()
	d := opened(t, path)
	check(t, d.Of("team", prod).Write(entry(prod, "jane", s), ""))
	check(t, d.Of("team", prod).WriteKey(JournalEntry{User: "jane", Request: "r", PEM: string(s.pem)}))
	check(t, os.Chown(filepath.Join(path, "jane.kubeconfig"), 1001, -1))
	seen, err := d.Of("team", prod).Observe()
	files := seen.Files
	check(t, err)
	if f := files["jane"]; f.State != plan.FileOurs {
		t.Errorf("for root: %s, %q", f.State, f.Error)
	}
	d.owners = []int{1000} // somebody else, who may read it all the same
	if f := d.Of("team", prod).observeFile("jane"); f.State != plan.FileForeign || !strings.Contains(f.Error, "another user (uid 1001)") {
		t.Errorf("for others: %s, %q", f.State, f.Error)
	}
	d.owners = []int{0}
	check(t, os.Chown(filepath.Join(path, journalDir, d.Of("team", prod).journalName("jane")), 1001, -1))
	if _, err := d.Of("team", prod).ReadKey("jane"); err == nil || !strings.Contains(err.Error(), "another user (uid 1001)") {
		t.Errorf("a key: %v", err)
	}
}

// Additions to a file, beside our entry and in it, are told; a rewrite takes the latter away and keeps the key.
func TestEditedKubeconfig(t *testing.T) {
	d := opened(t, t.TempDir())
	s := newSecret(t, "jane")
	check(t, d.Of("team", prod).Write(entry(prod, "jane", s), ""))
	data, err := os.ReadFile(d.File("jane"))
	check(t, err)
	text := strings.Replace(string(data), "    client-key-data:", "    token: t\n    client-key-data:", 1)
	text = strings.Replace(text, "users:\n", "users:\n- name: a b\n  user: {token: t}\n", 1)
	text = strings.Replace(text, "contexts:\n", "contexts:\n- name: work\n  context: {cluster: x, user: a b}\n", 1)
	text = strings.Replace(text, "current-context: jane@"+prod, "current-context: work", 1)
	check(t, os.WriteFile(d.File("jane"), []byte(text), 0o600))
	f, err := d.Of("team", prod).ObserveUser("jane")
	if err != nil || !slices.Equal(f.Edited, []string{"token"}) || !slices.Equal(f.Others, []plan.Entry{{Kind: "context", Name: "work"}, {Kind: "user", Name: "a b"}}) || f.OtherContext != "work" {
		t.Errorf("edited %q, others %q, %q, %v", f.Edited, f.Others, f.OtherContext, err)
	}
	if seen, err := d.Of("team", staging).Observe(); err != nil || len(seen.Files["jane"].Others) != 3 { // a user of ours with a token is none of ours
		t.Errorf("for another cluster %q, %v", seen.Files["jane"].Others, err)
	}
	check(t, d.Of("team", prod).Rewrite(entry(prod, "jane", secret{}), s.hash))
	f, err = d.Of("team", prod).ObserveUser("jane")
	if err != nil || len(f.Edited) > 0 || len(f.Others) != 2 || !f.KeyMatches {
		t.Errorf("rewritten, edited %q, others %q, %v", f.Edited, f.Others, err)
	}
}
