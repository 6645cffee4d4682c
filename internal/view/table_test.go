package view

import (
	"strings"
	"testing"
	"unicode/utf8"

	pick "provision/internal/format"
)

// A table fits a terminal that is wide enough for its words, and keeps its lines in a pipe.
func TestTableFits(t *testing.T) {
	for columns, want := range map[int]string{
		0: "USER  UNTIL       GRANTS\n" +
			"ann   2026-12-26  view (payments), developer (payments)\n" +
			"bob   2026-12-26  -\n",
		34: "USER  UNTIL       GRANTS\n" +
			"ann   2026-12-26  view (payments),\n" +
			"                  developer\n" +
			"                  (payments)\n" +
			"bob   2026-12-26  -\n",
		26: "USER  GRANTS\n" +
			"ann   view (payments),\n" +
			"      developer (payments)\n" +
			"bob   -\n",
	} {
		table := table{broken: []int{2}, spare: []int{1}}
		table.add("USER", "UNTIL", "GRANTS")
		table.add("ann", "2026-12-26", "view (payments), developer (payments)")
		table.add("bob", "2026-12-26", "-")
		var out strings.Builder
		table.write(pen{w: &out, columns: columns})
		if out.String() != want {
			t.Errorf("%d columns:\n%swant\n%s", columns, out.String(), want)
		}
		for line := range strings.Lines(out.String()) {
			if columns > 0 && utf8.RuneCountInString(line)-1 > columns {
				t.Errorf("wider than %d columns: %s", columns, line)
			}
		}
	}
}

// No name is a formula in a spreadsheet, nor the end of a cell of Markdown.
func TestTablesOfOthers(t *testing.T) {
	var table table
	table.add("user", "groups")
	table.add(`=cmd|' /C calc'!A0`, "a,b \"c\"")
	table.add("-x", "")
	table.add("ann", "+1")
	var out strings.Builder
	if err := pick.CSV(&out, table.rows); err != nil {
		t.Fatal(err)
	}
	if want := "user,groups\n'=cmd|' /C calc'!A0,\"a,b \"\"c\"\"\"\n'-x,\nann,'+1\n"; out.String() != want {
		t.Errorf("%s, want %s", out.String(), want)
	}
	out.Reset()
	if err := table.markdown(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `| =cmd\|' /C calc'!A0 | a,b "c" |`) {
		t.Errorf("%s", out.String())
	}
}
