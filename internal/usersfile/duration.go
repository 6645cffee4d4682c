package usersfile

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// DefaultDuration is the life of a certificate when the file says nothing. A month: certificates cannot be revoked,
	// and a run each day renews them long before.
	DefaultDuration = 30 * day
	// DefaultRenewBefore is the share of its issued life before the end of which a certificate is renewed.
	DefaultRenewBefore = 0.33

	// MinDuration is the shortest life that the CertificateSigningRequest API lets anybody ask for.
	MinDuration = 10 * time.Minute
	maxDuration = math.MaxInt32 * time.Second // its expirationSeconds is an int32
	day         = 24 * time.Hour
	week        = 7 * day
)

// A duration is a row of parts: a number, perhaps with a fraction, and its unit.
var (
	durationPart = regexp.MustCompile(`([0-9]+\.?[0-9]*|\.[0-9]+)(w|d|h|ms?|s)`)
	durationForm = regexp.MustCompile(`^(` + durationPart.String() + `)+$`)
)

// ParseDuration reads a positive duration, as in 8h, 30d, 1d12h and 1.5d. The units are w (7 d), d (24 h), h, m, s, and ms,
// which only flags have a use for. A sign and zero are errors.
func ParseDuration(s string) (time.Duration, error) {
	if !durationForm.MatchString(s) {
		return 0, errors.New("must be a duration such as 8h, 30d or 1d12h (units: w, d, h, m, s)")
	}
	var sum time.Duration
	for _, part := range durationPart.FindAllStringSubmatch(s, -1) {
		number, unit, times := part[1], part[2], time.Duration(1)
		switch unit { // Go has none above an hour
		case "d":
			unit, times = "h", day/time.Hour
		case "w":
			unit, times = "h", week/time.Hour
		}
		d, err := time.ParseDuration(number + unit)
		if err != nil || d > math.MaxInt64/times || d*times > math.MaxInt64-sum {
			return 0, errors.New("is longer than 292 years")
		}
		sum += d * times
	}
	if sum <= 0 {
		return 0, errors.New("must be more than zero")
	}
	return sum, nil
}

// FormatDuration writes a duration exactly, in days, hours, minutes and seconds, without the ones that are zero: 30d,
// 8h, 1d12h. ParseDuration reads back what is positive and whole milliseconds.
func FormatDuration(d time.Duration) string {
	if d == math.MinInt64 { // it has no positive counterpart
		return d.String()
	}
	if d < 0 {
		return "-" + FormatDuration(-d)
	}
	var b strings.Builder
	for _, u := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= u.size {
			b.WriteString(strconv.FormatInt(int64(d/u.size), 10) + u.name)
			d %= u.size
		}
	}
	if d > 0 || b.Len() == 0 {
		b.WriteString(d.String())
	}
	return b.String()
}

// ParseRenewBefore reads a share of the issued life between 0% and 100%, both excluded, or a duration.
func ParseRenewBefore(s string) (RenewBefore, error) {
	percent, ok := strings.CutSuffix(s, "%")
	if !ok {
		d, err := ParseDuration(s)
		if err != nil {
			return RenewBefore{}, fmt.Errorf("%w, or a share of the issued life such as 33%%", err)
		}
		return RenewBefore{Time: d}, nil
	}
	share, err := strconv.ParseFloat(percent, 64)
	share /= 100 // a tiny percentage may become 0 here
	if err != nil || strings.Trim(percent, "0123456789.") != "" || !(share > 0 && share < 1) {
		return RenewBefore{}, errors.New("must be more than 0% and less than 100%, or a duration such as 12h")
	}
	return RenewBefore{Share: share}, nil
}

// String returns what ParseRenewBefore reads: 33% or 12h.
func (r RenewBefore) String() string {
	if r.Time > 0 {
		return FormatDuration(r.Time)
	}
	return strconv.FormatFloat(r.Share*100, 'g', 6, 64) + "%"
}
