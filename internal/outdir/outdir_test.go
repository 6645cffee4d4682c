//go:build unix

package outdir

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/spec"
)

const (
	prod    = "uid-prod"
	staging = "uid-staging"
)

// secret is a key with a certificate for it.
type secret struct {
	key         crypto.Signer
	pem         []byte
	certificate []byte
	hash        string
}

func newSecret(t testing.TB, user string) secret {
	t.Helper()
	key, err := credential.NewKey(spec.ECDSAP256)
	check(t, err)
	s := secret{key: key}
	s.pem, err = credential.MarshalKey(key)
	check(t, err)
	s.hash, err = credential.KeyHash(key.Public())
	check(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: user, Organization: []string{"dev"}}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	check(t, err)
	s.certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// entry is what an apply of a set writes for a user.
func entry(set, cluster, user string, s secret) credential.Entry {
	return credential.Entry{
		Owner:   credential.Owner{Set: set, Cluster: cluster, User: user, Duration: time.Hour},
		Context: user + "@" + cluster, Cluster: cluster, Namespace: "shop", Server: "https://" + cluster + ":6443",
		CertificateAuthorityData: []byte("CA"), Certificate: s.certificate, Key: s.pem,
	}
}

func opened(t testing.TB, path string) *Dir {
	t.Helper()
	d, err := OpenWrite(t.Context(), path, time.Second)
	check(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func mode(t testing.TB, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	check(t, err)
	return info.Mode()
}

// everything lists what is below a directory, apart from the lock and the journal's own folders.
func everything(t testing.TB, path string) []string {
	t.Helper()
	var list []string
	check(t, filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(path, p)
		if err == nil && !slices.Contains([]string{".", stateDir, journalDir, lockFile}, name) {
			list = append(list, name)
		}
		return err
	}))
	return list
}

// What is written is read back, with the modes that secrets need, whatever the umask.
func TestWriteAndObserve(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "a", "kubeconfigs")
	d := opened(t, path)
	s := newSecret(t, "jane@example.com")
	check(t, d.WriteKey(Key{Set: "team", Cluster: prod, User: "jane@example.com", Request: "r", Created: time.Now(), PEM: string(s.pem)}))
	for _, p := range []string{path, filepath.Join(path, stateDir), filepath.Join(path, journalDir)} {
		if m := mode(t, p); m != fs.ModeDir|0o700 {
			t.Errorf("%s has mode %v", p, m)
		}
	}
	files, keys, err := d.Observe("team", prod)
	check(t, err)
	if k := keys["jane@example.com"]; len(files) != 0 || k.KeyHash != s.hash || k.Request != "r" || k.KeyAlgorithm != spec.ECDSAP256 {
		t.Errorf("files %v, keys %+v", files, keys)
	}
	check(t, d.WriteKubeconfig(entry("team", prod, "jane@example.com", s)))
	check(t, d.DropKey("team", "jane@example.com", prod))
	check(t, d.DropKey("team", "jane@example.com", prod)) // once more is no error: a run may have died in between
	for _, name := range everything(t, path) {
		if m := mode(t, filepath.Join(path, name)); m != 0o600 {
			t.Errorf("%s has mode %v", name, m)
		}
	}
	files, keys, err = d.Observe("team", prod)
	check(t, err)
	f := files["jane@example.com"]
	if f.State != plan.FileOurs || !f.KeyMatches || f.Certificate == nil || f.Certificate.KeyHash != s.hash || f.Certificate.Duration != time.Hour ||
		f.Kubeconfig.Context != "jane@example.com@"+prod || f.Mode != 0o600 || len(keys) != 0 {
		t.Errorf("%+v, keys %v", f, keys)
	}
	read, err := OpenRead(path)
	check(t, err)
	defer read.Close()
	if e, err := read.ReadEntry("jane@example.com", prod); err != nil || string(e.Key) != string(s.pem) {
		t.Errorf("ReadEntry: %v", err)
	}
	if _, err := read.ReadEntry("jane@example.com", staging); err == nil {
		t.Error("an entry for another cluster was read")
	}
}

// A user's file may have entries of several clusters and of other tools: each is changed and removed alone.
func TestEntriesBesideOurs(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	first, second := newSecret(t, "jane"), newSecret(t, "jane")
	check(t, d.WriteKubeconfig(entry("team", prod, "jane", first)))
	check(t, d.WriteKubeconfig(entry("other", staging, "jane", second)))
	e, err := d.ReadEntry("jane", prod)
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
		files, _, err := d.Observe(c.set, c.cluster)
		check(t, err)
		if got := files["jane"].State; got != c.state {
			t.Errorf("%s on %s: %s, want %s", c.set, c.cluster, got, c.state)
		}
	}
	if err := d.WriteKubeconfig(entry("team", staging, "jane", first)); err == nil || !strings.Contains(err.Error(), `belongs to the set "other"`) {
		t.Errorf("writing another set's entry: %v", err)
	}
	if err := d.RemoveKubeconfig("jane", "team", staging); err == nil {
		t.Error("another set's entry was removed")
	}
	check(t, d.RemoveKubeconfig("jane", "other", staging))
	if _, err := d.ReadEntry("jane", prod); err != nil {
		t.Errorf("removing one entry took the other: %v", err)
	}
	check(t, d.RemoveKubeconfig("jane", "team", prod))
	check(t, d.RemoveKubeconfig("jane", "team", prod)) // gone already
	if left := everything(t, path); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A rewrite keeps key and certificate, and does nothing to a file that was swapped since the plan.
func TestRewrite(t *testing.T) {
	d := opened(t, t.TempDir())
	s := newSecret(t, "jane")
	check(t, d.WriteKubeconfig(entry("team", prod, "jane", s)))
	e := entry("team", prod, "jane", secret{})
	e.Server, e.Certificate, e.Key, e.Owner.Duration = "https://new", nil, nil, 0
	check(t, d.RewriteKubeconfig(e, s.hash))
	got, err := d.ReadEntry("jane", prod)
	check(t, err)
	if got.Server != "https://new" || string(got.Key) != string(s.pem) || string(got.Certificate) != string(s.certificate) || got.Owner.Duration != time.Hour {
		t.Errorf("%+v", got.Owner)
	}
	e.Server = "https://newer"
	for name, try := range map[string]func() error{
		"another key":  func() error { return d.RewriteKubeconfig(e, strings.Repeat("0", 64)) },
		"another set":  func() error { o := e; o.Owner.Set = "other"; return d.RewriteKubeconfig(o, s.hash) },
		"another file": func() error { o := e; o.Owner.User = "nobody"; return d.RewriteKubeconfig(o, s.hash) },
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), "plan again") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := d.ReadEntry("jane", prod); err != nil || got.Server != "https://new" {
		t.Errorf("a refused rewrite changed the file: %v %v", got.Server, err)
	}
}

// What stands at a user's place and is not provision's is neither read into nor written over.
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
			data, err := bytesOf(entry("team", staging, "bob", s))
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
			files, _, err := d.Observe("team", prod)
			check(t, err)
			if f := files["jane"]; f.State != c.state || !strings.Contains(f.Error, c.why) {
				t.Errorf("%s, %q", f.State, f.Error)
			}
			err = d.WriteKubeconfig(entry("team", prod, "jane", s))
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

// A file that belongs to another user is nobody's to read for us; but root may have given a kubeconfig to its user. A
// key in the journal it gives to nobody.
func TestAnotherUsersFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	t.Setenv("SUDO_UID", "")
	s := newSecret(t, "jane")
	path := t.TempDir()
	d := opened(t, path)
	check(t, d.WriteKubeconfig(entry("team", prod, "jane", s)))
	check(t, d.WriteKey(Key{Set: "team", Cluster: prod, User: "jane", Request: "r", PEM: string(s.pem)}))
	check(t, os.Chown(filepath.Join(path, "jane.kubeconfig"), 1001, -1))
	files, _, err := d.Observe("team", prod)
	check(t, err)
	if f := files["jane"]; f.State != plan.FileOurs {
		t.Errorf("for root: %s, %q", f.State, f.Error)
	}
	d.us = []int{1000} // somebody else, who may read it all the same
	if f := d.observeFile("jane", "jane.kubeconfig", "team", prod); f.State != plan.FileForeign || !strings.Contains(f.Error, "another user (uid 1001)") {
		t.Errorf("for others: %s, %q", f.State, f.Error)
	}
	d.us = []int{0}
	check(t, os.Chown(filepath.Join(path, journalDir, journalName("team", "jane", prod)), 1001, -1))
	if _, err := d.ReadKey("team", "jane", prod); err == nil || !strings.Contains(err.Error(), "another user (uid 1001)") {
		t.Errorf("a key: %v", err)
	}
}

// A file that names another user, as after a copy, is not taken for this user's.
func TestCopiedKubeconfig(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	check(t, d.WriteKubeconfig(entry("team", prod, "jane", newSecret(t, "jane"))))
	data, err := os.ReadFile(filepath.Join(path, "jane.kubeconfig"))
	check(t, err)
	check(t, os.WriteFile(filepath.Join(path, "bob.kubeconfig"), data, 0o600))
	check(t, os.WriteFile(filepath.Join(path, "notes.txt"), data, 0o600))
	files, _, err := d.Observe("team", prod)
	check(t, err)
	if f := files["bob"]; f.State != plan.FileForeign || !strings.Contains(f.Error, `the user "jane"`) || len(files) != 2 {
		t.Errorf("%d files, bob's: %+v", len(files), f)
	}
}

// A disk that does not tell Jane from jane gives jane's new file for Jane's, whom the same apply removes; and who has
// copied a file has not made it the other user's.
func TestEntryOfAnotherUser(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	s := newSecret(t, "jane")
	check(t, d.WriteKubeconfig(entry("team", prod, "jane", s)))
	data, err := os.ReadFile(d.File("jane"))
	check(t, err)
	for _, name := range []string{"Jane", "bob"} {
		check(t, os.WriteFile(d.File(name), data, 0o600))
	}
	check(t, d.RemoveKubeconfig("Jane", "team", prod))
	if now, err := os.ReadFile(d.File("Jane")); err != nil || string(now) != string(data) {
		t.Errorf("jane's file was taken for Jane's and removed: %v", err)
	}
	if err := d.RewriteKubeconfig(entry("team", prod, "bob", s), s.hash); err == nil || !strings.Contains(err.Error(), "plan again") {
		t.Errorf("rewrite: %v", err)
	}
	if err := d.WriteKubeconfig(entry("team", prod, "bob", s)); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("write: %v", err)
	}
	check(t, d.WriteKubeconfig(entry("team", prod, "Jane", s)))
	if f, err := d.ObserveUser("Jane", "team", prod); err != nil {
		t.Errorf("%+v, %v", f, err)
	}
}

// What somebody put into a file beside our entry, and into it, is told; a rewrite takes the latter away and keeps the key.
func TestEditedKubeconfig(t *testing.T) {
	d := opened(t, t.TempDir())
	s := newSecret(t, "jane")
	check(t, d.WriteKubeconfig(entry("team", prod, "jane", s)))
	data, err := os.ReadFile(d.File("jane"))
	check(t, err)
	text := strings.Replace(string(data), "    client-key-data:", "    token: t\n    client-key-data:", 1)
	text = strings.Replace(text, "users:\n", "users:\n- name: a b\n  user: {token: t}\n", 1)
	text = strings.Replace(text, "contexts:\n", "contexts:\n- name: work\n  context: {cluster: x, user: a b}\n", 1)
	text = strings.Replace(text, "current-context: jane@"+prod, "current-context: work", 1)
	check(t, os.WriteFile(d.File("jane"), []byte(text), 0o600))
	f, err := d.ObserveUser("jane", "team", prod)
	if err != nil || !slices.Equal(f.Edited, []string{"token"}) || !slices.Equal(f.Others, []string{"context work", `user "a b"`}) || f.OtherContext != "work" {
		t.Errorf("edited %q, others %q, %q, %v", f.Edited, f.Others, f.OtherContext, err)
	}
	if files, _, err := d.Observe("team", staging); err != nil || len(files["jane"].Others) != 3 { // a user of ours with a token is none of ours
		t.Errorf("for another cluster %q, %v", files["jane"].Others, err)
	}
	check(t, d.RewriteKubeconfig(entry("team", prod, "jane", secret{}), s.hash))
	f, err = d.ObserveUser("jane", "team", prod)
	if err != nil || len(f.Edited) > 0 || len(f.Others) != 2 || !f.KeyMatches {
		t.Errorf("rewritten, edited %q, others %q, %v", f.Edited, f.Others, err)
	}
}

// Opening clears what a crash left half-written, and keys whose certificate has arrived; nothing else.
func TestRecover(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	arrived, waiting := newSecret(t, "jane"), newSecret(t, "bob")
	check(t, d.WriteKubeconfig(entry("team", prod, "jane", arrived)))
	check(t, d.WriteKey(Key{Set: "team", Cluster: prod, User: "jane", PEM: string(arrived.pem)}))
	check(t, d.WriteKey(Key{Set: "team", Cluster: prod, User: "bob", PEM: string(waiting.pem)}))
	check(t, d.WriteKubeconfig(entry("team", prod, "carl", newSecret(t, "carl"))))
	check(t, d.WriteKey(Key{Set: "team", Cluster: prod, User: "carl", PEM: string(waiting.pem)})) // his renewal
	for _, name := range []string{tempPrefix + "X", journalDir + "/" + tempPrefix + "Y", stateDir + "/" + tempPrefix + "Z"} {
		check(t, os.WriteFile(filepath.Join(path, name), []byte("half a k"), 0o600))
	}
	check(t, os.WriteFile(filepath.Join(path, "mine.txt"), nil, 0o600))
	check(t, os.WriteFile(filepath.Join(path, journalDir, "broken.json"), []byte("{"), 0o600))
	d.Close()
	opened(t, path)
	want := []string{
		journalDir + "/" + journalName("team", "bob", prod), journalDir + "/broken.json", journalDir + "/" + journalName("team", "carl", prod),
		"carl.kubeconfig", "jane.kubeconfig", "mine.txt",
	}
	if got := everything(t, path); !slices.Equal(got, want) {
		t.Errorf("left:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A journal that cannot be read stops everything: a key that matters may be in it. Its content is in no error.
func TestBrokenJournal(t *testing.T) {
	for name, content := range map[string]string{
		"no JSON": "{\"privateKey\": \"SECRET",
		"no key":  fmt.Sprintf(`{"set": "team", "cluster": %q, "user": "jane", "privateKey": "SECRET"}`, prod),
	} {
		for _, file := range []string{journalName("team", "jane", prod), oldJournalName("jane", prod)} {
			t.Run(name+" in "+file, func(t *testing.T) {
				path := t.TempDir()
				d := opened(t, path)
				check(t, os.WriteFile(filepath.Join(path, journalDir, file), []byte(content), 0o600))
				_, _, err := d.Observe("team", prod)
				if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "SECRET") {
					t.Errorf("%v", err)
				}
				if _, _, err := d.Observe("team", staging); err != nil {
					t.Errorf("the key of another cluster: %v", err)
				}
			})
		}
	}
}

// Keys of other sets and clusters are not ours to resume, to write over or to drop, not even those of the same user.
func TestKeysOfOthers(t *testing.T) {
	d := opened(t, t.TempDir())
	places := []Key{
		{Set: "team", Cluster: prod, User: "jane"}, {Set: "other", Cluster: prod, User: "jane"}, {Set: "team", Cluster: staging, User: "jane"},
		{Set: "team", Cluster: prod, User: "bob"},
	}
	hashes := make([]string, len(places))
	for i := range places {
		s := newSecret(t, "x")
		places[i].PEM, hashes[i] = string(s.pem), s.hash
		check(t, d.WriteKey(places[i]))
	}
	for i, k := range places {
		_, keys, err := d.Observe(k.Set, k.Cluster)
		check(t, err)
		if keys[k.User].KeyHash != hashes[i] {
			t.Errorf("%s of %s on %s: %+v", k.User, k.Set, k.Cluster, keys)
		}
		if got, err := d.ReadKey(k.Set, k.User, k.Cluster); err != nil || got.PEM != k.PEM {
			t.Errorf("%s of %s on %s: %v", k.User, k.Set, k.Cluster, err)
		}
	}
	check(t, d.DropKey("team", "jane", prod))
	if _, err := d.ReadKey("team", "jane", prod); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("dropped: %v", err)
	}
	for _, k := range places[1:] {
		if _, err := d.ReadKey(k.Set, k.User, k.Cluster); err != nil {
			t.Errorf("%s of %s on %s was dropped too: %v", k.User, k.Set, k.Cluster, err)
		}
	}
}

// The disk may take Jane's place for jane's. Her key is then neither used nor dropped for the other.
func TestKeyOfAnotherUser(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	check(t, d.WriteKey(Key{Set: "team", Cluster: prod, User: "jane", PEM: string(newSecret(t, "jane").pem)}))
	place := filepath.Join(path, journalDir, journalName("team", "Jane", prod))
	check(t, os.Rename(filepath.Join(path, journalDir, journalName("team", "jane", prod)), place))
	if _, err := d.ReadKey("team", "Jane", prod); err == nil || !strings.Contains(err.Error(), "another user's") {
		t.Errorf("%v", err)
	}
	check(t, d.DropKey("team", "Jane", prod))
	mode(t, place)
}

// Keys that an older provision left in the journal are seen by a plan, and by an apply under the name of today.
func TestOldJournalNames(t *testing.T) {
	path := t.TempDir()
	opened(t, path).Close()
	old, newer, arrived := newSecret(t, "jane"), newSecret(t, "bob"), newSecret(t, "carl")
	keys := filepath.Join(path, journalDir)
	write := func(name, set, user string, s secret) {
		t.Helper()
		data, err := json.Marshal(Key{Set: set, Cluster: prod, User: user, Request: "r", PEM: string(s.pem)})
		check(t, err)
		check(t, os.WriteFile(filepath.Join(keys, name), data, 0o600))
	}
	write("jane."+prod+".json", "team", "jane", old)
	write("zoe."+prod+".json", "other", "zoe", old)
	write("bob."+prod+".json", "team", "bob", old)
	write(journalName("team", "bob", prod), "team", "bob", newer)
	write("carl."+prod+".json", "team", "carl", arrived)
	data, err := bytesOf(entry("team", prod, "carl", arrived))
	check(t, err)
	check(t, os.WriteFile(filepath.Join(path, "carl.kubeconfig"), data, 0o600))
	see := func(d *Dir, want map[string]string) {
		t.Helper()
		_, found, err := d.Observe("team", prod)
		check(t, err)
		if len(found) != len(want) {
			t.Errorf("%+v", found)
		}
		for user, hash := range want {
			if found[user].KeyHash != hash {
				t.Errorf("%s: %+v", user, found[user])
			}
		}
	}
	read, err := OpenRead(path)
	check(t, err)
	defer read.Close()
	see(read, map[string]string{"jane": old.hash, "bob": newer.hash, "carl": arrived.hash})
	d := opened(t, path)
	see(d, map[string]string{"jane": old.hash, "bob": newer.hash})
	for _, k := range []Key{{Set: "team", User: "jane"}, {Set: "other", User: "zoe"}} {
		if got, err := d.ReadKey(k.Set, k.User, prod); err != nil || got.PEM != string(old.pem) {
			t.Errorf("%s: %v", k.User, err)
		}
	}
	check(t, d.DropKey("team", "jane", prod))
	see(d, map[string]string{"bob": newer.hash})
}

// The longest names there are have a place on the disk.
func TestLongNames(t *testing.T) {
	d := opened(t, t.TempDir())
	k := Key{Set: strings.Repeat("s", 40), Cluster: "0a0e5a4e-6e7c-4c0e-9b1a-5d0f3f1c2b3a", User: strings.Repeat(":", 64), PEM: string(newSecret(t, "x").pem)}
	check(t, d.WriteKey(k))
	if got, err := d.ReadKey(k.Set, k.User, k.Cluster); err != nil || got.PEM != k.PEM {
		t.Error(err)
	}
	if name := journalName(k.Set, k.User, k.Cluster); len(name) > 255 {
		t.Errorf("%d bytes: %s", len(name), name)
	}
}

func TestOpen(t *testing.T) {
	t.Run("one that does not exist is empty, and is not made by reading", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "none")
		d, err := OpenRead(path)
		check(t, err)
		files, keys, err := d.Observe("team", prod)
		if err != nil || len(files)+len(keys) > 0 || d.Exists() {
			t.Errorf("%v %v %v", files, keys, err)
		}
		if _, err := d.ObserveUser("jane", "team", prod); err == nil || !strings.Contains(err.Error(), "provision apply") {
			t.Errorf("%v", err)
		}
		check(t, d.Close())
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		check(t, os.WriteFile(path, nil, 0o600))
		if _, err := OpenWrite(t.Context(), path, 0); err == nil || !strings.Contains(err.Error(), "choose another with -d") {
			t.Errorf("%v", err)
		}
	})
	t.Run("others may write", func(t *testing.T) {
		for _, name := range []string{".", stateDir, journalDir} {
			path := t.TempDir()
			opened(t, path).Close()
			check(t, os.Chmod(filepath.Join(path, name), 0o770))
			if _, err := OpenWrite(t.Context(), path, 0); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("the journal is a link to elsewhere", func(t *testing.T) {
		path := t.TempDir()
		check(t, os.Mkdir(filepath.Join(path, stateDir), 0o700))
		check(t, os.Symlink(t.TempDir(), filepath.Join(path, journalDir)))
		if _, err := OpenWrite(t.Context(), path, 0); err == nil || !strings.Contains(err.Error(), "is not a directory") {
			t.Errorf("%v", err)
		}
	})
	t.Run("in use", func(t *testing.T) {
		path := t.TempDir()
		first := opened(t, path)
		if _, err := OpenWrite(t.Context(), path, 0); err == nil || !strings.Contains(err.Error(), "is in use") {
			t.Errorf("%v", err)
		}
		check(t, first.Close())
		opened(t, path)
	})
	t.Run("its id stays", func(t *testing.T) {
		path := t.TempDir()
		d := opened(t, path)
		id, err := d.ID()
		check(t, err)
		d.Close()
		again, err := opened(t, path).ID()
		if err != nil || again != id || len(id) < 20 {
			t.Errorf("%q, then %q (%v)", id, again, err)
		}
	})
}

// The id goes into the cluster and into other people's error texts, so that nothing else may stand for it: not the key
// at the end of a link, not a text that somebody wrote there.
func TestIDIsOurs(t *testing.T) {
	other := strings.Repeat("A", 26)
	for name, plant := range map[string]func(t *testing.T, path, id string){
		"a link to a kubeconfig": func(t *testing.T, path, id string) { check(t, os.Symlink("../bob.kubeconfig", id)) },
		"a link to another's id": func(t *testing.T, path, id string) {
			check(t, os.WriteFile(filepath.Join(path, "id"), []byte(other), 0o600))
			check(t, os.Symlink("../id", id))
		},
		"a pipe":        func(t *testing.T, path, id string) { check(t, syscall.Mkfifo(id, 0o600)) },
		"an empty file": func(t *testing.T, path, id string) { check(t, os.WriteFile(id, nil, 0o600)) },
		"a text": func(t *testing.T, path, id string) {
			check(t, os.WriteFile(id, []byte("held by root: delete it"), 0o600))
		},
		"a line too many":  func(t *testing.T, path, id string) { check(t, os.WriteFile(id, []byte(other+"\n"), 0o600)) },
		"other characters": func(t *testing.T, path, id string) { check(t, os.WriteFile(id, []byte(other[1:]+"1"), 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := opened(t, path)
			check(t, d.WriteKubeconfig(entry("team", prod, "bob", newSecret(t, "bob"))))
			before, err := os.ReadFile(d.File("bob"))
			check(t, err)
			file := filepath.Join(path, stateDir, idFile)
			plant(t, path, file)
			id, err := d.ID()
			if err != nil || len(id) != 26 || strings.ContainsAny(id, " :-01") || id == other {
				t.Errorf("%q, %v", id, err)
			}
			if m := mode(t, file); m != 0o600 {
				t.Errorf("mode %v", m)
			}
			if again, err := d.ID(); err != nil || again != id {
				t.Errorf("%q, then %q, %v", id, again, err)
			}
			if after, err := os.ReadFile(d.File("bob")); err != nil || string(after) != string(before) {
				t.Errorf("bob's kubeconfig has changed: %v", err)
			}
		})
	}
}

// Somebody else who owns a directory can swap what is in it, and root, whom no mode stops, must see that too.
func TestOwnedByAnother(t *testing.T) {
	const jane, bob = 1001, 1002
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	root := us(0, func(string) string { return "" })
	sudo := us(0, func(name string) string { return map[string]string{"SUDO_UID": "1001"}[name] })
	for _, name := range []string{".", stateDir, journalDir} {
		path := t.TempDir()
		opened(t, path).Close()
		place := filepath.Join(path, name)
		check(t, os.Chown(place, jane, -1))
		_, err := openWrite(t.Context(), path, 0, root)
		if err == nil || !strings.Contains(err.Error(), "another user (uid 1001)") || !strings.Contains(err.Error(), "run chown 0 "+place+", or provision as that user") {
			t.Errorf("%s of jane's: %v", name, err)
		}
		if d, err := openWrite(t.Context(), path, 0, sudo); err != nil {
			t.Errorf("%s of jane's, who called sudo: %v", name, err)
		} else {
			d.Close()
		}
		check(t, os.Chown(place, bob, -1))
		if _, err := openWrite(t.Context(), path, 0, sudo); err == nil || !strings.Contains(err.Error(), "uid 1002") {
			t.Errorf("%s of bob's, and jane called sudo: %v", name, err)
		}
	}
	if _, err := open(t.TempDir(), []int{jane}); err == nil || !strings.Contains(err.Error(), "another user (uid 0)") {
		t.Errorf("jane in a directory of root's: %v", err)
	}
}

func TestUs(t *testing.T) {
	for _, c := range []struct {
		euid int
		sudo string
		want []int
	}{
		{0, "", []int{0}}, {0, "1000", []int{0, 1000}}, {0, "x", []int{0}}, {1000, "0", []int{1000}}, {1000, "1001", []int{1000}},
	} {
		if got := us(c.euid, func(string) string { return c.sudo }); !slices.Equal(got, c.want) {
			t.Errorf("uid %d, SUDO_UID %q: %v", c.euid, c.sudo, got)
		}
	}
}

// A write that fails leaves the old content and no temporary file.
func TestFailedWrite(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	s := newSecret(t, "jane")
	check(t, d.WriteKubeconfig(entry("team", prod, "jane", s)))
	check(t, os.Mkdir(filepath.Join(path, journalDir, journalName("team", "jane", prod)), 0o700)) // a rename onto it fails
	err := d.WriteKey(Key{Set: "team", Cluster: prod, User: "jane", PEM: string(s.pem)})
	if err == nil || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("%v", err)
	}
	want := []string{journalDir + "/" + journalName("team", "jane", prod), "jane.kubeconfig"}
	if got := everything(t, path); !slices.Equal(got, want) {
		t.Errorf("left %v", got)
	}
}

// A user's name cannot lead out of the directory.
func TestNamesStayInside(t *testing.T) {
	parent := t.TempDir()
	path := filepath.Join(parent, "kubeconfigs")
	d := opened(t, path)
	for _, user := range []string{"../jane", "/etc/jane", "..", ".", "a/../../b", ".provision", "x\x00y"} {
		s := newSecret(t, "x")
		check(t, d.WriteKey(Key{Set: "team", Cluster: prod, User: user, PEM: string(s.pem)}))
		check(t, d.WriteKubeconfig(entry("team", prod, user, s)))
		if f, err := d.ObserveUser(user, "team", prod); err != nil || !f.KeyMatches {
			t.Errorf("%q: %v", user, err)
		}
	}
	if names := everything(t, parent); slices.ContainsFunc(names, func(n string) bool { return n != "kubeconfigs" && !strings.HasPrefix(n, "kubeconfigs/") }) {
		t.Errorf("%v", names)
	}
}

// many writes n users' kubeconfigs, all with the same key: making keys is not what is measured.
func many(b *testing.B, n int) (*Dir, secret) {
	d := opened(b, b.TempDir())
	s := newSecret(b, "user")
	for i := range n {
		user := fmt.Sprintf("user-%05d", i)
		data, err := bytesOf(entry("team", prod, user, s))
		check(b, err)
		check(b, os.WriteFile(d.File(user), data, 0o600))
	}
	return d, s
}

func bytesOf(e credential.Entry) ([]byte, error) {
	k := credential.NewKubeconfig()
	if err := k.Put(e); err != nil {
		return nil, err
	}
	return k.Bytes()
}

// BenchmarkObserve reads a directory of 10,000 kubeconfigs, as every plan does.
func BenchmarkObserve(b *testing.B) {
	const n = 10_000
	d, _ := many(b, n)
	b.ReportAllocs()
	for b.Loop() {
		files, _, err := d.Observe("team", prod)
		if err != nil || len(files) != n {
			b.Fatalf("%d files, %v", len(files), err)
		}
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
					if e := d.WriteKubeconfig(entry("team", prod, fmt.Sprintf("user-%05d", i), s)); err == nil {
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
