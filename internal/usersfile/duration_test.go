package usersfile

import (
	"math"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	const syntax = "must be a duration such as 8h, 30d or 1d12h (units: w, d, h, m, s)"
	for _, c := range []struct {
		in   string
		want time.Duration
		err  string
	}{
		{in: "8h", want: 8 * time.Hour},
		{in: "30d", want: 30 * day},
		{in: "2w", want: 14 * day},
		{in: "1d12h", want: 36 * time.Hour},
		{in: "1w2d3h4m5s6ms", want: 9*day + 3*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond},
		{in: "1.5d", want: 36 * time.Hour},
		{in: ".5w", want: 84 * time.Hour},
		{in: "1.h", want: time.Hour},
		{in: "1us", err: syntax},
		{in: "1ns", err: syntax},
		{in: "106751d", want: 106751 * day},
		{in: "106752d", err: "is longer than 292 years"},
		{in: "9999999999999999999999h", err: "is longer than 292 years"},
		{in: "106751d106751d", err: "is longer than 292 years"},
		{in: "9223372036854775ms1ms", err: "is longer than 292 years"},
		{in: "", err: syntax},
		{in: "8", err: syntax},
		{in: "d", err: syntax},
		{in: ".d", err: syntax},
		{in: "1.2.3h", err: syntax},
		{in: "-8h", err: syntax},
		{in: "+8h", err: syntax},
		{in: "1y", err: syntax},
		{in: "1D", err: syntax},
		{in: "8 h", err: syntax},
		{in: "8h ", err: syntax},
		{in: "1e3h", err: syntax},
		{in: "٣h", err: syntax},
		{in: "0s", err: "must be more than zero"},
		{in: "0d0h", err: "must be more than zero"},
		{in: "0.0000001ms", err: "must be more than zero"},
	} {
		got, err := ParseDuration(c.in)
		if text(err) != c.err || got != c.want {
			t.Errorf("%q: got %v, %q; want %v, %q", c.in, got, text(err), c.want, c.err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * day: "30d", 8 * time.Hour: "8h", 36 * time.Hour: "1d12h", 14 * day: "14d", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m",
		0: "0s", 1500 * time.Millisecond: "1.5s", day + time.Nanosecond: "1d1ns", time.Hour + time.Second: "1h1s", -36 * time.Hour: "-1d12h",
		math.MaxInt64: "106751d23h47m16.854775807s", math.MinInt64: time.Duration(math.MinInt64).String(),
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}

func TestParseRenewBefore(t *testing.T) {
	for _, c := range []struct {
		in, out string
		want    RenewBefore
	}{
		{"33%", "33%", RenewBefore{Share: 0.33}},
		{"29%", "29%", RenewBefore{Share: 0.29}},
		{"12.5%", "12.5%", RenewBefore{Share: 0.125}},
		{"99.9%", "99.9%", RenewBefore{Share: 0.999}},
		{"36h", "1d12h", RenewBefore{Time: 36 * time.Hour}},
	} {
		got, err := ParseRenewBefore(c.in)
		if err != nil || got.String() != c.out || math.Abs(got.Share-c.want.Share) > 1e-12 || got.Time != c.want.Time {
			t.Errorf("%q: got %+v %s, %v", c.in, got, got, err)
		}
	}
	for _, in := range []string{"", "%", "0%", "100%", "-1%", "+1%", "nan%", "inf%", "1e1%", "0x1p1%", "1_0%", "1.2.3%", "33 %", "33", "0s"} {
		if got, err := ParseRenewBefore(in); err == nil {
			t.Errorf("%q: got %+v, want an error", in, got)
		}
	}
}

// FuzzParseDuration holds that a duration of whole milliseconds is written as what reads back as itself, and that there is none beyond the type.
func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"8h", "1.5d", "1w2d3h4m5s6ms", "106751d23h47m16.854775807s", "99999999999w", ".d", "1.9999999999999999999d", "0.000000001s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			if d != 0 {
				t.Errorf("%v beside %v", d, err)
			}
			return
		}
		if d <= 0 {
			t.Errorf("got %d", d)
		}
		if again, err := ParseDuration(FormatDuration(d)); d%time.Millisecond == 0 && (err != nil || again != d) {
			t.Errorf("%s is written %s and reads as %v, %v", s, FormatDuration(d), again, err)
		}
		if goes, err := time.ParseDuration(s); err == nil && goes != d {
			t.Errorf("Go reads %v, we %v", goes, d)
		}
		if b, err := ParseRenewBefore(s); err != nil || b.Time != d || b.Share != 0 {
			t.Errorf("renewBefore %+v, %v", b, err)
		}
	})
}
