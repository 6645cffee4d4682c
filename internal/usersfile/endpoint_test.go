package usersfile

import "testing"

func TestWithoutPassword(t *testing.T) {
	for raw, want := range map[string]string{
		"":                         "",
		"https://api:6443":         "https://api:6443",
		"https://u:secret@api/x":   "https://u:xxxxx@api/x",
		"https://secret@api":       "https://xxxxx@api",
		"https://api/a@b":          "https://api/a@b",
		"u:secret@api":             "(a URL that cannot be read)",
		"http://u:sec/ret@api":     "(a URL that cannot be read)",
		"http://u:secret@bad host": "(a URL that cannot be read)",
	} {
		if got := WithoutPassword(raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}
