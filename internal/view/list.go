package view

import (
	"fmt"
	"slices"
	"strings"

	"provision/internal/plan"
)

// lister writes names in one line, perhaps only the first of them and a count of the rest. All lists of a line go by one lister,
// those in brackets too: where a person asks for everybody, nobody may be missing.
type lister func([]string) string

// everyone is the lister that leaves nobody out.
func everyone(items []string) string { return strings.Join(items, ", ") }

// few is how many names of a list are written before the rest becomes a count: as many as a line of a terminal holds.
const few = 5

// Listed writes the first few of a list, and counts the rest.
func Listed(items []string) string {
	if len(items) <= few {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(items[:few], ", "), thousands(len(items)-few))
}

// Users writes the names of the first few of some users, and counts the rest.
func Users(names []string) string { return Listed(each(names, plan.Quoted)) }

// cut makes a text with the first few of each of its lists. If that leaves any out, it ends with the way to see all.
func cut(way string, text func(lister) string) string {
	left := false
	s := text(func(items []string) string {
		left = left || len(items) > few
		return Listed(items)
	})
	if left {
		s += " (" + way + ")"
	}
	return s
}

// inDocument is the way to see all where a command has no --show-all.
const inDocument = "-o json lists them"

// each returns what f makes of every element, in their order. Never nil.
func each[T, S any](list []T, f func(T) S) []S {
	of := make([]S, 0, len(list))
	for _, one := range list {
		of = append(of, f(one))
	}
	return of
}

// inFront returns a list with those in front of the others that are so, each in their order.
func inFront[T any](list []T, so func(T) bool) []T {
	others := slices.DeleteFunc(slices.Clone(list), so)
	return append(slices.DeleteFunc(slices.Clone(list), func(one T) bool { return !so(one) }), others...)
}

// withBrackets writes a name with what there is to say of it, if anything.
func withBrackets(name string, about ...string) string {
	about = slices.DeleteFunc(about, func(s string) bool { return s == "" })
	if len(about) == 0 {
		return name
	}
	return name + " (" + strings.Join(about, ", ") + ")"
}
