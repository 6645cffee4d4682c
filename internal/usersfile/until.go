package usersfile

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"go.yaml.in/yaml/v3"
)

// What ParseUntil reads, by its form, so that an error can say which part is wrong.
var (
	dateForm     = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	momentForm   = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$`)
	zonelessForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$`)
)

// untilExample is shown where something else stands.
const untilExample = "a date such as 2027-02-01, or a date and time with its zone such as 2027-02-01T18:00:00+01:00"

// firstUntil is the earliest end that can be meant: what lies before it is a slip, or a number that became a date.
var firstUntil = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// ParseUntil reads the moment at which something ends, in UTC: a date, which counts to its end in UTC, or a date and time with a
// zone (RFC 3339; the seconds may be left out).
func ParseUntil(s string) (time.Time, error) {
	var t time.Time
	var err error
	switch {
	case dateForm.MatchString(s):
		if t, err = time.Parse(time.DateOnly, s); err == nil {
			t = t.AddDate(0, 0, 1)
		}
	case momentForm.MatchString(s):
		if t, err = time.Parse(time.RFC3339, s); err != nil {
			t, err = time.Parse("2006-01-02T15:04Z07:00", s)
		}
	case zonelessForm.MatchString(s):
		return time.Time{}, fmt.Errorf("must say its zone, as in %sZ (UTC) or %s+01:00", s, s)
	default:
		return time.Time{}, errors.New("must be " + untilExample)
	}
	switch {
	case err != nil:
		return time.Time{}, errors.New("there is no such date or time")
	case t.Nanosecond() != 0:
		return time.Time{}, errors.New("must be whole seconds")
	case t.Before(firstUntil):
		return time.Time{}, errors.New("must not be before the year 2000")
	case t.UTC().Year() > 9999: // which no document can hold (RFC 3339)
		return time.Time{}, errors.New("must not be after the year 9999: leave it out if there is no end")
	}
	return t.UTC(), nil
}

// ends reads when a user, a grant or a group ends, and where that is said: the zero time if there is no such field, and for a mistake.
func (r *reader) ends(v value) (time.Time, Pos) {
	if !v.given() {
		return time.Time{}, Pos{}
	}
	n := v.node
	if n.Kind != yaml.ScalarNode || n.Tag != "!!timestamp" && n.Tag != "!!str" || n.Value == "" { // YAML takes a date without quotes for one
		r.wrongType(v, untilExample)
		return time.Time{}, Pos{}
	}
	t, err := ParseUntil(n.Value)
	if err != nil {
		r.invalid(v, n.Value, err.Error())
	}
	return t, r.pos(n)
}
