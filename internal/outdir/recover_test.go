//go:build unix

package outdir

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Opening clears what a crash left half-written, and keys whose certificate has arrived; nothing else.
func TestRecover(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	arrived, waiting := newSecret(t, "jane"), newSecret(t, "bob")
	check(t, d.Of("team", prod).Write(entry(prod, "jane", arrived), ""))
	check(t, d.Of("team", prod).WriteKey(JournalEntry{User: "jane", PEM: string(arrived.pem)}))
	check(t, d.Of("team", prod).WriteKey(JournalEntry{User: "bob", PEM: string(waiting.pem)}))
	check(t, d.Of("team", prod).Write(entry(prod, "carl", newSecret(t, "carl")), ""))
	check(t, d.Of("team", prod).WriteKey(JournalEntry{User: "carl", PEM: string(waiting.pem)})) // their renewal
	for _, name := range []string{tempPrefix + "X", journalDir + "/" + tempPrefix + "Y", stateDir + "/" + tempPrefix + "Z"} {
		check(t, os.WriteFile(filepath.Join(path, name), []byte("half a k"), 0o600))
	}
	check(t, os.WriteFile(filepath.Join(path, "mine.txt"), nil, 0o600))
	check(t, os.WriteFile(filepath.Join(path, journalDir, "broken.json"), []byte("{"), 0o600))
	d.Close()
	opened(t, path)
	want := []string{
		journalDir + "/" + d.Of("team", prod).journalName("bob"), journalDir + "/broken.json", journalDir + "/" + d.Of("team", prod).journalName("carl"),
		"carl.kubeconfig", "jane.kubeconfig", "mine.txt",
	}
	if got := everything(t, path); !slices.Equal(got, want) {
		t.Errorf("left:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
