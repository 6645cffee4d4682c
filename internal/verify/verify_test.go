package verify

import (
	"reflect"
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
		want Difference
	}{
		{c, begin.Add(10 * time.Minute), Difference{Code: Expired, At: begin.Add(10 * time.Minute)}},
		{c, begin.Add(-time.Second), Difference{Code: NotYetValid, At: begin}},
		{c, begin, Difference{Code: Refused}},
		{nil, begin, Difference{Code: Refused}},
	} {
		if got := refused(test.c, test.now); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v, want %+v", got, test.want)
		}
	}
}
