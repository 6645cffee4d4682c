package verify

import (
	"slices"
	"testing"
	"time"

	"provision/internal/plan"
	"provision/internal/recipient"
)

func TestUnproved(t *testing.T) {
	begin := time.Date(2026, 11, 23, 16, 32, 0, 0, time.UTC)
	now := begin.Add(time.Hour)
	want := plan.Certificate{User: "jane", Groups: []string{"dev"}}
	for _, c := range []struct {
		name   string
		change func(*plan.Certificate, *plan.Record)
		codes  []Code
	}{
		{"as it should be", func(*plan.Certificate, *plan.Record) {}, nil},
		{"ended", func(c *plan.Certificate, _ *plan.Record) { c.NotAfter = now }, []Code{Expired}},
		{"not begun", func(c *plan.Certificate, _ *plan.Record) { c.NotBefore = now.Add(1) }, []Code{NotYetValid}},
		{"another user", func(c *plan.Certificate, r *plan.Record) { c.User, r.User = "joe", "joe" }, []Code{OtherSubject}},
		{"other groups", func(c *plan.Certificate, _ *plan.Record) { c.Groups = []string{"dev", "ops"} }, []Code{OtherSubject}},
		{"not listed", func(_ *plan.Certificate, r *plan.Record) { r.KeyHash = "other" }, []Code{NotListed}},
		{"another certificate for the key", func(_ *plan.Certificate, r *plan.Record) { r.CredentialID = "other" }, []Code{NotListed}},
		{"refused", func(_ *plan.Certificate, r *plan.Record) { r.Refused = "Issuer" }, []Code{NotListed}},
	} {
		have := plan.Certificate{User: "jane", Groups: []string{"dev"}, KeyHash: "key", CredentialID: "id", NotBefore: begin, NotAfter: begin.Add(24 * time.Hour), Key: plan.KeySealed}
		record := plan.Record{User: "jane", KeyHash: "key", CredentialID: "id"}
		c.change(&have, &record)
		var got []Code
		for _, d := range unproved(want, plan.File{Certificate: &have}, plan.Observed{Ledger: []plan.Record{record}}, nil, now) {
			got = append(got, d.Code)
		}
		if !slices.Equal(got, c.codes) {
			t.Errorf("%s: %v, want %v", c.name, got, c.codes)
		}
	}
}

func TestKeyElsewhere(t *testing.T) {
	a, b := []recipient.Recipient{{Fingerprint: "a"}}, []recipient.Recipient{{Fingerprint: "b"}}
	for _, c := range []struct {
		have, want plan.Certificate
		differ     bool
	}{
		{plan.Certificate{}, plan.Certificate{}, false},
		{plan.Certificate{Key: plan.KeyOwn}, plan.Certificate{Key: plan.KeyOwn}, false},
		{plan.Certificate{Key: plan.KeyOwn}, plan.Certificate{}, true},
		{plan.Certificate{}, plan.Certificate{Key: plan.KeySealed, SealedTo: a}, true},
		{plan.Certificate{Key: plan.KeySealed, SealedTo: a}, plan.Certificate{Key: plan.KeySealed, SealedTo: a}, false},
		{plan.Certificate{Key: plan.KeySealed, SealedTo: a}, plan.Certificate{Key: plan.KeySealed, SealedTo: b}, true},
	} {
		if d := keyElsewhere(&c.have, c.want); (d != nil) != c.differ {
			t.Errorf("%+v, want %+v: %v", c.have, c.want, d)
		}
	}
}
