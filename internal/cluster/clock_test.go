package cluster

import (
	"testing"
	"time"
)

// The header has whole seconds, and an answer takes time: what both can explain is no difference.
func TestAhead(t *testing.T) {
	at := func(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }
	for _, c := range []struct {
		name           string
		sent, received float64 // by this machine's clock, seconds after noon; the server says noon
		want           time.Duration
	}{
		{"together", 0.2, 0.4, 0},
		{"within the header's second", 0.9, 1.1, 0},
		{"a slow answer", -50, 40, 0},
		{"some seconds", 30, 31, 0},
		{"ahead", 3601, 3602, time.Hour},
		{"behind", -3601, -3600, -time.Hour},
		{"a slow answer, ahead", 3601, 3700, time.Hour},
		{"a slow answer, behind", -3700, -3600, -time.Hour},
		{"asleep between", -10, 40000, 0},
	} {
		if got := ahead(at(c.sent), at(c.received), noon); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
