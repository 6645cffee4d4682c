package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"provision/test/internal/harness"
)

// crowd is an operator with a set of people, a third each of plain ones, of those to whom their key is sealed, and of those who make
// it.
type crowd struct {
	*testing.T
	set     string
	program harness.Program // in the operator's directory
	tools   harness.Tools
	people  []*harness.Person
}

func newCrowd(t *testing.T, set string, n int) *crowd {
	t.Helper()
	tools, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{T: t, set: set, program: harness.Program{Kubeconfig: shared.Kubeconfig(), Dir: t.TempDir()}, tools: tools}
	requests := filepath.Join(c.program.Dir, "requests")
	if err := os.Mkdir(requests, 0o755); err != nil {
		t.Fatal(err)
	}
	if c.people, err = harness.People(c.tools, set, t.TempDir(), requests, n, harness.Kinds); err != nil {
		t.Fatal(err)
	}
	c.write("users.yaml", c.people)
	return c
}

// write writes a users file.
func (c *crowd) write(name string, people []*harness.Person) {
	c.Helper()
	text := fmt.Sprintf("apiVersion: provision/v1alpha1\nkind: Users\nname: %s\ndefaults: {duration: 1h}\nusers:\n", c.set)
	for _, p := range people {
		text += p.Line("")
	}
	if err := os.WriteFile(filepath.Join(c.program.Dir, name), []byte(text), 0o644); err != nil {
		c.Fatal(err)
	}
}

// run runs the program as the operator, which has to end with a code.
func (c *crowd) run(code int, args ...string) *harness.Process {
	c.Helper()
	p := c.program.Run(c.T, args...)
	if p.Code() != code {
		c.Fatalf("%s ended with %d, want %d\n%s", p, p.Code(), code, p.Text())
	}
	return p
}

// each does something for people, a few at once.
func (c *crowd) each(people []*harness.Person, do func(*harness.Person) error) {
	c.Helper()
	var g errgroup.Group
	g.SetLimit(4)
	for _, p := range people {
		g.Go(func() error {
			if err := do(p); err != nil {
				return fmt.Errorf("%s (%s): %w", p.Name, p.Kind, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		c.Fatal(err)
	}
}

// atHome runs a program as a person would: in their home, with what they have there. The programs in some folders, as in PATH, are
// theirs before those of this machine.
func atHome(p *harness.Person, folders, name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	command.Dir = p.Home
	command.Env = []string{"HOME=" + p.Home, "PATH=" + folders + string(os.PathListSeparator) + os.Getenv("PATH"), "KUBECACHEDIR=" + os.Getenv("KUBECACHEDIR"),
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}
	out, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// handOut gives a person their kubeconfig.
func (c *crowd) handOut(p *harness.Person) error {
	data, err := os.ReadFile(filepath.Join(c.program.Output(), p.Name+".kubeconfig"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.Home, p.Name+".kubeconfig"), data, 0o600)
}

// logIn asks kubectl who a person is.
func logIn(p *harness.Person, flags ...string) error {
	out, err := atHome(p, "", filepath.Join(shared.BinDir(), "kubectl"), append(flags, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")...)
	if err == nil && out != p.Name {
		err = fmt.Errorf("kubectl is %q", out)
	}
	return err
}

// secrets are those of the private keys that people have now.
func (c *crowd) secrets(people []*harness.Person) harness.Secrets {
	c.Helper()
	known := harness.Secrets{}
	for _, p := range people {
		_, key, err := p.Take(c.tools.Age, filepath.Join(c.program.Output(), p.Name+".kubeconfig"))
		if err != nil {
			c.Fatal(err)
		}
		if err := known.Add(key, p.Name+" ("+p.Kind+")"); err != nil {
			c.Fatal(err)
		}
	}
	return known
}

// of are the people for whom a question is answered with yes.
func (c *crowd) of(is func(*harness.Person) bool) []*harness.Person {
	var some []*harness.Person
	for _, p := range c.people {
		if is(p) {
			some = append(some, p)
		}
	}
	return some
}

func notHere(p *harness.Person) bool { return p.Kind != harness.Plain }

// checkFiles checks that no file of the operator's has a piece of some secrets, nor a private key at all, but for the kubeconfigs of
// plain users. It returns how many files there are.
func (c *crowd) checkFiles(known harness.Secrets) (files int) {
	c.Helper()
	plain := map[string]bool{}
	for _, p := range c.people {
		plain[p.Name+".kubeconfig"] = !notHere(p)
	}
	err := filepath.WalkDir(c.program.Dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		found := known.In(data)
		if plain[entry.Name()] {
			found = slices.DeleteFunc(found, func(of string) bool { return slices.Contains(harness.Marks(string(data)), of) })
		}
		if len(found) > 0 {
			c.Errorf("%s has secrets: %s", path, strings.Join(found, ", "))
		}
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	return files
}
