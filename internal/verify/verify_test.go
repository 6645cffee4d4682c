package verify

import (
	"testing"
	"time"

	"provision/internal/plan"
)

func TestRefused(t *testing.T) {
	begin := time.Date(2026, 11, 23, 16, 32, 0, 0, time.UTC)
	c := &plan.Certificate{NotBefore: begin, NotAfter: begin.Add(10 * time.Minute)}
	for _, test := range []struct {
		c    *plan.Certificate
		now  time.Time
		want string
	}{
		{c, begin.Add(10 * time.Minute), "expired 2026-11-23 16:42 UTC: run `provision apply`"},
		{c, begin.Add(-time.Second), "not valid before 2026-11-23 16:32 UTC: check the clocks"},
		{c, begin, "the API server does not accept the certificate"},
		{nil, begin, "the API server does not accept the certificate"},
	} {
		if got := refused(test.c, test.now); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
