package spec

import (
	"errors"
	"fmt"
	"math"
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

	minDuration = 10 * time.Minute            // the CertificateSigningRequest API's
	maxDuration = math.MaxInt32 * time.Second // its expirationSeconds is an int32
	day         = 24 * time.Hour
	week        = 7 * day
)

// ParseDuration reads a positive duration: Go's syntax with d (24 h) and w (7 d) as further units, as in 8h, 30d,
// 1d12h and 1.5d. A sign and zero are errors.
func ParseDuration(s string) (time.Duration, error) {
	syntax := errors.New("must be a duration such as 8h, 30d or 1d12h (units: w, d, h, m, s)")
	var sum time.Duration
	for rest := s; rest != ""; {
		number := strings.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune(".0123456789", r) })
		if number <= 0 {
			return 0, syntax
		}
		end := len(rest)
		if next := strings.IndexAny(rest[number:], ".0123456789"); next >= 0 {
			end = number + next
		}
		part, times := rest[:end], int64(1)
		switch rest[number:end] {
		case "ns", "us", "µs", "μs", "ms", "s", "m", "h":
		case "d":
			part, times = rest[:number]+"h", int64(day/time.Hour)
		case "w":
			part, times = rest[:number]+"h", int64(week/time.Hour)
		default:
			return 0, syntax
		}
		if n := rest[:number]; n == "." || strings.Count(n, ".") > 1 {
			return 0, syntax
		}
		d, err := time.ParseDuration(part)
		if err != nil || int64(d) > math.MaxInt64/times || int64(d)*times > math.MaxInt64-int64(sum) {
			return 0, errors.New("is longer than 292 years")
		}
		sum += d * time.Duration(times)
		rest = rest[end:]
	}
	if s == "" {
		return 0, syntax
	}
	if sum <= 0 {
		return 0, errors.New("must be more than zero")
	}
	return sum, nil
}

// FormatDuration writes a duration exactly, in days, hours, minutes and seconds, without the ones that are zero: 30d,
// 8h, 1d12h. ParseDuration reads it back.
func FormatDuration(d time.Duration) string {
	if d < 0 {
		if d == math.MinInt64 {
			return d.String()
		}
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
