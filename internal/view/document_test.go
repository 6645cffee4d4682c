package view

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// foreignTexts are what other people may have written anywhere.
var foreignTexts = []string{
	"jane", "", "yes", "12:30", "0x1F", "~", "- a", "a: b # c", "two\nlines\n", "\ttab", "tail ", `"quoted" 'twice' \n`, "日本語 👩\u200d🔬",
	"left\u200eright\u200f", "over\u202eride", "line\u2028break\u0085", "first\nsecond\u200e\n", "\u001b[32mgreen\u001b[0m", "a\rb\u0000\u007f\u009b", "\ufeffmark",
}

// TestDocumentsHoldForeignTexts holds that what programs read from the screen is what was meant, and that none of it
// steers a terminal.
func TestDocumentsHoldForeignTexts(t *testing.T) {
	for _, text := range foreignTexts {
		want := map[string]any{"text": text, "list": []any{text, "plain"}, text + "key": 1.0}
		for format, read := range map[string]func([]byte, any) error{
			"json": json.Unmarshal,
			"yaml": func(data []byte, into any) error { return yaml.UnmarshalStrict(data, into) },
		} {
			var screen bytes.Buffer
			if err := printDocument(printable{w: &screen}, format, want); err != nil {
				t.Errorf("%q as %s: %v", text, format, err)
				continue
			}
			var got map[string]any
			if err := read(screen.Bytes(), &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%q as %s is read as %q, %v:\n%s", text, format, got, err, screen.String())
			}
			if strings.ContainsFunc(screen.String(), steers) {
				t.Errorf("%q as %s steers the terminal: %q", text, format, screen.String())
			}
		}
	}
}

// FuzzDocuments holds the same of any text.
func FuzzDocuments(f *testing.F) {
	for _, text := range foreignTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var screen bytes.Buffer
		if err := printDocument(printable{w: &screen}, "yaml", []string{text}); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		var got []string
		if err := yaml.UnmarshalStrict(screen.Bytes(), &got); err != nil || len(got) != 1 || got[0] != strings.ToValidUTF8(text, "\ufffd") && !invalid(text) {
			t.Errorf("%q is read as %q, %v:\n%s", text, got, err, screen.String())
		}
	})
}

// invalid reports whether a text is not UTF-8: JSON replaces byte by byte then.
func invalid(text string) bool { return strings.ToValidUTF8(text, "") != text }
