package usersfile

import (
	"testing"
	"time"
)

func TestParseUntil(t *testing.T) {
	for in, want := range map[string]string{
		"2027-02-01":                "2027-02-02T00:00:00Z", // to the end of the day
		"2026-12-31":                "2027-01-01T00:00:00Z",
		"2028-02-29":                "2028-03-01T00:00:00Z",
		"2027-02-01T18:00:00Z":      "2027-02-01T18:00:00Z",
		"2027-02-01T18:00Z":         "2027-02-01T18:00:00Z",
		"2027-02-01T00:30:00+01:00": "2027-01-31T23:30:00Z",
		"2027-02-01T18:00-05:00":    "2027-02-01T23:00:00Z",
		"9999-12-31T23:59:59Z":      "9999-12-31T23:59:59Z",
		"9999-12-30":                "9999-12-31T00:00:00Z",
	} {
		got, err := ParseUntil(in)
		if err != nil || got.Format(time.RFC3339) != want || got.Location() != time.UTC {
			t.Errorf("%q: got %v, %v; want %s", in, got, err, want)
		}
	}
	const form, none = "must be " + untilExample, "there is no such date or time"
	for in, want := range map[string]string{
		"2027-02-30":                none,
		"2027-13-01":                none,
		"2027-02-01T25:00:00Z":      none,
		"2027-02-01T18:00:00":       "must say its zone, as in 2027-02-01T18:00:00Z (UTC) or 2027-02-01T18:00:00+01:00",
		"2027-02-01T18:00":          "must say its zone, as in 2027-02-01T18:00Z (UTC) or 2027-02-01T18:00+01:00",
		"2027-02-01T18:00:00.5Z":    "must be whole seconds",
		"1999-12-31T23:59:59Z":      "must not be before the year 2000",
		"0001-01-01":                "must not be before the year 2000",
		"2027-02-01 18:00:00Z":      form,
		"2027-2-1":                  form,
		"01.02.2027":                form,
		"tomorrow":                  form,
		"30d":                       form,
		"":                          form,
		" 2027-02-01":               form,
		"2027-02-01T18:00:00Z ":     form,
		"2027-02-01T18:00:00 CET":   form,
		"10000-01-01":               form,
		"9999-12-31":                "must not be after the year 9999: leave it out if there is no end",
		"9999-12-31T23:59:59-01:00": "must not be after the year 9999: leave it out if there is no end",
		"2027-02-01T18:00:00+1:00":  form,
	} {
		got, err := ParseUntil(in)
		if text(err) != want || !got.IsZero() {
			t.Errorf("%q: got %v, %q; want %q", in, got, text(err), want)
		}
	}
}
