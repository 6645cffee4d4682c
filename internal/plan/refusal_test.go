package plan

import (
	"slices"
	"testing"
	"time"
)

// TestRefuse holds who is in the file that makes an API server refuse everything, where no certificate that is refused can take it back.
func TestRefuse(t *testing.T) {
	in := noon.Add(10 * day)
	a, b, own := keyHash("a"), keyHash("b"), keyHash("own")
	blocked := func(user, fingerprint string) BlockedCertificate {
		return BlockedCertificate{User: user, Fingerprint: fingerprint, Since: dayOf(noon), Until: dayOf(in)}
	}
	restored, ended, longer := blocked("jane", a), blocked("jane", a), blocked("jane", a)
	restored.Restored, ended.Until, longer.Until = true, dayOf(noon), dayOf(in.Add(day))
	web := func(list ...BlockedCertificate) []SetBlock { return []SetBlock{{"web", Block{Certificates: list}}} }
	ledger := func(list ...Record) []SetLedger { return []SetLedger{{Set: "web", Records: list}} }
	lives := Record{User: "jane", KeyHash: "k", CredentialID: credentialPrefix + a, NotBefore: noon, NotAfter: in}
	with := func(change func(*Record)) Record {
		r := lives
		change(&r)
		return r
	}
	left := with(func(r *Record) { r.Removed = noon })

	type want struct {
		in, own, names, unnamed, altered, free []string
		last                                   time.Time
	}
	for name, c := range map[string]struct {
		blocks  []SetBlock
		ledgers []SetLedger
		unknown bool // not all ledgers could be read
		want    want
	}{
		"nobody is blocked":       {want: want{}},
		"one":                     {blocks: web(blocked("jane", a)), want: want{in: []string{"jane " + a}, last: dayOf(in)}},
		"of two sets":             {blocks: append(web(blocked("jane", a)), SetBlock{"ops", Block{Certificates: []BlockedCertificate{longer, blocked("bob", b)}}}), want: want{in: []string{"bob " + b, "jane " + a}, last: dayOf(in.Add(day))}},
		"it has ended":            {blocks: web(ended), want: want{}},
		"the operator's":          {blocks: web(blocked("op", own), blocked("jane", a)), want: want{in: []string{"jane " + a}, own: []string{"op " + own}, last: dayOf(in)}},
		"under another name":      {blocks: web(blocked("x", own)), want: want{own: []string{"x " + own}}},
		"the operator's name":     {blocks: web(blocked("op", "")), want: want{own: []string{"op "}}},
		"another of that name":    {blocks: web(blocked("op", b)), want: want{in: []string{"op " + b}, last: dayOf(in)}},
		"only the ledger":         {blocks: web(restored), want: want{unnamed: []string{"jane " + a}}},
		"and another set":         {blocks: append(web(restored), SetBlock{"ops", Block{Certificates: []BlockedCertificate{blocked("jane", a)}}}), want: want{in: []string{"jane " + a}, last: dayOf(in)}},
		"altered":                 {blocks: []SetBlock{{"web", Block{Altered: true, Certificates: []BlockedCertificate{blocked("jane", a)}}}}, want: want{in: []string{"jane " + a}, altered: []string{"web"}, last: dayOf(in)}},
		"by name":                 {blocks: web(blocked("jane", "")), ledgers: ledger(left), want: want{in: []string{"jane "}, last: dayOf(in)}},
		"by name, given again":    {blocks: web(blocked("jane", "")), ledgers: ledger(lives), want: want{names: []string{"jane "}}},
		"by a name of Kubernetes": {blocks: web(blocked("system:kube-scheduler", "")), want: want{names: []string{"system:kube-scheduler "}}},
		"by name, not all read":   {blocks: web(blocked("jane", "")), unknown: true, want: want{names: []string{"jane "}}},
		"by id, not all read":     {blocks: web(blocked("jane", a)), unknown: true, want: want{in: []string{"jane " + a}, last: dayOf(in)}},

		"left, and not blocked":      {ledgers: ledger(left), want: want{free: []string{"jane web"}}},
		"left, and ended":            {ledgers: ledger(with(func(r *Record) { r.Removed, r.NotAfter = noon, noon })), want: want{}},
		"stays":                      {ledgers: ledger(lives), want: want{}},
		"left, and blocked":          {blocks: web(blocked("jane", a)), ledgers: ledger(left), want: want{in: []string{"jane " + a}, last: dayOf(in)}},
		"left, one of two blocked":   {blocks: web(blocked("jane", b)), ledgers: ledger(left), want: want{in: []string{"jane " + b}, free: []string{"jane web"}, last: dayOf(in)}},
		"left, unblocked":            {ledgers: ledger(with(func(r *Record) { r.Removed, r.Blocked, r.Unblocked = noon, noon, noon.Add(1) })), want: want{}},
		"generation taken back":      {ledgers: ledger(with(func(r *Record) { r.Revoked = noon })), want: want{free: []string{"jane web"}}},
		"blocked, the policy is not": {ledgers: ledger(with(func(r *Record) { r.Blocked = noon })), want: want{free: []string{"jane web"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := Refuse(c.blocks, c.ledgers, !c.unknown, blocked("op", own), noon)
			words := func(list []BlockedCertificate) []string {
				var all []string
				for _, b := range list {
					all = append(all, b.User+" "+b.Fingerprint)
				}
				return all
			}
			var free []string
			for _, h := range r.Free {
				free = append(free, h.User+" "+h.Set)
			}
			for what, pair := range map[string][2][]string{
				"in":      {words(r.Certificates), c.want.in},
				"own":     {words(r.Own), c.want.own},
				"names":   {words(r.NameTaken), c.want.names},
				"unnamed": {words(r.Unnamed), c.want.unnamed},
				"altered": {r.Altered, c.want.altered},
				"free":    {free, c.want.free},
			} {
				if !slices.Equal(pair[0], pair[1]) {
					t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
				}
			}
			if got := r.Last(); !got.Equal(c.want.last) {
				t.Errorf("the last ends before %v, want %v", got, c.want.last)
			}
			if got, want := r.Partial(), len(c.want.own)+len(c.want.names)+len(c.want.unnamed)+len(c.want.altered) > 0; got != want {
				t.Errorf("partial: %v", got)
			}
		})
	}
}
