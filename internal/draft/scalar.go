package draft

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// plain is what YAML reads as itself inside of brackets, and as a text: it begins with a letter, or is a UUID.
var plain = regexp.MustCompile(`^([A-Za-z][-A-Za-z0-9_./@]*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// words are what YAML 1.1 or 1.2 reads as something else than a text.
var words = map[string]bool{"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "null": true, "y": true, "n": true}

// scalar writes a text in YAML, on one line. Text that YAML might read as something else is quoted as JSON quotes it, and characters
// that cannot be seen are escaped, which YAML reads.
func scalar(text string) string {
	if plain.MatchString(text) && !words[strings.ToLower(text)] {
		return text
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return `""` // no text fails to be encoded
	}
	var quoted strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case unicode.IsPrint(r):
			quoted.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&quoted, `\U%08x`, r)
		default:
			fmt.Fprintf(&quoted, `\u%04x`, r)
		}
	}
	return quoted.String()
}

// comment keeps a text in the line of its comment.
func comment(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return '?'
		}
		return r
	}, text)
}
