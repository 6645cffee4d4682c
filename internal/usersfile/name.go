package usersfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"
)

// label reads an RFC 1123 label: a namespace or the name of a set.
func (r *reader) label(v value) (string, bool) {
	s, ok := r.filled(v)
	if !ok {
		return "", false
	}
	mistakes := validation.IsDNS1123Label(s)
	for _, m := range mistakes {
		r.invalid(v, s, m)
	}
	return s, len(mistakes) == 0
}

// namespaces reads a list of namespaces. An empty one is not the same as none: it would silently mean the whole cluster.
func (r *reader) namespaces(v value) []string {
	if v.given() && v.isEmptyList() {
		r.required(v, "must name a namespace; leave the field out for the whole cluster (clusterRole) or a ClusterRole")
		return nil
	}
	return r.names(v, r.label)
}

// roleName reads the name of a Role or ClusterRole: the API server takes any path segment.
func (r *reader) roleName(v value) (string, bool) {
	s, ok := r.visible(v)
	if !ok {
		return "", false
	}
	switch {
	case s == "." || s == "..":
		r.invalid(v, s, "must not be '.' or '..'")
	case strings.ContainsAny(s, "/%"):
		r.invalid(v, s, "must not contain '/' or '%'")
	default:
		return s, true
	}
	return "", false
}

// visible reads a name that cannot look like another one: nobody may pass for somebody else in a plan.
func (r *reader) visible(v value) (string, bool) {
	s, ok := r.filled(v)
	if !ok {
		return "", false
	}
	if why := escaped(v.node); why != "" {
		r.invalid(v, s, why)
		return "", false
	}
	if why := disguise(s); why != "" {
		r.invalid(v, s, why)
		return "", false
	}
	return s, true
}

// escapes are the letters that stand behind a backslash in YAML's double quotes, by the character that the two make.
var escapes = map[rune]rune{0x00: '0', 0x07: 'a', 0x08: 'b', 0x09: 't', 0x0a: 'n', 0x0b: 'v', 0x0c: 'f', 0x0d: 'r', 0x1b: 'e'}

// escaped returns how to write a name with a backslash, as Windows accounts have, if YAML's double quotes have made a control
// character of backslash and letter; or "".
func escaped(n *yaml.Node) string {
	i := strings.IndexFunc(n.Value, Invisible)
	if n.Style&yaml.DoubleQuotedStyle == 0 || i < 0 {
		return ""
	}
	c, _ := utf8.DecodeRuneInString(n.Value[i:])
	if escapes[c] == 0 {
		return ""
	}
	var meant strings.Builder
	for _, r := range n.Value {
		switch {
		case escapes[r] != 0:
			meant.WriteString(`\` + string(escapes[r]))
		case r == '\'':
			meant.WriteString("''")
		default:
			meant.WriteRune(r)
		}
	}
	return fmt.Sprintf(`must not contain control characters: in double quotes \%c is one (%U); for a backslash use single quotes: '%s'`, escapes[c], c, clip(meant.String()))
}

// quotes are the quotation marks that word processors and other languages use.
const quotes = "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u300c\u300d`\u00b4"

// slip returns why a name seems to hold a piece of the notation around it, such as a quotation mark, or "". YAML's own quotes
// around the name say that it is meant so, unless the name has a second pair of them.
func slip(n *yaml.Node, s string) string {
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	switch {
	case quoted && inQuotes(s):
		return "must not have quotes around it: leave out the inner ones"
	case quoted:
	case strings.ContainsRune(quotes, first):
		return fmt.Sprintf("begins with %c, which YAML does not take for a quote: use ' or \" (if it is part of the name, put quotes around all)", first)
	case strings.ContainsRune(quotes+`'"`, last):
		return fmt.Sprintf("ends with %c: is a quote missing before it? (if it is part of the name, put quotes around all)", last)
	case strings.ContainsRune(",;", last):
		return fmt.Sprintf("must not end with %c: leave it out (if it is part of the name, put quotes around all)", last)
	}
	return ""
}

// inQuotes reports whether a name has quotation marks around it that are part of it.
func inQuotes(s string) bool {
	return len(s) > 1 && s[0] == s[len(s)-1] && (s[0] == '\'' || s[0] == '"')
}
