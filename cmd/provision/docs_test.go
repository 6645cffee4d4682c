package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	linkOf    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingOf = regexp.MustCompile(`(?m)^#+ (.*)$`)
	codeOf    = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`")
)

// TestLinks holds that each link of the documents to something in the tree leads there, to a heading too, and that every page is reached from
// README.md.
func TestLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	pages := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "bin" || entry.Name() == "dist" || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			text, err := os.ReadFile(path)
			pages[filepath.Clean(path)] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	leads := map[string][]string{}
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		for _, m := range linkOf.FindAllStringSubmatch(codeOf.ReplaceAllString(pages[page], ""), -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, ":") { // another site
				continue
			}
			to := filepath.Clean(filepath.Join(filepath.Dir(page), file))
			if file == "" {
				to = page
			}
			info, err := os.Stat(to)
			if err != nil {
				t.Errorf("%s: %s leads nowhere", page, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(pages[to]), anchor) {
				t.Errorf("%s: %s has no such heading", page, m[1])
			}
			if info.IsDir() {
				inside, _ := filepath.Glob(filepath.Join(to, "*.md"))
				leads[page] = append(leads[page], inside...)
			}
			leads[page] = append(leads[page], to)
		}
	}
	reached := map[string]bool{}
	var walk func(string)
	walk = func(page string) {
		if reached[page] {
			return
		}
		reached[page] = true
		for _, to := range leads[page] {
			walk(to)
		}
	}
	walk(filepath.Join(root, "README.md"))
	for page := range pages {
		if strings.HasPrefix(page, filepath.Join(root, "docs")) && !reached[page] {
			t.Errorf("%s is reached from no page", page)
		}
	}
}

// anchors are those of a page's headings, as forges make them.
func anchors(page string) []string {
	var list []string
	for _, m := range headingOf.FindAllStringSubmatch(page, -1) {
		list = append(list, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[1]))
	}
	return list
}
