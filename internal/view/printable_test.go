package view

import (
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text", "jane\tŁukasz 日本語 👩\u200d🔬\n", "jane\tŁukasz 日本語 👩\u200d🔬\n"},
		{"own colours", "\x1bmark[31mred\x1bmark[0m", "\x1b[31mred\x1b[0m"},
		{"somebody's colours", "\x1b[32mok\x1b[0m", `\u001b[32mok\u001b[0m`},
		{"somebody's guess of the mark", "\x1bmar[32mok\x1bmark2[0m", `\u001bmar[32mok\u001bmark2[0m`},
		{"clear screen", "a\x1b[2Jb", `a\u001b[2Jb`},
		{"hidden text", "\x1b[8mnot seen", `\u001b[8mnot seen`},
		{"title", "\x1b]0;pwned\a", `\u001b]0;pwned\u0007`},
		{"overwritten line", "error\rfine ", `error\u000dfine `},
		{"C1 control", "\u009b2J", `\u009b2J`},
		{"backwards", "abc\u202etxt.exe", `abc\u202etxt.exe`},
		{"not seen", "ja\u200bne\u2028", `ja\u200bne\u2028`},
		{"not UTF-8", "a\xffb\x9b2J", `a\xffb\x9b2J`},
		{"colour next to control", "\x1bmark[1m\x1b[2A\x1bmark[0m", "\x1b[1m\\u001b[2A\x1b[0m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			n, err := printable{&out, "mark"}.Write([]byte(c.in))
			if n != len(c.in) || err != nil || out.String() != c.want {
				t.Errorf("wrote %q, %d, %v; want %q", out.String(), n, err, c.want)
			}
		})
	}
}

// Without a mark nothing is a colour of ours.
func TestPrintableWithoutColours(t *testing.T) {
	var out strings.Builder
	if _, err := (printable{w: &out}).Write([]byte("\x1b[31mred\x1b[0m")); err != nil || out.String() != `\u001b[31mred\u001b[0m` {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestShortened(t *testing.T) {
	if s := strings.Repeat("x", maxForeign); shortened(s) != s {
		t.Error("cut too early")
	}
	long := shortened(strings.Repeat("é", 25_000))
	if !strings.HasSuffix(long, "é... (50,000 bytes in all)") || len(long) > maxForeign+50 {
		t.Errorf("%d bytes: ...%s", len(long), long[len(long)-40:])
	}
}
