package format

import (
	"strings"
	"testing"
)

// A format is one of those listed, or has a template that can be read; it is refused before anything is done otherwise.
func TestCheck(t *testing.T) {
	for format, want := range map[string]string{
		"text": "", "json": "", "jsonpath={.a}": "", "jsonpath=.a": "", "go-template={{.a}}": "",
		"xml":             `must be one of text, json, jsonpath=TEMPLATE, go-template=TEMPLATE, but is "xml"`,
		"":                `must be one of`,
		"jsonpath":        "jsonpath needs a template: jsonpath=TEMPLATE",
		"go-template":     "go-template needs a template: go-template=TEMPLATE",
		"jsonpath={.a[}":  "jsonpath: ",
		"go-template={{x": "go-template: ",
	} {
		err := Check(format, []string{"text", "json"})
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", format, err, want)
		}
	}
}

// What a template picks is what kubectl would print of the same document.
func TestPick(t *testing.T) {
	const document = `{"users":[{"user":"ann","n":1},{"user":"bob"}],"ok":true}`
	for format, want := range map[string]string{
		"jsonpath={.users[*].user}": "ann bob", "jsonpath=.users[1].user": "bob", "jsonpath={.none}": "", "jsonpath={.users[0].n}": "1",
		`jsonpath={range .users[*]}{.user}{"\n"}{end}`:                    "ann\nbob\n",
		`jsonpath={.users[?(@.n==1)].user}`:                               "ann",
		`go-template={{range .users}}{{.user}},{{end}}{{if .ok}}!{{end}}`: "ann,bob,!",
	} {
		got, err := Pick(format, []byte(document))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", format, got, err, want)
		}
	}
	for _, format := range []string{"go-template={{index .users 5}}", "jsonpath={.ok[0]}"} {
		if got, err := Pick(format, []byte(document)); err == nil {
			t.Errorf("%s: %q and no error", format, got)
		}
	}
}
