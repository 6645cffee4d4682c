package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// shell is one in which a person presses the tabulator.
type shell struct {
	name    string
	command []string
	load    string // reads the script of provision
	needs   string // a file without which it completes nothing; "": nothing
}

var shells = []shell{
	{"bash", []string{"bash", "--norc", "--noprofile", "-i"}, "source /usr/share/bash-completion/bash_completion; source <(provision completion bash)", "/usr/share/bash-completion/bash_completion"},
	{"zsh", []string{"zsh", "-f", "-i"}, "autoload -U compinit; compinit -u -D; source <(provision completion zsh)", ""},
	{"fish", []string{"fish", "--no-config", "--private", "-i"}, "provision completion fish | source", ""},
}

// TestShellsComplete holds that a person who types the beginning of a command, of a flag, of a user's name and of a context, each
// with the tabulator behind it, has typed all of them.
func TestShellsComplete(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// In the place of provision stands what tells how it was called, unless a shell asks.
	said := filepath.Join(dir, "said")
	files := map[string]string{
		"bin/provision": fmt.Sprintf("#!/bin/sh\ncase $1 in __complete*|completion) exec %s/provision \"$@\";; esac\nfor word; do echo \"<$word>\"; done >%s.new\nmv %s.new %s\n", bin, said, said, said),
		"users.yaml":    "apiVersion: provision/v1alpha1\nkind: Users\nname: shells\nusers: [{name: amir}, {name: jane.doe@example.com, groups: [web:oncall]}]\n",
		"config": "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n" +
			"contexts: [{name: development, context: {cluster: c}}, {name: production, context: {cluster: c}}]\n",
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	for _, sh := range shells {
		t.Run(sh.name, func(t *testing.T) {
			path, err := exec.LookPath(sh.command[0])
			if err != nil {
				t.Skipf("%s is not installed", sh.name)
			}
			if _, err := os.Stat(sh.needs); sh.needs != "" && err != nil {
				t.Skipf("%s completes nothing without %s", sh.name, sh.needs)
			}
			os.Remove(said)
			c := exec.Command(path, sh.command[1:]...)
			c.Dir = dir
			c.Env = []string{
				"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=vt100", "LANG=C.UTF-8",
				"KUBECONFIG=" + filepath.Join(dir, "config"), "GOCOVERDIR=" + os.Getenv("GOCOVERDIR"),
			}
			s := onScreen(t, c)
			s.typed("printf 'ready%s\\n' 42\r")
			s.await(regexp.MustCompile(`ready42\s`))
			s.typed(sh.load + "; printf 'loaded%s\\n' 42\r")
			s.await(regexp.MustCompile(`loaded42\s`))
			s.typed("provision rev\tjan\t--conte\tdev\t\r")
			want := "<revoke>\n<jane.doe@example.com>\n<--context>\n<development>\n"
			for end := time.Now().Add(30 * time.Second); ; {
				got, err := os.ReadFile(said)
				if string(got) == want {
					return
				}
				if err == nil || time.Now().After(end) {
					t.Fatalf("provision was called with\n%s(%v), not with\n%sthe screen:\n%s", got, err, want, s.shown())
				}
				s.wait(50 * time.Millisecond)
			}
		})
	}
}

// screen is a pseudo-terminal with a program on it.
type screen struct {
	t    *testing.T
	pty  *os.File
	read chan []byte
	all  bytes.Buffer
}

// onScreen starts a program, which ends with the test.
func onScreen(t *testing.T, c *exec.Cmd) *screen {
	t.Helper()
	f, err := pty.StartWithSize(c, &pty.Winsize{Rows: 50, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, pty: f, read: make(chan []byte)}
	done := make(chan struct{})
	go func() {
		defer close(s.read)
		for {
			b := make([]byte, 4096)
			n, err := f.Read(b)
			select {
			case s.read <- b[:n]:
			case <-done:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		c.Process.Kill()
		f.Close()
		c.Wait()
	})
	return s
}

func (s *screen) typed(keys string) {
	if _, err := io.WriteString(s.pty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until the screen shows something, for at most 30 s.
func (s *screen) await(pattern *regexp.Regexp) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); !pattern.Match(s.all.Bytes()); s.wait(time.Second) {
		if time.Now().After(end) {
			s.t.Fatalf("the screen does not show %s:\n%s", pattern, s.shown())
		}
	}
}

// wait reads what is shown next, or returns when nothing is.
func (s *screen) wait(longest time.Duration) {
	select {
	case b := <-s.read:
		s.all.Write(b)
	case <-time.After(longest):
	}
}

func (s *screen) shown() string {
	return strings.ReplaceAll(s.all.String(), "\x1b", "ESC")
}
