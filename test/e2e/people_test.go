package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"provision/test/internal/harness"
)

const (
	// peopleVariable is the environment variable with the number of people.
	peopleVariable = "PROVISION_TEST_PEOPLE"
	// defaultPeople have each kind of key among them.
	defaultPeople = 18
)

// TestPeople is a set of all kinds of people to the end: each gets a file, accepts it in a home of their own, and is who they are.
// Those whose key is not in the file get at it without this program as well, by the lines of docs/accept.md.
func TestPeople(t *testing.T) {
	t.Parallel()
	n := defaultPeople
	if text := os.Getenv(peopleVariable); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	c := newCrowd(t, "people", n)
	applied := c.run(0, "apply", "--yes")
	if want := fmt.Sprintf("applied: %d certificates issued", n); !strings.Contains(applied.Stdout(), want) {
		t.Errorf("no %q:\n%s", want, applied.Text())
	}
	c.each(c.people, c.handOut)
	c.each(c.people, func(p *harness.Person) error {
		if _, err := atHome(p, "", filepath.Join(bin, "provision"), append(append([]string{"accept", "--yes"}, p.Accept()...), p.Name+".kubeconfig")...); err != nil {
			return err
		}
		return logIn(p)
	})

	away := c.of(notHere)
	byOld := c.withoutProvision(away)

	// Nothing of their keys is at the operator's.
	files := c.checkFiles(c.secrets(away))
	t.Logf("%d people; %d files of the operator's have no key of the %d who keep theirs; Debian's age has opened %d", n, files, len(away), byOld)
	c.run(0, "verify")
	c.run(0, "plan", "--detailed-exitcode")
	c.tokenOnly()
}

// withoutProvision has people do what docs/accept.md tells those who do not have the program. It returns for how many Debian's age
// opened their key; where it is not installed, and for what is too new for it, the age of the product's module does.
func (c *crowd) withoutProvision(people []*harness.Person) (byOld int) {
	c.Helper()
	recipe := readmeRecipe(c.T)
	_, missing := exec.LookPath("age")
	for _, p := range people {
		if p.OpensWithOld() && missing == nil {
			byOld++
		}
	}
	c.each(people, func(p *harness.Person) error {
		if p.IsOwn() {
			return logIn(p, "--kubeconfig", p.Name+".kubeconfig")
		}
		dirs := shared.BinDir()
		if missing != nil || !p.OpensWithOld() {
			dirs = bin + string(os.PathListSeparator) + dirs
		}
		lines := strings.NewReplacer("~/.ssh/id_ed25519", p.Identity(), "jane", p.Name).Replace(recipe)
		out, err := atHome(p, dirs, "sh", "-ec", lines)
		if err == nil && !strings.Contains(out, " "+p.Name+"\n") {
			err = fmt.Errorf("the recipe says %s", out)
		}
		return err
	})
	return byOld
}

// tokenOnly is somebody whose only key is on a hardware token: it can be sealed to, and neither accept nor age opens it without the
// token's plugin, which are programs. accept says so, and changes nothing.
func (c *crowd) tokenOnly() {
	c.Helper()
	tag, err := harness.TagRecipient()
	if err != nil {
		c.Fatal(err)
	}
	users := fmt.Sprintf("apiVersion: provision/v1alpha1\nkind: Users\nname: %[1]s-token\ndefaults: {duration: 1h}\nusers:\n  - {name: %[1]s-token, recipients: [%[2]s]}\n", c.set, tag)
	if err := os.WriteFile(filepath.Join(c.program.Dir, "token.yaml"), []byte(users), 0o644); err != nil {
		c.Fatal(err)
	}
	c.run(0, "apply", "--yes", "-f", "token.yaml")
	p := &harness.Person{Name: c.set + "-token", Home: c.TempDir()}
	if err := c.handOut(p); err != nil {
		c.Fatal(err)
	}
	plugin := "AGE-PLUGIN-TOKEN-1QQQSZQ\n"
	if err := os.WriteFile(filepath.Join(p.Home, "identity"), []byte(plugin), 0o600); err != nil {
		c.Fatal(err)
	}
	for want, flags := range map[string][]string{
		"age1tag1": nil,
		"it needs an age plugin, which is a program: open the key with age itself": {"-i", "identity"},
	} {
		out, err := atHome(p, "", filepath.Join(bin, "provision"), append(append([]string{"accept", "--yes"}, flags...), p.Name+".kubeconfig")...)
		if err == nil || !strings.Contains(out, want) {
			c.Errorf("a key of a token: %v, want %q\n%s", err, want, out)
		}
	}
	if _, err := os.Lstat(filepath.Join(p.Home, ".kube")); err == nil {
		c.Error("a key of a token: something was accepted")
	}
}

var recipeBlock = regexp.MustCompile("(?s)A key that is sealed to you is opened with .*?```sh\n(.*?)```")

// readmeRecipe is what docs/accept.md tells people to do who have no provision.
func readmeRecipe(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../docs/accept.md")
	if err != nil {
		t.Fatal(err)
	}
	block := recipeBlock.FindSubmatch(readme)
	if block == nil || strings.Count(string(block[1]), "\n") != 2 {
		t.Fatal("docs/accept.md has no two lines with kubectl and age")
	}
	return string(block[1])
}
