package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxSubject is OpenSSL's limit for a common name and an organization. Go and the API server have none.
const maxSubject = 64

// use is what a name in a certificate or in a binding stands for.
type use int

const (
	asUser        use = iota // the certificate's common name
	inCertificate            // an organization of a certificate: the user is in the group
	asGroup                  // the subject of bindings: the file says what the group may do
)

// subject reads the name of a user or a group.
func (r *reader) subject(v value, as use) (string, bool) {
	s, ok := r.visible(v)
	if !ok {
		return "", false
	}
	if len(s) > maxSubject {
		r.invalid(v, s, fmt.Sprintf("must be at most %d bytes, the limit of OpenSSL; it has %d", maxSubject, len(s)))
		return "", false
	}
	if why := never(s, as); why != "" {
		r.fail(v, field.Forbidden(v.path, fmt.Sprintf("%q: %s", s, why)))
		return "", false
	}
	if isReserved(s, as) && !r.reserved[s] {
		r.fail(v, field.Forbidden(v.path, fmt.Sprintf("%q is reserved for Kubernetes itself: choose another name, or list it under allowReserved", s)))
		return "", false
	}
	return s, true
}

// never says why a name cannot be used even if the file allows it.
func never(name string, as use) string {
	switch {
	case as == asUser && name == "system:anonymous":
		return "a certificate cannot stand for a request without one; choose another name"
	case as != asUser && name == "system:masters":
		return "the API server's admission refuses certificates for it, and nothing limits it; bind a ClusterRole to a group of your own"
	case as == inCertificate && (name == "system:authenticated" || name == "system:unauthenticated"):
		return "the API server decides who is in it; leave it out"
	}
	return ""
}

func isReserved(name string, as use) bool {
	return strings.HasPrefix(name, "system:") || as != asUser && name == "kubeadm:cluster-admins"
}

// allowReserved reads the reserved names that this document may use. It comes before users, groups and roles.
func (r *reader) allowReserved(v value) []string {
	all := r.names(v, r.visible)
	r.reserved = map[string]bool{}
	for _, s := range all {
		r.reserved[s] = true
	}
	return all
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

// visible reads a name that looks like what it is: a stranger must not pass for somebody else in a plan.
func (r *reader) visible(v value) (string, bool) {
	s, ok := r.filled(v)
	if !ok {
		return "", false
	}
	if why := disguise(s); why != "" {
		r.invalid(v, s, why)
		return "", false
	}
	return s, true
}

// disguise says why a name may look like another one, or "".
func disguise(s string) string {
	if !utf8.ValidString(s) {
		return "must be valid UTF-8"
	}
	if i := strings.IndexFunc(s, unicode.IsControl); i >= 0 {
		c, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Sprintf("must not contain control characters (%U)", c)
	}
	if strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
		return "must not begin or end with a space"
	}
	if i := strings.IndexFunc(s, isInvisible); i >= 0 {
		c, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Sprintf("must not contain invisible or unassigned characters (%U)", c)
	}
	if mixed := mixedScripts(s); mixed != "" {
		return "must not mix " + mixed + " letters in one word: some look alike"
	}
	if !norm.NFC.IsNormalString(s) {
		return fmt.Sprintf("must be in Unicode normal form C: %+q", norm.NFC.String(s))
	}
	return ""
}

// mixedScripts says which scripts stand in one word of s that are not written together, or "". Chinese, Japanese and
// Korean are written with several and with Latin letters (Unicode UTS 39, highly restrictive).
func mixedScripts(s string) string {
	if isASCII(s) {
		return ""
	}
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		found := map[string]bool{}
		for _, r := range word {
			found[scriptOf(r)] = true
		}
		delete(found, "") // of no script in particular
		for _, together := range [][]string{{"Han", "Hiragana", "Katakana", "Latin"}, {"Bopomofo", "Han", "Latin"}, {"Han", "Hangul", "Latin"}} {
			if all := slices.Sorted(maps.Keys(found)); len(all) > 1 && !slices.ContainsFunc(all, func(s string) bool { return !slices.Contains(together, s) }) {
				clear(found)
			}
		}
		if len(found) > 1 {
			all := slices.Sorted(maps.Keys(found))
			if i := slices.Index(all, "Latin"); i > 0 { // it is what the others pass for
				all = slices.Insert(slices.Delete(all, i, i+1), 0, "Latin")
			}
			return strings.Join(all, " and ")
		}
	}
	return ""
}

// scriptOf names the script of a letter, "" when it is used in several.
func scriptOf(r rune) string {
	if r < utf8.RuneSelf {
		return "Latin"
	}
	for name, table := range unicode.Scripts {
		if name != "Common" && name != "Inherited" && unicode.Is(table, r) {
			return name
		}
	}
	return ""
}

// isInvisible reports whether a character leaves no mark of its own: controls, bidirectional and other format characters,
// spaces but the common one, fillers, variation selectors, and what Unicode has not assigned.
func isInvisible(r rune) bool {
	const brailleBlank = '\u2800' // a symbol to Unicode, a space to the eye
	return !unicode.IsPrint(r) || r == brailleBlank ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// namespaces reads a list of namespaces. An empty one is not the same as none: it would silently mean the whole cluster.
func (r *reader) namespaces(v value) []string {
	if v.given() && v.isEmptyList() {
		r.required(v, "must name a namespace; leave the field out for the whole cluster (clusterRole) or a ClusterRole")
		return nil
	}
	return r.names(v, r.label)
}
