//go:build unix

package outdir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Entries and keys that were written are read back, and have the modes that secrets need, whatever the umask.
func TestWriteAndObserve(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "a", "kubeconfigs")
	d := opened(t, path)
	s := newSecret(t, "jane@example.com")
	check(t, d.Of("team", prod).WriteKey(JournalEntry{User: "jane@example.com", Request: "r", Created: time.Now(), PEM: string(s.pem)}))
	for _, p := range []string{path, filepath.Join(path, stateDir), filepath.Join(path, journalDir)} {
		if m := mode(t, p); m != fs.ModeDir|0o700 {
			t.Errorf("%s has mode %v", p, m)
		}
	}
	seen, err := d.Of("team", prod).Observe()
	files, keys := seen.Files, seen.Keys
	check(t, err)
	if k := keys["jane@example.com"]; len(files) != 0 || k.KeyHash != s.hash || k.Request != "r" || k.KeyAlgorithm != usersfile.ECDSAP256 {
		t.Errorf("files %v, keys %+v", files, keys)
	}
	check(t, d.Of("team", prod).Write(entry(prod, "jane@example.com", s), ""))
	check(t, d.Of("team", prod).DropKey("jane@example.com"))
	check(t, d.Of("team", prod).DropKey("jane@example.com")) // once more is no error: a run may have died in between
	for _, name := range everything(t, path) {
		if m := mode(t, filepath.Join(path, name)); m != 0o600 {
			t.Errorf("%s has mode %v", name, m)
		}
	}
	seen, err = d.Of("team", prod).Observe()
	files, keys = seen.Files, seen.Keys
	check(t, err)
	f := files["jane@example.com"]
	if f.State != plan.FileOurs || !f.KeyMatches || f.Certificate == nil || f.Certificate.KeyHash != s.hash || f.Certificate.Duration != time.Hour ||
		f.Kubeconfig.Context != "jane@example.com@"+prod || f.Mode != 0o600 || len(keys) != 0 {
		t.Errorf("%+v, keys %v", f, keys)
	}
	read, err := OpenRead(path)
	check(t, err)
	defer read.Close()
	if e, err := read.Of("team", prod).Entry("jane@example.com"); err != nil || string(e.Key) != string(s.pem) {
		t.Errorf("Entry: %v", err)
	}
	if _, err := read.Of("team", staging).Entry("jane@example.com"); err == nil {
		t.Error("an entry for another cluster was read")
	}
}

// A user's file may have entries of several clusters and of other tools: each is changed and removed alone.
func TestEntriesBesideOurs(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	first, second := newSecret(t, "jane"), newSecret(t, "jane")
	check(t, d.Of("team", prod).Write(entry(prod, "jane", first), ""))
	check(t, d.Of("other", staging).Write(entry(staging, "jane", second), ""))
	e, err := d.Of("team", prod).Entry("jane")
	check(t, err)
	if string(e.Key) != string(first.pem) {
		t.Error("writing the second cluster's entry changed the first's")
	}
	for _, c := range []struct {
		set, cluster string
		state        plan.FileState
	}{
		{"team", prod, plan.FileOurs}, {"other", prod, plan.FileOtherSet}, {"team", staging, plan.FileOtherSet}, {"team", "uid-third", plan.FileOther},
	} {
		seen, err := d.Of(c.set, c.cluster).Observe()
		files := seen.Files
		check(t, err)
		if got := files["jane"].State; got != c.state {
			t.Errorf("%s on %s: %s, want %s", c.set, c.cluster, got, c.state)
		}
	}
	if err := d.Of("team", staging).Write(entry(staging, "jane", first), ""); err == nil || !strings.Contains(err.Error(), `belongs to the set "other"`) {
		t.Errorf("writing another set's entry: %v", err)
	}
	check(t, d.Of("team", staging).Remove("jane"))
	if _, err := d.Of("other", staging).Entry("jane"); err != nil {
		t.Errorf("another set's entry was removed: %v", err)
	}
	third := newSecret(t, "jane")
	if err := d.Of("team", staging).Write(entry(staging, "jane", third), "third"); err == nil {
		t.Error("an entry was taken from a set that does not give it up")
	}
	check(t, d.Of("team", staging).Write(entry(staging, "jane", third), "other"))
	if e, err := d.Of("team", staging).Entry("jane"); err != nil || e.Owner.Set != "team" || string(e.Key) != string(third.pem) {
		t.Errorf("after she came from the other set: %v of %s", err, e.Owner.Set)
	}
	check(t, d.Of("other", staging).Remove("jane")) // their own has gone
	if e, err := d.Of("team", staging).Entry("jane"); err != nil || e.Owner.Set != "team" {
		t.Errorf("the set that gave it up took it along: %v", err)
	}
	check(t, d.Of("team", staging).Remove("jane"))
	if _, err := d.Of("team", prod).Entry("jane"); err != nil {
		t.Errorf("removing one entry took the other: %v", err)
	}
	check(t, d.Of("team", prod).Remove("jane"))
	check(t, d.Of("team", prod).Remove("jane")) // gone already
	if left := everything(t, path); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A rewrite keeps key and certificate, and does nothing to a file that was swapped since the plan.
func TestRewrite(t *testing.T) {
	d := opened(t, t.TempDir())
	s := newSecret(t, "jane")
	check(t, d.Of("team", prod).Write(entry(prod, "jane", s), ""))
	e := entry(prod, "jane", secret{})
	e.Server, e.Certificate, e.Key, e.Owner.Duration = "https://new", nil, nil, 0
	check(t, d.Of("team", prod).Rewrite(e, s.hash))
	got, err := d.Of("team", prod).Entry("jane")
	check(t, err)
	if got.Server != "https://new" || string(got.Key) != string(s.pem) || string(got.Certificate) != string(s.certificate) || got.Owner.Duration != time.Hour {
		t.Errorf("%+v", got.Owner)
	}
	e.Server = "https://newer"
	for name, try := range map[string]func() error{
		"another key":  func() error { return d.Of("team", prod).Rewrite(e, strings.Repeat("0", 64)) },
		"another set":  func() error { return d.Of("other", prod).Rewrite(e, s.hash) },
		"another file": func() error { o := e; o.Owner.User = "nobody"; return d.Of("team", prod).Rewrite(o, s.hash) },
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), "plan again") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := d.Of("team", prod).Entry("jane"); err != nil || got.Server != "https://new" {
		t.Errorf("a refused rewrite changed the file: %v %v", got.Server, err)
	}
}

// A file at a user's place that is not provision's is neither added to nor written over.
func TestForeignFiles(t *testing.T) {
	const foreign = "apiVersion: v1\nkind: Config\nclusters: [{name: x, cluster: {server: 'https://x'}}]\n"
	s := newSecret(t, "jane")
	t.Setenv("SUDO_UID", "") // whoever has called sudo for this is one of us
	for _, c := range []struct {
		name  string
		make  func(t *testing.T, path string)
		state plan.FileState
		why   string // of the observation
		write string // the refusal to write; "": it is written, and the old content is beside it
	}{
		{"somebody's kubeconfig", func(t *testing.T, path string) { check(t, os.WriteFile(path, []byte(foreign), 0o600)) },
			plan.FileForeign, "no entry that provision made", "provision did not make it"},
		{"a symbolic link", func(t *testing.T, path string) {
			target := filepath.Join(t.TempDir(), "target")
			check(t, os.WriteFile(target, []byte(foreign), 0o600))
			check(t, os.Symlink(target, path))
		}, plan.FileForeign, "symbolic link", "symbolic link"},
		{"a directory", func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) }, plan.FileForeign, "it is a directory", "it is a directory"},
		{"a pipe", func(t *testing.T, path string) { check(t, syscall.Mkfifo(path, 0o600)) }, plan.FileForeign, "not a regular file", "not a regular file"},
		{"a huge file", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, nil, 0o600))
			check(t, os.Truncate(path, 1<<40))
		}, plan.FileForeign, "larger than 1 MiB", "larger than 1 MiB"},
		{"a kubeconfig of bob's for another cluster", func(t *testing.T, path string) {
			data, err := bytesOf("team", staging, entry(staging, "bob", s))
			check(t, err)
			check(t, os.WriteFile(path, data, 0o600))
		}, plan.FileForeign, "no entry that provision made for this user", "did not make it for this user"},
		{"half a file", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, []byte("clusters: ["), 0o600))
			check(t, os.Chmod(path, 0o644))
		},
			plan.FileUnreadable, "not a kubeconfig", ""},
		{"an empty file", func(t *testing.T, path string) { check(t, os.WriteFile(path, nil, 0o600)) }, plan.FileUnreadable, "not a kubeconfig", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := t.TempDir()
			d := opened(t, path)
			c.make(t, filepath.Join(path, "jane.kubeconfig"))
			seen, err := d.Of("team", prod).Observe()
			files := seen.Files
			check(t, err)
			if f := files["jane"]; f.State != c.state || !strings.Contains(f.Error, c.why) {
				t.Errorf("%s, %q", f.State, f.Error)
			}
			err = d.Of("team", prod).Write(entry(prod, "jane", s), "")
			if c.write != "" {
				if err == nil || !strings.Contains(err.Error(), c.write) || strings.Contains(err.Error(), "PRIVATE") {
					t.Errorf("write: %v", err)
				}
				return
			}
			check(t, err)
			if names := everything(t, path); len(names) != 2 || !strings.HasPrefix(names[1], "jane.kubeconfig.unreadable-") {
				t.Errorf("the unreadable file is not beside the new one: %v", names)
			} else if m := mode(t, filepath.Join(path, names[1])); m != 0o600 { // the key in it may live
				t.Errorf("%s has mode %v", names[1], m)
			}
		})
	}
}

// A disk that does not tell Jane from jane gives jane's new file for Jane's, whom the same apply removes; and who has
// copied a file has not made it the other user's.
func TestEntryOfAnotherUser(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	s := newSecret(t, "jane")
	check(t, d.Of("team", prod).Write(entry(prod, "jane", s), ""))
	data, err := os.ReadFile(d.File("jane"))
	check(t, err)
	for _, name := range []string{"Jane", "bob"} {
		check(t, os.WriteFile(d.File(name), data, 0o600))
	}
	check(t, d.Of("team", prod).Remove("Jane"))
	if now, err := os.ReadFile(d.File("Jane")); err != nil || string(now) != string(data) {
		t.Errorf("jane's file was taken for Jane's and removed: %v", err)
	}
	if err := d.Of("team", prod).Rewrite(entry(prod, "bob", s), s.hash); err == nil || !strings.Contains(err.Error(), "plan again") {
		t.Errorf("rewrite: %v", err)
	}
	if err := d.Of("team", prod).Write(entry(prod, "bob", s), ""); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("write: %v", err)
	}
	check(t, d.Of("team", prod).Write(entry(prod, "Jane", s), ""))
	if f, err := d.Of("team", prod).ObserveUser("Jane"); err != nil {
		t.Errorf("%+v, %v", f, err)
	}
}

// BenchmarkWriteKubeconfig writes 10,000 kubeconfigs durably, 64 at a time as apply does.
func BenchmarkWriteKubeconfig(b *testing.B) {
	const n = 10_000
	d, s := many(b, 0)
	b.ReportAllocs()
	for b.Loop() {
		users := make(chan int)
		failed := make(chan error, 64)
		for range cap(failed) {
			go func() {
				var err error
				for i := range users {
					if e := d.Of("team", prod).Write(entry(prod, fmt.Sprintf("user-%05d", i), s), ""); err == nil {
						err = e
					}
				}
				failed <- err
			}()
		}
		for i := range n {
			users <- i
		}
		close(users)
		for range cap(failed) {
			check(b, <-failed)
		}
	}
}
