//go:build unix

package outdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A journal that cannot be read stops everything: a key that matters may be in it. Its content is in no error.
func TestBrokenJournal(t *testing.T) {
	for name, content := range map[string]string{
		"no JSON": "{\"privateKey\": \"SECRET",
		"no key":  fmt.Sprintf(`{"set": "team", "cluster": %q, "user": "jane", "privateKey": "SECRET"}`, prod),
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := opened(t, path)
			file := d.Of("team", prod).journalName("jane")
			check(t, os.WriteFile(filepath.Join(path, journalDir, file), []byte(content), 0o600))
			_, err := d.Of("team", prod).Observe()
			if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%v", err)
			}
			if _, err := d.Of("team", staging).Observe(); err != nil {
				t.Errorf("the key of another cluster: %v", err)
			}
		})
	}
}

// Keys of other sets and clusters are not ours to resume, to write over or to drop, not even those of the same user.
func TestKeysOfOthers(t *testing.T) {
	d := opened(t, t.TempDir())
	places := []JournalEntry{
		{Set: "team", Cluster: prod, User: "jane"}, {Set: "other", Cluster: prod, User: "jane"}, {Set: "team", Cluster: staging, User: "jane"},
		{Set: "team", Cluster: prod, User: "bob"},
	}
	hashes := make([]string, len(places))
	for i := range places {
		s := newSecret(t, "x")
		places[i].PEM, hashes[i] = string(s.pem), s.hash
		check(t, d.Of(places[i].Set, places[i].Cluster).WriteKey(places[i]))
	}
	for i, k := range places {
		seen, err := d.Of(k.Set, k.Cluster).Observe()
		keys := seen.Keys
		check(t, err)
		if keys[k.User].KeyHash != hashes[i] {
			t.Errorf("%s of %s on %s: %+v", k.User, k.Set, k.Cluster, keys)
		}
		if got, err := d.Of(k.Set, k.Cluster).ReadKey(k.User); err != nil || got.PEM != k.PEM {
			t.Errorf("%s of %s on %s: %v", k.User, k.Set, k.Cluster, err)
		}
	}
	check(t, d.Of("team", prod).DropKey("jane"))
	if _, err := d.Of("team", prod).ReadKey("jane"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("dropped: %v", err)
	}
	for _, k := range places[1:] {
		if _, err := d.Of(k.Set, k.Cluster).ReadKey(k.User); err != nil {
			t.Errorf("%s of %s on %s was dropped too: %v", k.User, k.Set, k.Cluster, err)
		}
	}
}

// The disk may take Jane's place for jane's. Her key is then neither used nor dropped for the other.
func TestKeyOfAnotherUser(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	check(t, d.Of("team", prod).WriteKey(JournalEntry{User: "jane", PEM: string(newSecret(t, "jane").pem)}))
	place := filepath.Join(path, journalDir, d.Of("team", prod).journalName("Jane"))
	check(t, os.Rename(filepath.Join(path, journalDir, d.Of("team", prod).journalName("jane")), place))
	if _, err := d.Of("team", prod).ReadKey("Jane"); err == nil || !strings.Contains(err.Error(), "another user's") {
		t.Errorf("%v", err)
	}
	check(t, d.Of("team", prod).DropKey("Jane"))
	mode(t, place)
}

// The longest names there are have a place on the disk.
func TestLongNames(t *testing.T) {
	d := opened(t, t.TempDir())
	k := JournalEntry{Set: strings.Repeat("s", 40), Cluster: "0a0e5a4e-6e7c-4c0e-9b1a-5d0f3f1c2b3a", User: strings.Repeat(":", 64), PEM: string(newSecret(t, "x").pem)}
	check(t, d.Of(k.Set, k.Cluster).WriteKey(k))
	if got, err := d.Of(k.Set, k.Cluster).ReadKey(k.User); err != nil || got.PEM != k.PEM {
		t.Error(err)
	}
	if name := d.Of(k.Set, k.Cluster).journalName(k.User); len(name) > 255 {
		t.Errorf("%d bytes: %s", len(name), name)
	}
}
