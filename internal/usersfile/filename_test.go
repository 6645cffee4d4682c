package usersfile

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFileName(t *testing.T) {
	for user, want := range map[string]string{
		"jane":                "jane",
		"jane.doe+x@corp.com": "jane.doe+x@corp.com",
		"Jane Doe, ops_1=2~":  "Jane Doe, ops_1=2~",
		"zoë":                 "zoë",
		"王小明":                 "王小明",
		"हिन्दी":              "हिन्दी",
		"oidc:jane":           "oidc%3Ajane",
		"a/b\\c":              "a%2Fb%5Cc",
		"..":                  "%2E%2E",
		".":                   "%2E",
		"../../etc/passwd":    "%2E.%2F..%2Fetc%2Fpasswd",
		".hidden":             "%2Ehidden",
		"-rf":                 "%2Drf",
		"~root":               "%7Eroot",
		"jane.":               "jane%2E",
		" jane ":              "%20jane%20",
		"100%":                "100%25",
		"%41":                 "%2541",
		`*?"<>|`:              "%2A%3F%22%3C%3E%7C",
		"$(rm);`x`'":          "%24%28rm%29%3B%60x%60%27",
		"a\x00\n\x7f":         "a%00%0A%7F",
		"a\xff\xe9":           "a%FF%E9",
		"\ufffd":              "%EF%BF%BD",
		"a\u202eb\u200b":      "a%E2%80%AEb%E2%80%8B",
		"con":                 "%63on",
		"CON":                 "%43ON",
		"nul.txt":             "%6Eul.txt",
		"aux .x":              "%61ux .x",
		"com1":                "%63om1",
		"LPT¹.a":              "%4CPT¹.a",
		"com10":               "com10",
		"console":             "console",
		"jane.con":            "jane.con",
		"x.kubeconfig":        "x.kubeconfig",
	} {
		want += ".kubeconfig"
		if got := FileName(user); got != want {
			t.Errorf("%q: got %s, want %s", user, got, want)
		}
		if got, ok := UserOfFile(want); !ok || got != user {
			t.Errorf("%s: got %q, %v, want %q", want, got, ok, user)
		}
	}
}

func TestUserOfFileRefuses(t *testing.T) {
	for _, name := range []string{
		"", ".kubeconfig", "jane", "jane.yaml", "jane.kubeconfig.tmp", "jane.KUBECONFIG", ".jane.kubeconfig", "-x.kubeconfig", "~x.kubeconfig",
		"con.kubeconfig", "a:b.kubeconfig", "a%3ab.kubeconfig", "%6Aane.kubeconfig", "jane%.kubeconfig", "jane%4.kubeconfig", "jane%+1.kubeconfig",
		"jane%zz.kubeconfig", "a/b.kubeconfig", "../x.kubeconfig", "jane .kubeconfig", "jane..kubeconfig", "a\xff.kubeconfig", "a\u200b.kubeconfig",
	} {
		if user, ok := UserOfFile(name); ok || user != "" {
			t.Errorf("%q: is the file of %q", name, user)
		}
	}
}

func TestFileKey(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"jane", "Jane", true},
		{"jane", "jane1", false},
		{"zoë", "ZOE\u0308", true},
		{"straße", "STRASSE", true},
		{"Σίσυφος", "σίσυφοσ", true},
		{"zoe", "zoë", false},
		{"con", "CON", false}, // the escaped letter keeps its case
	} {
		if got := fileKey(FileName(c.a)) == fileKey(FileName(c.b)); got != c.same {
			t.Errorf("%q, %q: same is %v", c.a, c.b, got)
		}
	}
}

// FuzzFileName holds that every user has a file name that is safe on every system, and that nobody else has it.
func FuzzFileName(f *testing.F) {
	for _, s := range []string{"jane", "../x", "con.x", "%41", "a\xff", "zoë", ".kubeconfig", "-", "~", "com¹", strings.Repeat("/", 64), "\ufffd\xef\xbf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, user string) {
		if as, ok := UserOfFile(user); ok && FileName(as) != user {
			t.Errorf("%q is accepted as the file of %q", user, as)
		}
		if user == "" {
			return
		}
		name := FileName(user)
		if got, ok := UserOfFile(name); !ok || got != user {
			t.Fatalf("%q has %q, and that is of %q, %v", user, name, got, ok)
		}
		if !utf8.ValidString(name) || strings.ContainsAny(name, "/\\:*?\"<>|\x00\n") || strings.ContainsFunc(name, Invisible) {
			t.Errorf("%q: unsafe character in %q", user, name)
		}
		if strings.ContainsRune(".-~ ", rune(name[0])) || isDevice(name) || !strings.HasSuffix(name, ".kubeconfig") {
			t.Errorf("%q: unsafe name %q", user, name)
		}
		if len(user) <= 64 && len(name) > 255 {
			t.Errorf("%q: name of %d bytes", user, len(name))
		}
	})
}
