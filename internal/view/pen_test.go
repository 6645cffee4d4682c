package view

import (
	"strings"
	"testing"
)

// No text of others' leaves its line or takes a colour, wherever in the line it stands, and our own colours stay.
func TestPenKeepsTheLine(t *testing.T) {
	const evil = "a\n\x1b[32mb\t"
	for _, c := range []struct {
		style style
		want  string
	}{
		{style{mark: "mark"}, `  a\n\u001b[32mb\t a\n\u001b[32mb\t and a\n\u001b[32mb\t` + "\n"},
		{style{true, "mark"}, "  \x1bmark[31m" + `a\n\u001b[32mb\t` + "\x1bmark[0m " + `a\n\u001b[32mb\t and ` + "\x1bmark[1m" + `a\n\u001b[32mb\t` + "\x1bmark[0m\n"},
	} {
		var out strings.Builder
		p := pen{w: &out, style: c.style}
		p.line(2, p.red(evil), evil+" and "+p.bold(evil))
		if out.String() != c.want {
			t.Errorf("%q, want %q", out.String(), c.want)
		}
	}
}

// A hint has its lines below each other, and its objects at the first column, where kubectl takes them.
func TestPenHint(t *testing.T) {
	var out strings.Builder
	p := pen{w: &out}
	p.hint(4, "")
	p.hint(4, "ask somebody\nwho may\n---\nkind: Role\n")
	if want := "    hint: ask somebody\n          who may\n---\nkind: Role\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
