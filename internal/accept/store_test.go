package accept_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"provision/internal/accept"
)

// put merges what was sent into the kubeconfig that paths are.
func put(t testing.TB, paths []string, s sent) (accept.Stored, string) {
	t.Helper()
	done, path, err := tryPut(t, paths, s)
	if err != nil {
		t.Fatal(err)
	}
	return done, path
}

func tryPut(t testing.TB, paths []string, s sent) (accept.Stored, string, error) {
	t.Helper()
	list := s.entries(t)
	own, err := accept.Open(paths, list)
	if err != nil {
		return accept.Stored{}, "", err
	}
	changes, err := own.Preview(list, false)
	if err != nil {
		return accept.Stored{}, "", err
	}
	done, err := own.Store(context.Background(), list, false, changes)
	return done, own.Path, err
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// files are the names in a directory.
func files(t testing.TB, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Name())
	}
	return strings.Join(names, " ")
}

func TestStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	text := "# mine\n" + known
	write(t, path, text)
	s := from(t, "jane", "prod", "ca")
	done, _ := put(t, []string{path}, s)
	if !done.Written || done.Comments || !strings.HasPrefix(read(t, path), "# mine\n") || len(done.Logins) != 1 || done.Logins[0].Server != s.server || string(done.Logins[0].Key) != string(s.key) {
		t.Errorf("%+v", done)
	}
	if got := read(t, done.Backup); got != text {
		t.Errorf("backup: %s", got)
	}
	for _, name := range []string{path, done.Backup} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	first := read(t, path)
	if done, _ = put(t, []string{path}, s); done.Written || done.Backup != "" || read(t, path) != first {
		t.Errorf("the same again: %+v", done)
	}
	if got := files(t, filepath.Dir(path)); strings.Count(got, " ") != 1 {
		t.Errorf("files: %s", got)
	}
}

// What client-go does not know of a kubeconfig, and how it is written, stays: comments, order, fields. Where that cannot be, the
// entry counts, and comments are told as lost.
func TestStoreKeepsText(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	next := s
	next.key, next.certificate = issue(t, "jane", noon.Add(-time.Minute))
	merged := func(text string, lost bool) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "config")
		write(t, path, text)
		if done, _ := put(t, []string{path}, next); done.Comments != lost || read(t, done.Backup) != text {
			t.Errorf("%+v", done)
		}
		again := read(t, path)
		if u := config(t, again).AuthInfos["jane@prod"]; u == nil || string(u.ClientCertificateData) != string(next.certificate) {
			t.Errorf("not merged:\n%s", again)
		}
		return again
	}
	first := strings.Replace(s.yaml(), "users:\n", "# people\nusers: # all\n", 1)
	const users = "users: # all\n"
	for name, text := range map[string]string{
		"comments":        "# head\n" + strings.Replace(first, users, users+"# other\n- name: other # here\n  user: {token: t, note: x} # there\n", 1) + "# foot\n",
		"empty":           "# head\nclusters: []\nusers: null\nmine: {a: b}\n",
		"nothing":         "# only this\n",
		"JSON":            `{"kind": "Config", "apiVersion": "v1", "users": [{"name": "other", "user": {"token": "t"}}], "clusters": []}`,
		"no list":         "apiVersion: v1\n",
		"anchors":         "mine: &a {token: t}\nusers: # all\n- name: other\n  user: *a\n",
		"carriage return": strings.ReplaceAll("# head\n"+first, "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			again := merged(text, name == "nothing")
			for _, kept := range []string{"# head", "# people", "# all", "# other\n", "# here", "# there", "note: x", "# foot", "mine:", "*a"} {
				if strings.Contains(text, kept) && !strings.Contains(again, kept) {
					t.Errorf("without %q:\n%s", kept, again)
				}
			}
		})
	}
	t.Run("a name that stands elsewhere", func(t *testing.T) {
		text := strings.Replace(first, "- name: jane@prod\n  user:", "- <<: &n {name: jane@prod}\n  user:", 1)
		if text == first {
			t.Fatal("not replaced")
		}
		if again := merged(text, true); strings.Contains(again, "# people") {
			t.Errorf("%s", again)
		}
	})
}

// A link stays one, and what it leads to is written, there or not.
func TestStoreThroughLinks(t *testing.T) {
	for name, there := range map[string]bool{"there": true, "not there": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			target, link := filepath.Join(dir, "dotfiles", "config"), filepath.Join(dir, "config")
			if err := os.Mkdir(filepath.Dir(target), 0o700); err != nil {
				t.Fatal(err)
			}
			if there {
				write(t, target, known)
			}
			if err := os.Symlink("dotfiles/config", filepath.Join(dir, "between")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("between", link); err != nil {
				t.Fatal(err)
			}
			done, _ := put(t, []string{link}, from(t, "jane", "prod", "ca"))
			if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
				t.Errorf("%v %v", info.Mode(), err)
			}
			if info, err := os.Lstat(target); err != nil || !info.Mode().IsRegular() || !strings.Contains(read(t, target), "jane@prod") {
				t.Error("the target was not written")
			}
			if (done.Backup != "") != there {
				t.Errorf("%+v", done)
			}
		})
	}
}

// KUBECONFIG may name several files.
func TestStoreWhere(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	for name, c := range map[string]struct {
		there []string // files with text
		has   string   // the one that has an entry already
		want  string
	}{
		"none is there":        {nil, "", "c"},
		"the first that is":    {[]string{"b", "c"}, "", "b"},
		"where the entry is":   {[]string{"a", "b"}, "c", "c"},
		"all":                  {[]string{"a", "b", "c"}, "", "a"},
		"the first has it":     {[]string{"b"}, "a", "a"},
		"only one, that is it": {nil, "b", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, name := range c.there {
				write(t, filepath.Join(dir, name), fmt.Sprintf("apiVersion: v1\nkind: Config\nusers: [{name: u%d, user: {token: t}}]\n", i))
			}
			if c.has != "" {
				put(t, []string{filepath.Join(dir, c.has)}, s)
			}
			next := s
			next.key, next.certificate = issue(t, "jane", noon.Add(-time.Minute))
			_, path := put(t, []string{filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")}, next)
			if filepath.Base(path) != c.want {
				t.Errorf("into %s", path)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ explicit, variable, want string }{
		{"x", "a:b", "x"}, {"", "a:b:a", "a b"}, {"", ":a:", "a"}, {"", "", clientcmd.RecommendedHomeFile}, {"", "::", clientcmd.RecommendedHomeFile},
	} {
		if got, err := accept.Paths(c.explicit, strings.ReplaceAll(c.variable, ":", string(filepath.ListSeparator))); strings.Join(got, " ") != c.want {
			t.Errorf("%q %q: %v %v", c.explicit, c.variable, got, err)
		}
	}
}

// What cannot be read or written stays as it is, and no error quotes it.
func TestStoreNothing(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "broken"), "clusters: [\n# S3cret\n")
	write(t, filepath.Join(dir, "file"), "x")
	if err := os.Mkdir(filepath.Join(dir, "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"broken": "cannot be read: error in line", "directory": "is not a regular file", "file/config": "not a directory",
	} {
		_, _, err := tryPut(t, []string{filepath.Join(dir, path)}, s)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if got := read(t, filepath.Join(dir, "broken")); got != "clusters: [\n# S3cret\n" {
		t.Error(got)
	}
	if got := files(t, dir); got != "broken directory file" {
		t.Error(got)
	}
}

// What was agreed to is what is done, or nothing.
func TestStoreWhatWasAgreed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	list := from(t, "jane", "prod", "ca").entries(t)
	own, err := accept.Open([]string{path}, list)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := own.Preview(list, false)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, known)
	if _, err := own.Store(t.Context(), list, false, changes); err == nil || read(t, path) != known {
		t.Errorf("%v", err)
	}
}
