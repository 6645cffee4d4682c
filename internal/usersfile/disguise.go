package usersfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// disguise returns why a name may look like another one, or "".
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
	if i := strings.IndexFunc(s, Invisible); i >= 0 {
		c, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Sprintf("must not contain invisible or unassigned characters (%U)", c)
	}
	if mixed := mixedScripts(s); mixed != "" {
		return "must not mix " + mixed + " letters in one word: some look alike"
	}
	if word := standsForLatin(s); word != "" {
		return fmt.Sprintf("must not have a word beside Latin ones whose letters only look Latin (%+q)", word)
	}
	if !norm.NFC.IsNormalString(s) {
		return fmt.Sprintf("must be in Unicode normal form C: %+q", norm.NFC.String(s))
	}
	if i := strings.IndexFunc(s, isStandIn); i >= 0 {
		c, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Sprintf("must not contain %c (%U), which may pass for %q", c, c, norm.NFKC.String(string(c)))
	}
	return ""
}

// isStandIn reports whether Unicode has a character only as another form of ordinary ones, for which it may pass: fullwidth
// and mathematical letters, ligatures, Roman numerals, raised letters. Characters of that kind that people do write, and
// that do not pass for what they stand for, are none: those of Latin-1 (ª ² µ), numbers and symbols with a form of their
// own (№ ½ ₂ ™), halfwidth katakana, and letters of scripts that are written with them (Thai, Lao, Tibetan, Armenian,
// Hangul, Japanese).
func isStandIn(r rune) bool {
	if r <= 0xff || norm.NFKC.IsNormalString(string(r)) || !norm.NFC.IsNormalString(string(r)) {
		return false
	}
	if unicode.Is(unicode.Radical, r) { // looks as the Chinese character does
		return true
	}
	const halfwidthFirst, halfwidthLast = '\uff61', '\uffdc' // katakana and Hangul
	if unicode.In(r, unicode.No, unicode.So) || r >= halfwidthFirst && r <= halfwidthLast {
		return false
	}
	written := func(r rune) bool {
		return unicode.In(r, unicode.Thai, unicode.Lao, unicode.Tibetan, unicode.Armenian, unicode.Hangul, unicode.Han, unicode.Hiragana, unicode.Katakana)
	}
	return !strings.ContainsFunc(norm.NFKC.String(string(r)), written)
}

// mixedScripts returns the scripts that one word of s has and that are not written together, or "". Chinese, Japanese and
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

// likeLatin are the letters of other scripts that look like a Latin one (Unicode UTS 39, confusables.txt), as far as people
// have them on a keyboard.
const likeLatin = "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0455\u0456\u0458\u04bb\u0501\u051b\u051d\u04cf" + // Cyrillic, small

	"\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408\u04c0\u051a\u051c" + // and capital
	"\u03b1\u03b3\u03b9\u03bd\u03bf\u03c1\u03c3\u03c5" + // Greek, small
	"\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7" + // and capital
	"\u0585\u057d\u0578\u0570\u0581\u0566" // Armenian

// standsForLatin returns a word of s in another script that may pass for a Latin word because other words of s are Latin, or "".
func standsForLatin(s string) string {
	if isASCII(s) {
		return ""
	}
	latin, found := false, ""
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		switch {
		case strings.Trim(word, likeLatin) == "":
			found = cmp.Or(found, word)
		case strings.ContainsFunc(word, func(r rune) bool { return scriptOf(r) == "Latin" }):
			latin = true
		}
	}
	if !latin {
		return ""
	}
	return found
}

// scriptOf returns the name of a letter's script, "" for a letter that several use.
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

// Invisible reports whether a character leaves no mark of its own: controls, bidirectional and other format characters,
// spaces but the common one, fillers, variation selectors, and what Unicode has not assigned.
func Invisible(r rune) bool {
	const brailleBlank = '\u2800' // a symbol to Unicode, a space to the eye
	return !unicode.IsPrint(r) || r == brailleBlank ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// isASCII reports whether s has nothing but ASCII, which needs none of the slow checks.
func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}
