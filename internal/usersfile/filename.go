package usersfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// extension is what the name of every kubeconfig ends in.
const extension = ".kubeconfig"

// FileName returns the name of a user's kubeconfig in the output directory. It is one path segment on every system,
// and UserOfFile gives the user back. Letters and digits of any script and -_.@+=~, and the space stay as they are; everything
// else is percent-encoded byte by byte, and so is the first letter where the whole would mean something else: a hidden
// file, an option, a home directory, a Windows device. The user must not be empty.
func FileName(user string) string {
	var b strings.Builder
	escape := func(s string) {
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	for i, r := range user {
		size := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(user[i:])
		}
		first, last := i == 0, i+size == len(user)
		switch {
		case first && (strings.ContainsRune(".-~ ", r) || isDevice(user)), last && (r == '.' || r == ' '), !isPlain(r):
			escape(user[i : i+size])
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + extension
}

// KeyFileName returns the name of the file beside a user's kubeconfig in which they keep their private key, where that is not in the
// kubeconfig itself.
func KeyFileName(user string) string { return strings.TrimSuffix(FileName(user), extension) + ".key" }

// RequestFileName returns the name of the file that a user's own request for a certificate is written to.
func RequestFileName(user string) string {
	return strings.TrimSuffix(FileName(user), extension) + ".csr"
}

// UserOfFile is the inverse of FileName. It returns false for a name that FileName never returns.
func UserOfFile(name string) (user string, ok bool) {
	rest, ok := strings.CutSuffix(name, extension)
	if !ok || rest == "" {
		return "", false
	}
	var b strings.Builder
	for rest != "" {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(before)
		if !found {
			break
		}
		if len(after) < 2 {
			return "", false
		}
		c, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		rest = after[2:]
	}
	if FileName(b.String()) != name {
		return "", false
	}
	return b.String(), true
}

// LikeFileName reports whether a name that FileName does not give may all the same be that of a kubeconfig which was
// copied: "bob (1).kubeconfig", "bob.kubeconfig.bak", "Bob.KUBECONFIG".
func LikeFileName(name string) bool {
	return strings.Contains(strings.ToLower(name), extension)
}

// SameFileName reports whether some disk takes two names for one: they differ in upper case, or in how Unicode spells them.
func SameFileName(a, b string) bool { return fileKey(a) == fileKey(b) }

// isPlain reports whether a character stands for itself in a file name.
func isPlain(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.@+=~, ", r)
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N) && !Invisible(r)
}

// isDevice reports whether Windows takes the name for a device. It does so with any extension.
func isDevice(user string) bool {
	base, _, _ := strings.Cut(user, ".")
	base = strings.ToLower(strings.TrimRight(base, " "))
	if slices.Contains([]string{"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"}, base) {
		return true
	}
	port, ok := strings.CutPrefix(base, "com")
	if !ok {
		port, ok = strings.CutPrefix(base, "lpt")
	}
	return ok && utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789¹²³", port)
}

// fileKey is the same for two file names that some disk takes for one: by case, or by Unicode normalisation.
func fileKey(name string) string {
	if isASCII(name) {
		return strings.ToLower(name)
	}
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(name)))
}
