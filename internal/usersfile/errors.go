package usersfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Error is one mistake in a users file, or the reason why it cannot be read.
type Error struct {
	Pos   Pos    // Line is 0 when the mistake is the whole file (it is empty, it is not there)
	Field string // as in users[3].duration; "" when the mistake is not in a field
	Msg   string // what is wrong and what would be right: Invalid value: "5m": must be at least 10m
	Rule  Rule   // the same for all mistakes of a kind; empty for one that stands by itself
	Value string // what the file has there, as Msg quotes it, or the unknown field; "" where Msg says nothing of it
	Err   error  // the error of the file system, or nil
	More  int    // instead of all that: how many mistakes of the file are not listed

	// Shared is that two files name one user: a mistake of neither alone, for which no set is left out.
	Shared bool
}

// Rule is what a mistake breaks, wherever it stands and whatever stands there.
type Rule struct {
	Field  string          // without numbers; "" where the mistake is in no field
	Type   field.ErrorType // "" for the rules of YAML and of what is no value
	Detail string          // what would be right
}

// maxErrors is how many mistakes of one file are listed: nobody reads more, and a file made to cost memory could have
// hundreds of thousands.
const maxErrors = 200

// Error returns the mistake on one line: users.yaml:23:15: users[3].duration: Invalid value: "5m": must be at least 10m
func (e Error) Error() string {
	if e.More > 0 {
		return fmt.Sprintf("%s: and %d more, which are not listed", e.Pos, e.More)
	}
	if e.Field == "" {
		return fmt.Sprintf("%s: %s", e.Pos, e.Msg)
	}
	return fmt.Sprintf("%s: %s: %s", e.Pos, e.Field, e.Msg)
}

// Unwrap returns the error of the file system, so that errors.Is(err, fs.ErrNotExist) holds for a missing file.
func (e Error) Unwrap() error { return e.Err }

// Errors is every mistake that Load found, in the order in which the files were given and by position within a file.
type Errors []Error

// Count is how many mistakes there are, with those that are not listed.
func (e Errors) Count() int {
	n := 0
	for _, one := range e {
		n += max(1, one.More)
	}
	return n
}

// LeaveOut reports whether Load leaves a set out for any of them.
func (e Errors) LeaveOut() bool {
	return slices.ContainsFunc(e, func(one Error) bool { return !one.Shared })
}

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

// Files returns the files that have mistakes, each once.
func (e Errors) Files() []string {
	var files []string
	for _, one := range e {
		if !slices.Contains(files, one.Pos.File) {
			files = append(files, one.Pos.File)
		}
	}
	return files
}

// sort orders the mistakes of one file. It is stable: of two mistakes at one place the first found comes first.
func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
}
