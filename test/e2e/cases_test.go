package e2e_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestCasesAreShown holds that each line of the table in docs/keys-elsewhere.md names a story or a test that there is.
func TestCasesAreShown(t *testing.T) {
	page, err := os.ReadFile("../../docs/keys-elsewhere.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([^`]+)`")
	lines := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 6 || strings.HasPrefix(line, "|---") || strings.Contains(line, "shown by") {
			continue
		}
		lines++
		shown := named.FindAllStringSubmatch(cells[len(cells)-2], -1)
		if len(shown) == 0 {
			t.Errorf("no test is named: %s", line)
		}
		for _, name := range shown {
			if strings.HasPrefix(name[1], "Test") {
				if !hasTest(t, name[1]) {
					t.Errorf("there is no %s", name[1])
				}
			} else if _, err := os.Stat("testdata/script/" + name[1] + ".txtar"); err != nil {
				t.Errorf("there is no story %s", name[1])
			}
		}
	}
	if lines == 0 {
		t.Error("docs/keys-elsewhere.md has no table")
	}
}

// hasTest reports whether a Go test of this name is in the folders of which the page speaks.
func hasTest(t *testing.T, name string) bool {
	t.Helper()
	for _, folder := range []string{"../torture", "../../internal/plan", "."} {
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file.Name(), "_test.go") {
				continue
			}
			text, err := os.ReadFile(folder + "/" + file.Name())
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "\nfunc "+name+"(") {
				return true
			}
		}
	}
	return false
}
