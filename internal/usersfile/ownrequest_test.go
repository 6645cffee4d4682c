//go:build unix

package usersfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLoadRequests holds from where a person's request is read, and what is said where it cannot be.
func TestLoadRequests(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "team")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("requests/bob.csr", "bob's")
	write("bad.csr", "BAD SECRET")
	write("long.csr", strings.Repeat("x", maxRequest+1))
	write("../outside.csr", "outside")
	link("requests/bob.csr", "within.csr")
	link("../outside.csr", "without.csr")
	link("..", "up")
	link(filepath.Join(dir, "requests/bob.csr"), "absolute.csr")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	write("closed.csr", "x")
	if err := os.Chmod(filepath.Join(dir, "closed.csr"), 0); err != nil {
		t.Fatal(err)
	}
	load := func(users string) ([]Set, error) {
		t.Helper()
		write("users.yaml", head+"name: web\ngroups: [{name: oncall, bindTo: Group}, {name: dev}]\nusers:\n"+users)
		return Load([]string{filepath.Join(dir, "users.yaml")}, nil, judgeBytes)
	}
	inline := "|\n      -----BEGIN CERTIFICATE REQUEST-----\n      bob's\n"
	for _, request := range []string{"requests/bob.csr", "./requests/../requests/bob.csr", "within.csr", inline} {
		sets, err := load("  - name: bob\n    request: " + request + "\n")
		if err != nil {
			t.Errorf("%s: %v", request, err)
			continue
		}
		u := sets[0].Users[0]
		if u.Request == nil || !bytes.Contains(u.Request.PEM, []byte("bob's")) || u.KeyAlgorithm != Ed25519 || u.Request.Pos.Line != 7 {
			t.Errorf("%s: %+v", request, u.Request)
		}
	}
	const bad = "is bad; what makes it right, at their end: provision request --name bob"
	for _, c := range []struct{ request, want string }{
		{"none.csr", `users[0].request: Invalid value: there is no such file`},
		{"../outside.csr", "must be a path below the folder of the users file"},
		{"/etc/passwd", "must be a path below the folder of the users file"},
		{"''", "Required value: must not be empty"},
		{"[a]", "must be a string"},
		{"without.csr", "lead to nothing outside it"},
		{"up/outside.csr", "lead to nothing outside it"},
		{"absolute.csr", "lead to nothing outside it"},
		{"requests", "is a directory"},
		{"pipe", "is not a regular file"},
		{"long.csr", "must have at most 256 KiB"},
		{"'-----BEGIN" + strings.Repeat("x", maxRequest) + "'", "the request is too long"},
		{"bad.csr", `users[0].request: bad.csr ` + bad},
		{"'-----BEGIN BAD'", `users[0].request: the request ` + bad},
		{"bad.csr\n    groups: [oncall, dev, 'a b']\n    generation: 3", bad + " --group oncall --group 'a b' --set web --generation 3"},
		{"requests/bob.csr\n    keyAlgorithm: Ed25519", "keyAlgorithm: must not stand beside a request"},
		{"requests/bob.csr\n  - name: ann\n    request: within.csr", "users[1].request: within.csr is for the key of the request at "},
	} {
		begin := time.Now()
		_, err := load("  - name: bob\n    request: " + c.request + "\n")
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%.50s: %v; want %s", c.request, err, c.want)
			continue
		}
		checkErrors(t, err)
		if time.Since(begin) > 5*time.Second || len(err.Error()) > 1000 {
			t.Errorf("%.50s: took %v, %d bytes", c.request, time.Since(begin), len(err.Error()))
		}
	}
	if _, err := loadString(t, set("a", "bob, request: bob.csr")); err == nil || !strings.Contains(err.Error(), "standard input is in no folder") {
		t.Errorf("on standard input: %v", err)
	}

	// What a file says is part of what the set says.
	before, err := load("  - {name: bob, request: requests/bob.csr}\n")
	if err != nil {
		t.Fatal(err)
	}
	write("requests/bob.csr", "bob's other")
	after, err := load("  - {name: bob, request: requests/bob.csr}\n")
	if err != nil || before[0].Digest == after[0].Digest {
		t.Errorf("%v, and the digest is %s as before", err, after[0].Digest)
	}

	// No key is used twice, whichever file it is in.
	write("a.yaml", head+"name: a\nusers: [{name: ann, request: requests/bob.csr}]\n")
	write("b.yaml", head+"name: b\nusers: [{name: bea, request: within.csr}]\n")
	if _, err := Load([]string{filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml")}, nil, judgeBytes); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("is for the key of the request at %s:", filepath.Join(dir, "a.yaml"))) {
		t.Errorf("%v", err)
	}
}

// TestRequestCommand holds that the command which an error names makes a request that is right.
func TestRequestCommand(t *testing.T) {
	for want, s := range map[string]CertificateSubject{
		"provision request --name bob": {User: "bob", Set: "web"},
		"provision request --name 'Bob Lee' --group a --group 'b c' --set web --generation 2":                                                {User: "Bob Lee", Groups: []string{"a", "b c"}, Set: "web", Generation: 2},
		"provision request --name system:x --group kubeadm:cluster-admins --allow-reserved system:x --allow-reserved kubeadm:cluster-admins": {User: "system:x", Groups: []string{"kubeadm:cluster-admins"}},
	} {
		if got := s.Command(); got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}
