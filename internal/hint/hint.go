// Package hint joins an error with the way out of it, which is shown below it.
package hint

import "errors"

// With adds the way out to an error; an empty one adds nothing.
func With(err error, way string) error { return &hinted{err, way} }

// Of returns the way out that the outermost error with one has, and whether there is such an error.
func Of(err error) (way string, ok bool) {
	e, ok := errors.AsType[*hinted](err)
	if !ok {
		return "", false
	}
	return e.way, true
}

type hinted struct {
	err error
	way string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }
