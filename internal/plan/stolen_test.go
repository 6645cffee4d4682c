package plan

import (
	"crypto/x509"
	"slices"
	"testing"
)

// One certificate of jane's is revoked: its generation goes, or her name where it has none, the next plan stops at it, and a higher
// generation gives it back to her alone.
func TestRevokeCertificate(t *testing.T) {
	name, joe := Subject{"User", "jane"}, Subject{"User", "joe"}
	group := func(n int) Subject { return raised("jane", n).Subject }
	for _, c := range []struct {
		name   string
		file   int       // what the users file says of jane's generation
		bound  []Subject // besides joe
		of     int       // the generation of the certificate
		listed bool      // the ledger lists it
		after  []Subject // besides joe
		next   []ProblemCode
		least  int
	}{
		{name: "a generation", file: 1, bound: []Subject{group(1)}, of: 1, listed: true, next: []ProblemCode{GenerationEnded}, least: 2},
		{name: "none", file: 0, bound: []Subject{name}, of: 0, listed: true, next: []ProblemCode{GenerationEnded}, least: 1},
		{name: "an older one", file: 2, bound: []Subject{group(2)}, of: 1, after: []Subject{group(2)}},
		{name: "the higher one of two that are bound", file: 2, bound: []Subject{group(1), group(2)}, of: 2, listed: true, after: []Subject{group(1)}, next: []ProblemCode{GenerationEnded}, least: 3},
		{name: "a generation whose name is still bound", file: 1, bound: []Subject{name, group(1)}, of: 1, listed: true, next: []ProblemCode{GenerationEnded}, least: 2},
		{name: "that no ledger lists", file: 1, bound: []Subject{group(1)}, of: 1, next: []ProblemCode{GenerationEnded}, least: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), raised("jane", c.file, "dev"), wanted("joe"))
			w.Observed.Bindings = []Binding{grantTo(append(slices.Clone(c.bound), joe))}
			slices.SortFunc(w.Observed.Bindings[0].Subjects, compareSubjects)
			want := grantTo([]Subject{w.Users[0].Subject, joe})
			slices.SortFunc(want.Subjects, compareSubjects)
			w.Desired.Bindings = []Binding{want}
			w.RoleOwners[want.Role()], w.Namespaces = "", map[string]bool{want.Namespace: true}
			stolen := signedAt(raised("jane", c.of, "dev").Certificate, keyHash("stolen"), noon.Add(-day))
			s := Stolen{CredentialID: stolen.CredentialID}
			if c.listed {
				w.Ledger = append(w.Ledger, recordOf(stolen, noon.Add(-day)))
			} else { // then its file has to be at hand, and to be from the cluster's CA
				ca, key := testCA(t, "ca", []byte{1})
				s.Certificate, s.Leaf, w.ClientCA = stolen, testLeaf(t, ca, key), []*x509.Certificate{ca}
				for user, f := range w.Files {
					f.Leaf = testLeaf(t, ca, key).Raw
					w.Files[user] = f
				}
			}
			p := RevokeCertificate(w.Desired, w.Observed, s, noon)
			after := append(slices.Clone(c.after), joe)
			slices.SortFunc(after, compareSubjects)
			if b := p.bindingsAfter(w.Observed); len(b) != 1 || !slices.Equal(b[0].Subjects, after) {
				t.Fatalf("leaves %v, want %q", b, texts(after))
			}
			if len(p.Users)+len(p.Requests)+len(p.Problems) > 0 || !p.TakesAway() && !slices.Equal(after, w.Observed.Bindings[0].Subjects) {
				t.Errorf("%+v", p)
			}
			if !slices.ContainsFunc(p.Ledger.Records, func(r Change[Record]) bool {
				return r.After.CredentialID == stolen.CredentialID && r.After.Revoked.Equal(noon) && r.After.Removed.IsZero()
			}) {
				t.Errorf("the ledger notes %+v", p.Ledger.Records)
			}
			w.perform(p)
			if again := RevokeCertificate(w.Desired, w.Observed, s, noon); again.Changes() {
				t.Errorf("a second time: %v, %+v", shape(again.Bindings), again.Ledger.Records)
			}
			next := w.plan()
			if got := problemCodes(next); !slices.Equal(got, c.next) {
				t.Fatalf("the next plan: %q, want %q", got, c.next)
			}
			if len(c.next) == 0 {
				return
			}
			if next.Problems[0].Least != c.least || slices.ContainsFunc(next.bindingsAfter(w.Observed)[0].Subjects, func(s Subject) bool { return s != joe && s != group(1) }) {
				t.Errorf("at least %d, want %d; %v", next.Problems[0].Least, c.least, shape(next.Bindings))
			}
			if state := Status(w.Desired, w.Observed, noon)[0].State; state != StateRevoked {
				t.Errorf("she is %s", state)
			}
			w.ClientCA = nil // the files that perform writes have no certificates to check
			w.Users[0] = raised("jane", c.least, "dev")
			w.Desired.Bindings[0].Subjects = []Subject{group(c.least), joe}
			w.perform(w.plan())
			if last := w.plan(); last.Changes() || len(last.Problems) > 0 {
				t.Errorf("raised: %v, %q", shape(last.Bindings), problemCodes(last))
			}
			if found := w.overReached(w.Observed.Bindings); found != "" {
				t.Error(found)
			}
		})
	}
}

// What the set has nothing of, and what is not from the cluster, is told and touches nothing.
func TestStolenIn(t *testing.T) {
	w := settled(noon.Add(-day), raised("jane", 1))
	w.Observed.Bindings = []Binding{grantTo([]Subject{w.Users[0].Subject})}
	ca, key := testCA(t, "ca", []byte{1})
	other, otherKey := testCA(t, "other", []byte{2})
	w.ClientCA = []*x509.Certificate{ca}
	of := func(u User, foreign bool) Stolen {
		c := signedAt(u.Certificate, keyHash("file"), noon.Add(-day))
		by, with := ca, key
		if foreign {
			by, with = other, otherKey
		}
		return Stolen{CredentialID: c.CredentialID, Certificate: c, Leaf: testLeaf(t, by, with)}
	}
	for _, c := range []struct {
		name   string
		stolen Stolen
		in     bool
		alien  bool
	}{
		{"hers", of(raised("jane", 1), false), true, false},
		{"hers, without a generation", of(wanted("jane"), false), true, false},
		{"of another CA", of(raised("jane", 1), true), false, true},
		{"of somebody else", of(wanted("mallory"), false), false, false},
		{"of a generation of somebody who has gone", of(raised("zoe", 1), false), true, false},
		{"by its id", Stolen{CredentialID: w.Ledger[0].CredentialID}, true, false},
		{"by another id", Stolen{CredentialID: "X509SHA256=" + keyHash("other")}, false, false},
	} {
		if got := c.stolen.In(w.Desired, w.Observed, noon) != nil; got != c.in || c.stolen.Foreign(w.Observed, noon) != c.alien {
			t.Errorf("%s: found %v, foreign %v", c.name, got, !c.alien)
		}
		if p := RevokeCertificate(w.Desired, w.Observed, c.stolen, noon); !c.in && p.Changes() {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
	w.ClientCA = nil
	if s := of(raised("jane", 1), false); s.In(w.Desired, w.Observed, noon) != nil || s.Foreign(w.Observed, noon) {
		t.Error("without knowing the CAs a file is believed")
	}
}
