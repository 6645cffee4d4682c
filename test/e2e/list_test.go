package e2e_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var listedCommand = regexp.MustCompile("(?m)^- `((?:\\[!\\] )?([a-z-]+)[^`]*)`(?: \\([^)]*\\))?: ")

// TestEveryCommandIsListed holds that test/README.md lists each command that
// scripts have, and no other, as the command itself says that it is used.
func TestEveryCommandIsListed(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "## What a script can say\n")
	source := goSource(t)
	var listed []string
	for _, m := range listedCommand.FindAllStringSubmatch(section, -1) {
		usage, name := m[1], m[2]
		listed = append(listed, name)
		if commands[name] != nil && !strings.Contains(source, strings.Replace(usage, "yaml", "json", 1)+`"`) {
			t.Errorf("test/README.md has `%s`, which is not how the command says that it is used", usage)
		}
	}
	slices.Sort(listed)
	want := slices.Concat(slices.Collect(maps.Keys(commands)), slices.Collect(maps.Keys(programs)))
	slices.Sort(want)
	for _, name := range want {
		if !slices.Contains(listed, name) {
			t.Errorf("test/README.md does not list %s", name)
		}
	}
	for i, name := range listed {
		if !slices.Contains(want, name) || i > 0 && listed[i-1] == name {
			t.Errorf("test/README.md lists %s, which is no command, or listed twice", name)
		}
	}
}

// goSource is the text of this package.
func goSource(t *testing.T) string {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
	}
	return b.String()
}

var namedPath = regexp.MustCompile("`((?:cmd|internal|test|docs|examples)/[\\w./-]+)`")

// TestContributingNamesFiles holds that every file and folder which CONTRIBUTING.md names is there.
func TestContributingNamesFiles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range namedPath.FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Errorf("CONTRIBUTING.md names %s: %v", m[1], err)
		}
	}
}
