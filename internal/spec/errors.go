package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a users file, or the reason why it cannot be read.
type Error struct {
	Pos   Pos    // Line is 0 when the mistake is the whole file (it is empty, it is not there)
	Field string // as in users[3].duration; "" when the mistake is not in a field
	Msg   string // what is wrong and what would be right: Invalid value: "5m": must be at least 10m
	Err   error  // the error of the file system, or nil
}

// Error returns the mistake on one line: users.yaml:23:15: users[3].duration: Invalid value: "5m": must be at least 10m
func (e Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%s: %s", e.Pos, e.Msg)
	}
	return fmt.Sprintf("%s: %s: %s", e.Pos, e.Field, e.Msg)
}

// Unwrap returns the error of the file system, so that errors.Is(err, fs.ErrNotExist) holds for a missing file.
func (e Error) Unwrap() error { return e.Err }

// Errors is every mistake that Load found, in the order in which the files were given and by position within a file.
type Errors []Error

// Error returns one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns every mistake as an error.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = e[i]
	}
	return all
}

// sort orders the mistakes of one file. It is stable: of two mistakes at one place the first found comes first.
func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
}
