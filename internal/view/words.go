package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"provision/internal/hint"
	"provision/internal/plan"
)

// objectName writes an object as kubectl does: rolebinding/x -n y. It can be pasted into a shell, whatever the name is.
func objectName(o plan.Object) string {
	o.Name = hint.ShellWord(o.Name)
	return o.String()
}

// whereWords says how far a binding reaches.
func whereWords(namespace string) string {
	if namespace == "" {
		return "in the whole cluster"
	}
	return "in namespace " + namespace
}

// timeWords writes a moment as people need it: to the minute, with its zone.
func timeWords(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// orNone writes a value, or that there is none.
func orNone(s string) string { return cmp.Or(s, "none") }

// orDash writes the cell of a table, which is never empty.
func orDash(s string) string { return cmp.Or(s, "-") }

// quotedWords joins names so that no name looks like two.
func quotedWords(names []string) string { return strings.Join(each(names, plan.Quoted), " ") }

// Plural counts things, whose noun takes an s: 1 user, 2,000 users.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", thousands(n), noun)
}

// thousands writes 10000 as 10,000.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// times writes how often something is: once, 2 times.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return thousands(n) + " times"
}
