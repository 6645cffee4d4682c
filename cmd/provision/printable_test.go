package main

import (
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text", "jane\tŁukasz 日本語 👩\u200d🔬\n", "jane\tŁukasz 日本語 👩\u200d🔬\n"},
		{"own colours", "\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"},
		{"clear screen", "a\x1b[2Jb", `a\u001b[2Jb`},
		{"hidden text", "\x1b[8mnot seen", `\u001b[8mnot seen`},
		{"title", "\x1b]0;pwned\a", `\u001b]0;pwned\u0007`},
		{"overwritten line", "error\rfine ", `error\u000dfine `},
		{"C1 control", "\u009b2J", `\u009b2J`},
		{"backwards", "abc\u202etxt.exe", `abc\u202etxt.exe`},
		{"not seen", "ja\u200bne\u2028", `ja\u200bne\u2028`},
		{"not UTF-8", "a\xffb\x9b2J", `a\xffb\x9b2J`},
		{"colour next to control", "\x1b[1m\x1b[2A\x1b[0m", "\x1b[1m\\u001b[2A\x1b[0m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			n, err := printable{&out}.Write([]byte(c.in))
			if n != len(c.in) || err != nil || out.String() != c.want {
				t.Errorf("wrote %q, %d, %v; want %q", out.String(), n, err, c.want)
			}
		})
	}
}
