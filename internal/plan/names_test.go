package plan

import (
	"strings"
	"testing"
)

// What cannot be the value of a label is a hash, and what can be is itself, so that kubectl -l provision/user=NAME finds it.
func TestUserLabelValue(t *testing.T) {
	for user, want := range map[string]string{
		"jane": "jane", "a": "a", "jane@shop.example": "sha256-", "Łukasz": "sha256-", "-jane": "sha256-", "jane.": "sha256-",
		strings.Repeat("x", 63): strings.Repeat("x", 63), strings.Repeat("x", 64): "sha256-", "": "sha256-",
	} {
		got := UserLabelValue(user)
		if want == "sha256-" && len(got) == len(want)+32 {
			got = got[:len(want)]
		}
		if got != want {
			t.Errorf("%q: %s, want %s", user, got, want)
		}
	}
	if UserLabelValue("Łukasz") == UserLabelValue("łukasz") {
		t.Error("two names have one hash")
	}
}
