package e2e_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const promises = "# What it promises\n"

// TestPromises holds that each sentence of docs/promises.md about what the
// program promises stands, after "PROMISE:", in a comment of the test or story
// that proves it, and that no comment quotes another one.
func TestPromises(t *testing.T) {
	page, err := os.ReadFile("../../docs/promises.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), promises)
	if !found {
		t.Fatalf("docs/promises.md has no %q", promises)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	promised := sentences(section)
	if len(promised) == 0 {
		t.Fatal("nothing is promised")
	}
	shown := quotes(t, "../../cmd", "../../internal", "../../test")
	for _, sentence := range promised {
		if len(shown[sentence]) == 0 {
			t.Errorf("docs/promises.md promises what no test names:\n\t%s\n"+
				"Find the script or the Go test that would fail if this were not so, or write it, and put above what it asserts the comment\n"+
				"\tPROMISE: %s\n(behind # in a script, // in Go; it may go on in the next lines of the comment). If it is not true, change docs/promises.md.", sentence, sentence)
		}
	}
	for sentence, files := range shown {
		if !slices.Contains(promised, sentence) {
			t.Errorf("%s: docs/promises.md does not promise this (any more):\n\t%s\nTake over its words, or drop the comment.", strings.Join(files, ", "), sentence)
		}
	}
}

// sentences splits a list of Markdown.
func sentences(list string) []string {
	var all []string
	for _, item := range regexp.MustCompile(`(?m)^- `).Split(list, -1) {
		text := strings.Join(strings.Fields(item), " ")
		for text != "" {
			end := sentenceEnd.FindStringIndex(text)
			if end == nil {
				all = append(all, text)
				break
			}
			all = append(all, text[:end[0]+1])
			text = strings.TrimSpace(text[end[0]+1:])
		}
	}
	return all
}

var sentenceEnd = regexp.MustCompile("[.] [A-Z`]")

// quotes finds what comments quote, and in which files.
func quotes(t *testing.T, folders ...string) map[string][]string {
	found := map[string][]string{}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") && filepath.Ext(path) != ".txtar" {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, sentence := range quoted(string(data)) {
				found[sentence] = append(found[sentence], path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// quoted finds the sentences that begin behind "PROMISE:" in the comments of a
// file, each up to the end of its comment or to the next such word.
func quoted(file string) []string {
	var all []string
	open := false
	for line := range strings.Lines(file) {
		text, comment := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !comment {
			text, comment = strings.CutPrefix(text, "//")
		}
		text = strings.TrimSpace(text)
		begun, begins := strings.CutPrefix(text, "PROMISE: ")
		switch {
		case comment && begins:
			all = append(all, begun)
		case comment && open:
			all[len(all)-1] += " " + text
		}
		open = comment && (begins || open)
	}
	for i, text := range all {
		all[i] = sentences(text)[0]
	}
	return all
}

func TestSentences(t *testing.T) {
	got := sentences("\n- One, `a.b` and 1.5\n  go. Two: `c.d`. `e` is three.\n- Four\n")
	if want := []string{"One, `a.b` and 1.5 go.", "Two: `c.d`.", "`e` is three.", "Four"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	got = quoted("# A story. PROMISE: no.\n#\n# PROMISE: One,\n# and more. Words.\nexec x\n# of it\n\t// PROMISE: Two.\n\t// PROMISE: Three.\nfunc\n")
	if want := []string{"One, and more.", "Two.", "Three."}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// PROMISE: `make torture` tries it 200 times.
func TestTortureKills(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`\nKILLS +\?= 200\n`, `\ntorture:.*\n(\t.*\n)*\t.*PROVISION_TORTURE_KILLS=\$\(KILLS\)`} {
		if !regexp.MustCompile(want).Match(makefile) {
			t.Errorf("the Makefile has no %q", want)
		}
	}
}
