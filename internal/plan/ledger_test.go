package plan

import (
	"crypto/x509"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestRecordLife(t *testing.T) {
	intended := Record{Duration: day, Intended: noon}
	issued := Record{Duration: day, Intended: noon, NotAfter: noon.Add(time.Hour)}
	for _, c := range []struct {
		name  string
		r     Record
		at    time.Time
		lives bool
	}{
		{"issued", issued, noon.Add(time.Hour - 1), true},
		{"expired this instant", issued, noon.Add(time.Hour), false},
		// Its request can wait a day for approval, and only then does the certificate begin.
		{"intended", intended, noon.Add(2*day - 1), true},
		{"intended, too late now", intended, noon.Add(2 * day), false},
	} {
		if got := c.r.Live(c.at); got != c.lives {
			t.Errorf("%s: lives %v", c.name, got)
		}
		// A clock that is a day ahead must not erase it.
		if got := c.r.Droppable(c.at.Add(day)); got == c.lives {
			t.Errorf("%s: droppable a day later: %v", c.name, got)
		}
	}
}

func TestLedger(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	intend := func(w *world, user string) {
		groups := map[string][]string{"jane": {"dev"}}[user]
		w.Ledger = append(w.Ledger, Record{User: user, Groups: groups, KeyHash: key, Request: RequestName(setName, user, key), Duration: 30 * day, Intended: noon.Add(-time.Minute)})
	}
	for _, c := range []struct {
		name     string
		change   func(*world)
		want     []string // op user reasons
		problems []ProblemCode
	}{
		{name: "as it is", change: func(*world) {}},
		{name: "expired records go with the next write, not by a change of their own", change: func(w *world) {
			r := w.Ledger[0]
			r.User, r.KeyHash, r.NotAfter = "joe", key, noon
			w.Ledger = append(w.Ledger, r)
		}},
		{name: "left", change: func(w *world) { w.Users = nil }, want: []string{"update jane [NotInFile]"}},
		{name: "left long ago", change: func(w *world) {
			w.Users = nil
			delete(w.Files, "jane")
			w.Ledger[0].Removed = noon.Add(-day)
		}},
		{name: "a crash after the kubeconfig was written", change: func(w *world) {
			w.Ledger[0] = Record{User: "jane", Groups: []string{"dev"}, KeyHash: keyHash("jane"), Duration: 30 * day, Intended: noon.Add(-day)}
		}, want: []string{"update jane [OutcomeKnown]"}},
		{name: "issued long after its intent, by another clock", change: func(w *world) {
			w.Ledger[0] = Record{User: "jane", Groups: []string{"dev"}, KeyHash: keyHash("jane"), Duration: time.Hour, Intended: noon.Add(-30 * day)}
		}, want: []string{"update jane [OutcomeKnown]"}},
		{name: "a crash before the kubeconfig was written", change: func(w *world) {
			intend(w, "jane")
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Requests = []Request{requestOf(w.Users[0], key, Issued, noon)}
		}, want: []string{"update jane [OutcomeKnown]"}},
		{name: "another operator's certificate was issued", change: func(w *world) {
			intend(w, "jane")
			r := requestOf(w.Users[0], key, Issued, noon)
			r.Conforms, r.OfOther = false, true
			w.Requests = []Request{r}
		}, want: []string{"update jane [OutcomeKnown]"}},
		{name: "issued, and she left", change: func(w *world) {
			intend(w, "joe")
			w.Requests = []Request{requestOf(wanted("joe"), key, Issued, noon)}
		}, want: []string{"update joe [OutcomeKnown NotInFile]"}},
		{name: "denied: it will never be", change: func(w *world) {
			intend(w, "jane")
			w.Requests = []Request{requestOf(w.Users[0], key, Denied, noon)}
		}, want: []string{"delete jane [RequestDenied]"}},
		{name: "failed", change: func(w *world) {
			intend(w, "jane")
			w.Requests = []Request{requestOf(w.Users[0], key, Failed, noon)}
		}, want: []string{"delete jane [RequestDenied]"}},
		{name: "denied, and sent before", change: func(w *world) {
			intend(w, "jane")
			w.Ledger[1].Resent = true
			w.Requests = []Request{requestOf(w.Users[0], key, Denied, noon)}
		}},
		{name: "failed, and sent before", change: func(w *world) {
			intend(w, "jane")
			w.Ledger[1].Resent = true
			w.Requests = []Request{requestOf(w.Users[0], key, Failed, noon)}
		}},
		{name: "denied, and sent before, by another operator", change: func(w *world) {
			intend(w, "jane")
			w.Ledger[1].Resent = true
			r := requestOf(w.Users[0], key, Denied, noon)
			r.Conforms, r.OfOther = false, true
			w.Requests = []Request{r}
		}},
		{name: "sent twice, and issued", change: func(w *world) {
			intend(w, "jane")
			w.Ledger[1].Resent = true
			w.Requests = []Request{requestOf(w.Users[0], key, Issued, noon)}
		}, want: []string{"update jane [OutcomeKnown]"}},
		{name: "a denied copy of a request that was issued", change: func(w *world) {
			r := requestOf(w.Users[0], keyHash("jane"), Denied, noon)
			w.Requests = []Request{r} // the record is of a certificate that exists
		}},
		{name: "a denied copy under another name", change: func(w *world) {
			intend(w, "jane")
			r := requestOf(w.Users[0], key, Denied, noon)
			r.Name = "provision-team-jane-copy"
			w.Requests = []Request{r}
		}},
		{name: "a denied copy for another signer", change: func(w *world) {
			intend(w, "jane")
			r := requestOf(w.Users[0], key, Denied, noon)
			r.Conforms = false
			w.Requests = []Request{r}
		}},
		{name: "a kubeconfig that the ledger does not list", change: func(w *world) { w.Ledger = nil }, problems: []ProblemCode{LedgerIncomplete}},
		{name: "an issued request that the ledger does not list", change: func(w *world) {
			w.Requests = []Request{requestOf(wanted("joe"), key, Issued, noon)}
		}, want: []string{"create joe [NotRecorded]"}, problems: []ProblemCode{LedgerIncomplete}}, // who left is recorded at once
		{name: "somebody else's request with our label", change: func(w *world) {
			r := requestOf(wanted("joe"), key, Issued, noon)
			r.Conforms, r.OfOther = false, true
			w.Requests = []Request{r}
		}},
		{name: "an expired kubeconfig that the ledger does not list", change: func(w *world) {
			w.Ledger = nil
			w.file(func(f *File) { f.Certificate.NotAfter = noon })
		}},
		{name: "rebuild", change: func(w *world) {
			w.Ledger, w.RebuildLedger = nil, true
			w.Requests = []Request{requestOf(wanted("joe"), key, Issued, noon)}
		}, want: []string{"create jane [NotRecorded]", "create joe [NotRecorded]"}},
		{name: "unreadable", change: func(w *world) { w.LedgerProblems = []Problem{{Code: LedgerUnreadable}} }, problems: []ProblemCode{LedgerUnreadable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			c.change(&w)
			p := w.plan()
			var got []string
			for _, r := range p.Ledger.Records {
				got = append(got, fmt.Sprint(r.Op, " ", r.Object().User, " ", codes(r.Reasons)))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if !slices.Equal(problemCodes(p), c.problems) {
				t.Errorf("problems %v, want %v", problemCodes(p), c.problems)
			}
		})
	}
}

func TestLedgerValues(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"))
	intent := w.Ledger[0]
	intent.Serial, intent.CredentialID, intent.NotBefore, intent.NotAfter = "", "", time.Time{}, time.Time{}
	full := w.Ledger[0]

	w.Ledger = []Record{intent}
	if got := w.plan().Ledger.Records; len(got) != 1 || fmt.Sprint(*got[0].After) != fmt.Sprint(full) {
		t.Errorf("completed to %+v, want %+v", got, full)
	}

	// A name that is only in the rebuilt record is that of somebody who left.
	w.Ledger, w.RebuildLedger, w.Users = nil, true, nil
	if got := w.plan().Ledger.Records; len(got) != 1 || !got[0].After.Removed.Equal(noon) || got[0].After.KeyHash != full.KeyHash || !got[0].After.NotAfter.Equal(full.NotAfter) {
		t.Errorf("rebuilt %+v", got)
	}

	w.Observed.LedgerNamespace = false
	if got := w.plan().Ledger; !got.CreateNamespace || got.Namespace != "provision-system" {
		t.Errorf("%+v", got)
	}
}

// The one that ends last is shown: it is what to wait for.
func TestElsewhereIsTheLast(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"))
	later := w.Ledger[0]
	later.KeyHash, later.NotAfter = keyHash("later"), later.NotAfter.Add(day)
	for _, ledger := range [][]Record{{w.Ledger[0], later}, {later, w.Ledger[0]}} {
		w.Ledger = ledger
		delete(w.Files, "jane")
		if got := janeOf(t, w.plan()).Elsewhere; got == nil || got.KeyHash != later.KeyHash {
			t.Errorf("%+v", got)
		}
	}
}

// Who left another set holds a certificate for her name as much as who left this one.
func TestTakenNames(t *testing.T) {
	record := func(user string, removed bool, until time.Time) Record {
		r := Record{User: user, KeyHash: keyHash(user), Intended: noon.Add(-day), NotBefore: noon.Add(-day), NotAfter: until}
		if removed {
			r.Removed = noon.Add(-time.Hour)
		}
		return r
	}
	end := noon.Add(day)
	got := TakenNames(map[string]bool{"left": true, "ended": true, "both": true}, "own", []SetLedger{
		{Set: "own", Records: []Record{record("both", false, end)}},
		{Set: "shop", Namespace: "a", Records: []Record{record("left", true, end), record("ended", true, noon), record("other", true, end)}},
		{Set: "shop", Namespace: "b", Records: []Record{record("left", true, end)}},
		{Set: "till", Records: []Record{record("both", false, end), record("left", true, end.Add(day))}},
	}, noon)
	want := []Warning{{Code: NameAgain, User: "left", Items: []string{"shop", "till"}, Until: end.Add(day)}, {Code: NameInOtherSet, User: "both", Items: []string{"till"}}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
}

// Who has her kubeconfig's file may put any certificate into it. Only one of hers that the cluster's CA has signed, or
// that the ledger lists, tells anything.
func TestForgedCertificate(t *testing.T) {
	ca, caKey := testCA(t, "ca", nil)
	own, ownKey := testCA(t, "own", nil)
	signed, forged := testLeaf(t, ca, caKey), testLeaf(t, own, ownKey)
	year := noon.Add(365 * day)
	put := func(f *File, change func(*Certificate)) {
		c := *f.Certificate
		c.CredentialID = "X509SHA256=another"
		change(&c)
		f.Certificate = &c
	}
	for _, c := range []struct {
		name    string
		leaf    *x509.Certificate
		noCA    bool
		change  func(*Certificate)
		counts  bool // for the ledger, if that does not list her key
		forLife bool // for what she can do, if it does
	}{
		{name: "listed, signed", leaf: signed, change: func(c *Certificate) { c.CredentialID = "X509SHA256=" + c.KeyHash }, counts: true},
		{name: "listed, by a CA that is gone", leaf: forged, change: func(c *Certificate) { c.CredentialID = "X509SHA256=" + c.KeyHash }},
		{name: "signed, not listed", leaf: signed, change: func(c *Certificate) { c.NotAfter = year }, counts: true, forLife: true},
		{name: "signed, another's", leaf: signed, change: func(c *Certificate) { c.User, c.NotAfter = "mike", year }},
		{name: "forged, hers, with her key and serial", leaf: forged, change: func(c *Certificate) { c.Groups, c.NotAfter = nil, year }},
		{name: "forged, another's", leaf: forged, change: func(c *Certificate) { c.User, c.NotAfter = "mike", year }},
		{name: "forged, expired", leaf: forged, change: func(c *Certificate) { c.Groups, c.NotAfter = nil, noon }},
		{name: "CA not known, hers", leaf: forged, noCA: true, change: func(c *Certificate) { c.NotAfter = year }, counts: true, forLife: true},
		{name: "CA not known, another's", leaf: forged, noCA: true, change: func(c *Certificate) { c.User, c.NotAfter = "mike", year }},
	} {
		t.Run(c.name, func(t *testing.T) {
			forge := func() world {
				w := settled(noon.Add(-day), wanted("jane", "dev"))
				w.ClientCA = []*x509.Certificate{ca}
				if c.noCA {
					w.ClientCA = nil
				}
				w.file(func(f *File) {
					f.Leaf = c.leaf.Raw
					put(f, c.change)
				})
				return w
			}
			until := noon.Add(29*day - backdate)
			if c.forLife {
				until = year
			}

			w := forge()
			if got, groups := PeopleOf(w.Observed, noon).Remaining("jane"); !got.Equal(until) || !slices.Equal(groups, []string{"dev"}) {
				t.Errorf("remaining: until %v, groups %v", got, groups)
			}
			if s := Status(w.Desired, w.Observed, noon); len(s) != 1 || !slices.Equal(s[0].Groups, []string{"dev"}) ||
				!s[0].Until.Equal(until) && s[0].State != StateExpired {
				t.Errorf("status: %+v", s)
			}
			w.Users[0].Certificate.Groups = nil
			if p := w.plan(); slices.Contains(problemCodes(p), LedgerWrong) != c.forLife {
				t.Errorf("contradicted: %+v", p.Problems)
			}
			if c.forLife {
				w.recorded() // else nothing is issued
			}
			if got := w.plan().Warnings; !slices.ContainsFunc(got, func(w Warning) bool { return w.Code == StillInGroup && w.Until.Equal(until) }) {
				t.Errorf("out of the group: %+v", got)
			}
			w.Users = nil
			if got := w.plan().Warnings; len(got) == 0 || got[0].Code != StillAuthenticates || !got[0].Until.Equal(until) || !slices.Equal(got[0].Items, []string{"dev"}) {
				t.Errorf("left: %+v", got)
			}
			if s := Status(w.Desired, w.Observed, noon); len(s) != 1 || s[0].User != "jane" || !s[0].Until.Equal(until) || !slices.Equal(s[0].Groups, []string{"dev"}) {
				t.Errorf("status of one who left: %+v", s)
			}

			w = forge()
			w.Ledger, w.RebuildLedger = nil, true
			created := w.plan().Ledger.Records
			if (len(created) == 1) != c.counts || len(created) == 1 && created[0].After.User != "jane" {
				t.Errorf("rebuilt: %+v", created)
			}
			w.RebuildLedger = false
			if got := slices.Contains(problemCodes(w.plan()), LedgerIncomplete); got != c.counts {
				t.Errorf("incomplete: %v", got)
			}
			revoked := Revoke(w.Desired, w.Observed, []string{"jane", "mike"}, noon).Ledger.Records
			if (len(revoked) == 1) != c.counts {
				t.Errorf("revoked: %+v", revoked)
			}

			w = forge()
			intent := w.Ledger[0]
			intent.Serial, intent.CredentialID, intent.NotBefore, intent.NotAfter = "", "", time.Time{}, time.Time{}
			w.Ledger = []Record{intent}
			if got := w.plan().Ledger.Records; (len(got) == 1) != c.counts {
				t.Errorf("completed: %+v", got)
			}
		})
	}
}

// A certificate that was refused may live, so what it can do is told; but its user has never had one.
func TestRefused(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"))
	w.Files = nil
	w.Ledger[0].Refused, w.Ledger[0].Groups = "Groups", []string{"dev", "system:masters"}
	until := w.Ledger[0].NotAfter
	if got, groups := PeopleOf(w.Observed, noon).Remaining("jane"); !got.Equal(until) || !slices.Equal(groups, []string{"dev", "system:masters"}) {
		t.Errorf("remaining: until %v, groups %v", got, groups)
	}
	if s := Status(w.Desired, w.Observed, noon); s[0].State != StateMissing || !s[0].Until.Equal(until) || len(s[0].Certificates) != 1 {
		t.Errorf("status: %+v", s)
	}
	p := w.plan()
	if fresh := p.NewNames(w.Observed); len(fresh) != 2 {
		t.Errorf("given for the first time: %v", fresh)
	}
	w.Users = nil
	if got := w.plan().Warnings; len(got) != 1 || got[0].Code != StillAuthenticates || !got[0].Until.Equal(until) {
		t.Errorf("left: %+v", got)
	}
}

// The key of a certificate is no secret: a record is completed by its user's certificate only.
func TestCompletedByAnother(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane"), wanted("mike"))
	mike := Record{User: "mike", KeyHash: keyHash("jane"), Duration: day, Intended: noon}
	w.Ledger = []Record{mike}
	for _, c := range w.plan().Ledger.Records {
		if c.Before != nil {
			t.Errorf("%+v", c.After)
		}
	}
}

// Whoever was removed keeps the groups of their certificate, also while the file names them again and is not believed
// (NameReused): what is granted to such a group now is theirs, and they are still people who left.
func TestRemovedAndNamedAgain(t *testing.T) {
	for _, c := range []struct {
		name           string
		removed, reuse bool
		shared, left   bool
	}{
		{"never removed", false, false, false, false},
		{"removed, and in the file", true, false, true, true},
		{"removed, and the same person again", true, true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			w.Users[0].Reuse = c.reuse
			if c.removed {
				w.Ledger[0].Removed = noon.Add(-time.Hour)
			}
			ledgers := []SetLedger{{Set: w.Set, Records: w.Ledger}}
			shared := SharedGroups(w.Desired, []string{"dev"}, ledgers, noon)
			if got := len(shared) == 1 && slices.Equal(shared[0].Holders, []Holder{{"jane", w.Set}}); got != c.shared || len(shared) > 1 {
				t.Errorf("shared group: %+v", shared)
			}
			left := w.plan().Left(w.Desired, w.Observed, noon)
			if groups, got := left["jane"]; got != c.left || got && !slices.Equal(groups, []string{"dev"}) {
				t.Errorf("left: %v", left)
			}
		})
	}
}
