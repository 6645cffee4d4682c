package plan

import (
	"testing"
	"time"

	"provision/internal/usersfile"
)

// issuedBy are the records of a run that began then and issued n certificates evenly within span.
func issuedBy(began time.Time, n int, span time.Duration) []Record {
	var list []Record
	for i := range n {
		at := began.Add(span * time.Duration(i) / time.Duration(n-1))
		list = append(list, Record{Intended: began, NotBefore: at, NotAfter: at.Add(day)})
	}
	return list
}

func TestEstimate(t *testing.T) {
	second := time.Second
	for _, c := range []struct {
		name    string
		users   int
		op      Op
		key     usersfile.KeyAlgorithm
		records []Record
		cores   int
		want    Estimate
	}{
		{"nobody", 0, Issue, usersfile.ECDSAP256, nil, 2, Estimate{Signer: 20}},
		{"nothing to issue", 1000, Keep, usersfile.ECDSAP256, nil, 2, Estimate{Signer: 20}},
		{"within the burst", 30, Issue, usersfile.ECDSAP256, nil, 2, Estimate{Signer: 20}},
		{"a stock signer", 1030, Issue, usersfile.ECDSAP256, nil, 2, Estimate{Time: 50 * second, Signer: 20}},
		{"resume", 1030, Resume, usersfile.RSA4096, nil, 2, Estimate{Time: 50 * second, Signer: 20}},
		{"RSA keys", 1000, Renew, usersfile.RSA4096, nil, 2, Estimate{Time: 325 * second, Keys: true, Signer: 20}},
		{"RSA keys on many cores", 1030, Renew, usersfile.RSA4096, nil, 64, Estimate{Time: 50 * second, Signer: 20}},
		{"no core", 100, Reissue, usersfile.RSA4096, nil, 0, Estimate{Time: 65 * second, Keys: true, Signer: 20}},
		{"a fast signer, as measured", 1000, Issue, usersfile.ECDSAP256, issuedBy(noon, 1000, 10*second), 2, Estimate{Time: 10 * second, Signer: 100, Measured: true}},
		{"a stock signer, as measured", 1030, Issue, usersfile.ECDSAP256, issuedBy(noon, 1000, 48*second), 2, Estimate{Time: 50 * second, Signer: 20, Measured: true}},
		{"too few to tell", 1030, Issue, usersfile.ECDSAP256, issuedBy(noon, 99, 10*second), 2, Estimate{Time: 50 * second, Signer: 20}},
		{"too short to tell", 1030, Issue, usersfile.ECDSAP256, issuedBy(noon, 1000, 2*second), 2, Estimate{Time: 50 * second, Signer: 20}},
		{"the latest run counts", 1000, Issue, usersfile.ECDSAP256,
			append(issuedBy(noon, 1000, 10*second), issuedBy(noon.Add(-day), 1000, 50*second)...), 2, Estimate{Time: 10 * second, Signer: 100, Measured: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Plan
			for range c.users {
				u := wanted("u").Certificate
				u.KeyAlgorithm = c.key
				p.Users = append(p.Users, UserChange{Certificate: Change[Certificate]{Op: c.op, After: &u}})
			}
			if got := p.Estimate(c.records, c.cores); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	t.Run("a run that took minutes for a few is no division by zero", func(t *testing.T) {
		p := Plan{Users: []UserChange{{Certificate: Change[Certificate]{Op: Issue, After: &Certificate{}}}}}
		if got := p.Estimate(issuedBy(noon, 100, time.Hour), 1); got.Signer != 20 {
			t.Errorf("%+v", got)
		}
	})
}
