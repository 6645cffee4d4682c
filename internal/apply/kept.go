package apply

import (
	"fmt"
	"strings"

	"provision/internal/plan"
)

// KeptError is why some subjects keep a right that was to be taken from them.
type KeptError struct {
	Subjects   []plan.Subject // at least one
	Unfollowed bool           // who was to follow them in the binding was not put in, for Err
	Heir       plan.Object    // the binding that was to give them something else, and failed; Err is nil then. Zero: it is none of that
	Leavers    []string       // who left the set, and keeps it by a group among the subjects
	Err        error          // why the binding could not be changed
}

// Error names the first of the subjects and counts the others, and names every leaver.
func (e *KeptError) Error() string {
	if len(e.Leavers) > 0 {
		return e.reason() + "; who left and keeps it by a certificate: " + strings.Join(e.Leavers, ", ")
	}
	return e.reason()
}

func (e *KeptError) reason() string {
	s := e.Subjects[0].String()
	if more := len(e.Subjects) - 1; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	s += ": not taken away"
	switch {
	case e.Heir != plan.Object{}:
		return s + ", because what was to follow it failed: " + e.Heir.String()
	case e.Unfollowed:
		s += ", because who was to follow was not put in"
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the failure, or nil.
func (e *KeptError) Unwrap() error { return e.Err }
