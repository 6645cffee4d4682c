package plan

import (
	"testing"
	"time"

	"provision/internal/usersfile"
)

// Two clusters are applied every night into one directory, one after the other. What matters to the person is how many nights bring
// them a new file, and to the signer how many certificates that takes.
func TestRenewedTogether(t *testing.T) {
	third, most := usersfile.RenewBefore{Share: 1. / 3}, usersfile.RenewBefore{Share: 0.6}
	for _, c := range []struct {
		name         string
		lives        [2]time.Duration
		before       usersfile.RenewBefore
		apart        time.Duration // the second was first issued so much after the first
		own          bool
		nights, most int // that bring a new file, and certificates, in a year
	}{
		{"issued in one night", [2]time.Duration{30 * day, 30 * day}, third, 0, false, 18, 36},
		{"the second later", [2]time.Duration{30 * day, 30 * day}, third, 3 * day, false, 19, 37},
		{"the second earlier", [2]time.Duration{30 * day, 30 * day}, third, -4 * day, false, 19, 37},
		{"a week and three months", [2]time.Duration{7 * day, 90 * day}, third, 2 * day, false, 73, 80},
		{"windows of more than half a life", [2]time.Duration{30 * day, 30 * day}, most, 3 * day, false, 61, 62},
		{"the users' own keys", [2]time.Duration{30 * day, 30 * day}, third, 3 * day, true, 36, 37},
	} {
		u := wanted("jane")
		u.RenewBefore = c.before
		if c.own {
			u.Request = &usersfile.OwnRequest{}
		}
		issued := [2]time.Time{noon, noon.Add(c.apart)}
		nights, certificates := 0, 0
		for night := noon.Add(5 * day); night.Before(noon.Add(370 * day)); night = night.Add(day) {
			brings := false
			for i := range issued {
				at := night.Add(time.Duration(i) * time.Minute)
				decide := func() bool {
					have := &Certificate{NotBefore: issued[i], NotAfter: issued[i].Add(c.lives[i])}
					other := ClusterEntry{Context: "jane@other", NotBefore: issued[1-i], NotAfter: issued[1-i].Add(c.lives[1-i])}
					d := decision{}
					d.now = at
					return renewDue(have, u.RenewBefore, at) || d.together(u, File{OtherClusters: []ClusterEntry{other}}, have) != nil
				}
				if !decide() {
					continue
				}
				issued[i], brings = at, true
				certificates++
				if decide() {
					t.Fatalf("%s: the plan after that is not empty", c.name)
				}
			}
			if brings {
				nights++
			}
		}
		if nights > c.nights || certificates > c.most {
			t.Errorf("%s: %d nights with a new file and %d certificates, want %d and %d at most", c.name, nights, certificates, c.nights, c.most)
		}
	}
}

// What is renewed so says with what, and an entry that has ended, or was renewed long ago, draws nothing along.
func TestRenewedTogetherReason(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to time.Duration // of the other entry
		want     bool
	}{
		{"due", -25 * day, 5 * day, true},
		{"not due", -18 * day, 12 * day, false},
		{"just renewed", -time.Hour, 30 * day, true},
		{"renewed days ago", -3 * day, 27 * day, false},
		{"ended", -40 * day, -10 * day, false},
		{"unreadable", -1000 * day, -1000 * day, false},
	} {
		w := settled(noon.Add(-18*day), wanted("jane", "dev")) // due in two days
		w.file(func(f *File) {
			f.OtherClusters = []ClusterEntry{{Context: "jane@dev", NotBefore: noon.Add(c.from), NotAfter: noon.Add(c.to)}}
		})
		got := w.plan().Users[0].Certificate
		if (got.Op == Renew) != c.want || c.want && (got.Reasons[0].Code != RenewedTogether || got.Reasons[0].To != "jane@dev") {
			t.Errorf("%s: %s %v", c.name, got.Op, got.Reasons)
		}
	}
}
