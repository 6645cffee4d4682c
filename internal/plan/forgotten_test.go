package plan

import (
	"slices"
	"testing"
	"time"
)

// A certificate counts as living if either clock says so, and is renewed by the API server's.
func TestClocksThatDiffer(t *testing.T) {
	user := func() User {
		u := wanted("jane", "dev")
		u.Certificate.Duration = 12 * time.Hour
		return u
	}
	for _, c := range []struct {
		name  string
		ahead time.Duration // of this machine's clock, which says noon
		ended bool          // for everybody
		op    Op
		told  bool
	}{
		{name: "together", op: Keep},
		{name: "minutes ahead", ahead: 4 * time.Minute, op: Keep},
		{name: "minutes behind", ahead: -4 * time.Minute, op: Keep},
		{name: "ahead, ended by it", ahead: 13 * time.Hour, op: Keep, told: true},
		{name: "far ahead", ahead: 40 * time.Hour, op: Keep, told: true},
		{name: "ahead, due by it", ahead: 10 * time.Hour, op: Keep, told: true},
		{name: "behind, due by the server", ahead: -10 * time.Hour, op: Renew, told: true},
		{name: "behind, ended by the server", ahead: -13 * time.Hour, op: Issue, told: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Issued an hour ago by the server's clock, or by this machine's where that is behind.
			w := settled(noon.Add(-max(c.ahead, 0)-time.Hour), user())
			w.ClockAhead = c.ahead
			until := w.Ledger[0].NotAfter
			p := w.plan()
			if got := janeOf(t, p).Certificate.Op; got != c.op {
				t.Errorf("%s, want %s", got, c.op)
			}
			if got := slices.ContainsFunc(p.Warnings, func(w Warning) bool {
				return w.Code == ClockDiffers && time.Duration(w.Seconds)*time.Second == c.ahead
			}); got != c.told {
				t.Errorf("told: %v, want %v", got, c.told)
			}
			if got, _ := PeopleOf(w.Observed, noon).Remaining("jane"); !got.Equal(until) {
				t.Errorf("until %v, want %v", got, until)
			}
			if got := Revoke(w.Desired, w.Observed, []string{"jane"}, noon); len(got.Ledger.Records) != 1 {
				t.Errorf("revoked: %+v", got.Ledger.Records)
			}
			// She left: the name is not given away.
			w.Ledger[0].Removed = noon.Add(-time.Minute)
			delete(w.Files, "jane")
			if got := problemCodes(w.plan()); !slices.Equal(got, []ProblemCode{NameReused}) {
				t.Errorf("given again: %v", got)
			}
			if got := Status(w.Desired, w.Observed, noon); len(got) != 1 || got[0].State != StateRemoved {
				t.Errorf("status: %+v", got)
			}
		})
	}
}

// Records of the set in another namespace stop it where nobody else can have put them there; where anybody can, they are told.
func TestLedgerElsewhere(t *testing.T) {
	for _, c := range []struct {
		name     string
		ours     bool
		ended    bool
		problems []ProblemCode
		warned   bool
		left     []string
	}{
		{name: "in a namespace of ours", ours: true, problems: []ProblemCode{LedgerMoved, NameReused}},
		{name: "in anybody's", warned: true, left: []string{"joe"}},
		{name: "ended", ours: true, ended: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"), wanted("joe"))
			delete(w.Files, "joe")
			joe := w.Ledger[1]
			joe.Removed = noon.Add(-time.Hour)
			jane := w.Ledger[0]
			jane.Removed = joe.Removed // the ledger itself knows better
			if c.ended {
				joe.NotAfter, jane.NotAfter = noon, noon
			}
			w.Ledger = w.Ledger[:1]
			w.LedgersElsewhere = []LedgerElsewhere{{Namespace: "old", Ours: c.ours, Records: []Record{jane, joe}}}
			p := w.plan()
			if got := problemCodes(p); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(c.problems))) {
				t.Errorf("%v, want %v", got, c.problems)
			}
			at := slices.IndexFunc(p.Warnings, func(w Warning) bool { return w.Code == LedgerCopy })
			if at >= 0 != c.warned || at >= 0 && !slices.Equal(p.Warnings[at].Left, c.left) {
				t.Errorf("warnings: %+v", p.Warnings)
			}
		})
	}
}

// Whatever of a record decides anything is compared with the kubeconfig and with the request of its key.
func TestEditedRecord(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	edits := map[string]func(*Record){
		"user":         func(r *Record) { r.User = "zed" },
		"groups":       func(r *Record) { r.Groups = []string{"ops"} },
		"no groups":    func(r *Record) { r.Groups = nil },
		"notAfter":     func(r *Record) { r.NotAfter = noon.Add(-time.Hour) },
		"later":        func(r *Record) { r.NotAfter = r.NotAfter.Add(365 * day) },
		"notBefore":    func(r *Record) { r.NotBefore = noon },
		"serial":       func(r *Record) { r.Serial = "1" },
		"credentialID": func(r *Record) { r.CredentialID = "X509SHA256=1" },
	}
	check := func(t *testing.T, w world, edit func(*Record)) {
		right := w.Ledger[0]
		if got := problemCodes(w.plan()); len(got) > 0 {
			t.Fatalf("before the edit: %v", got)
		}
		edit(&w.Ledger[0])
		if got := problemCodes(w.plan()); !slices.Equal(got, []ProblemCode{LedgerWrong}) {
			t.Errorf("problems %v", got)
		}
		if got := LedgerProblems(w.Desired, w.Observed, noon); len(got) != 1 || !slices.Equal(got[0].Items, []string{"jane"}) {
			t.Errorf("status: %+v", got)
		}
		// Of one who leaves it is put right at once, and so when she is revoked: what proves it goes with her.
		left := w
		left.Users = nil
		revoked := Revoke(w.Desired, w.Observed, []string{"jane"}, noon)
		for name, p := range map[string]Plan{"left": left.plan(), "revoked": revoked} {
			list := p.Ledger.Records
			if len(list) != 1 || list[0].After.User != "jane" || list[0].After.Removed.IsZero() || !list[0].After.Until().Equal(right.Until()) || !slices.Equal(list[0].After.Groups, right.Groups) {
				t.Errorf("%s: %+v", name, list)
			}
		}
		w.RebuildLedger = true
		p := w.plan()
		if len(p.Problems) > 0 || len(p.Ledger.Records) != 1 || !slices.Equal(codes(p.Ledger.Records[0].Reasons), []ReasonCode{RecordWrong}) {
			t.Fatalf("rebuilt: %+v %+v", p.Problems, p.Ledger.Records)
		}
		w.Ledger = []Record{*p.Ledger.Records[0].After}
		if got := w.plan(); len(got.Problems)+len(got.Ledger.Records) > 0 {
			t.Errorf("after the rebuild: %+v %+v", got.Problems, got.Ledger.Records)
		}
	}
	for name, edit := range edits {
		t.Run(name+", by the kubeconfig", func(t *testing.T) {
			check(t, settled(noon.Add(-day), wanted("jane", "dev")), edit)
		})
		t.Run(name+", by the request", func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			w.Requests = []Request{requestOf(w.Users[0], key, Issued, noon.Add(-day))}
			w.Ledger[0] = recordOf(w.Requests[0].Certificate, noon.Add(-day))
			delete(w.Files, "jane")
			check(t, w, edit)
		})
	}
	for name, edit := range map[string]func(*Record){
		"user":     edits["user"],
		"groups":   edits["groups"],
		"duration": func(r *Record) { r.Duration = time.Minute },
		"request":  func(r *Record) { r.Request = "provision-team-jane-another" },
		"intended": func(r *Record) { r.Intended = noon.Add(-365 * day) },
	} {
		t.Run(name+", not issued yet", func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane", "dev"))
			w.Requests = []Request{requestOf(w.Users[0], key, Approved, noon)}
			delete(w.Files, "jane")
			w.Keys["jane"] = journalKey(w.Users[0], key)
			w.Ledger = []Record{{User: "jane", Groups: []string{"dev"}, KeyHash: key, Request: RequestName(setName, "jane", key), Duration: 30 * day, Intended: noon}}
			edit(&w.Ledger[0])
			if got := problemCodes(w.plan()); !slices.Equal(got, []ProblemCode{LedgerWrong}) {
				t.Errorf("problems %v", got)
			}
			w.RebuildLedger = true
			p := w.plan()
			if len(p.Problems) > 0 || len(p.Ledger.Records) != 1 || !p.Ledger.Records[0].After.Live(noon.Add(30*day)) || p.Ledger.Records[0].After.User != "jane" {
				t.Errorf("rebuilt: %+v %+v", p.Problems, p.Ledger.Records)
			}
		})
	}
	// A certificate that was refused has other groups than its request asked for.
	refused := settled(noon.Add(-day), wanted("jane", "dev"))
	q := requestOf(refused.Users[0], key, Issued, noon)
	q.Certificate.Groups = []string{"dev", "ops"}
	nobodys := recordOf(q.Certificate, noon)
	nobodys.Refused = "Subject"
	refused.Requests = []Request{q}
	refused.Ledger = append(refused.Ledger, nobodys)
	if got := problemCodes(refused.plan()); len(got) > 0 {
		t.Errorf("refused: %v", got)
	}
	refused.Ledger[1].NotAfter = noon
	if got := problemCodes(refused.plan()); !slices.Equal(got, []ProblemCode{LedgerWrong}) {
		t.Errorf("refused, and edited: %v", got)
	}
	// What somebody else has sent proves nothing.
	w := settled(noon.Add(-day), wanted("jane", "dev"))
	r := requestOf(wanted("jane", "ops"), w.Ledger[0].KeyHash, Issued, noon)
	r.Conforms, r.OfOther = false, true
	w.Requests = []Request{r}
	if got := problemCodes(w.plan()); len(got) > 0 {
		t.Errorf("another's request: %v", got)
	}
}

// A certificate whose kubeconfig is elsewhere is told of from the renewal window on, and renewed here only where that is wanted.
func TestElsewhereDue(t *testing.T) {
	for _, c := range []struct {
		name    string
		issued  time.Duration // ago
		change  func(*world)
		op      Op
		reasons []ReasonCode
		state   State
		warned  WarningCode
	}{
		{name: "not due", issued: day, op: Keep, state: StateElsewhere, warned: IssuedElsewhere},
		{name: "not due, wanted", issued: day, change: func(w *world) { w.Desired.RenewElsewhere = true }, op: Keep, state: StateElsewhere, warned: IssuedElsewhere},
		{name: "due", issued: 25 * day, op: Keep, state: StateElsewhereDue, warned: ElsewhereEnds},
		{name: "due, wanted by flag", issued: 25 * day, change: func(w *world) { w.Desired.RenewElsewhere = true }, op: Issue, reasons: []ReasonCode{ElsewhereDue}, state: StateRenewSoon, warned: LostLives},
		{name: "due, wanted by the file", issued: 25 * day, change: func(w *world) { w.Users[0].RenewElsewhere = true }, op: Issue, reasons: []ReasonCode{ElsewhereDue}, state: StateRenewSoon, warned: LostLives},
		{name: "lost", issued: day, change: func(w *world) { w.ReissueMissing = true }, op: Issue, reasons: []ReasonCode{NoKubeconfig}, state: StateMissing, warned: LostLives},
		{name: "asked for by name", issued: day, change: func(w *world) { w.Users[0].Reissue = true }, op: Issue, reasons: []ReasonCode{NoKubeconfig}, state: StateMissing, warned: LostLives},
		{name: "other groups", issued: day, change: func(w *world) { w.Users[0].Certificate.Groups = nil }, op: Issue, reasons: []ReasonCode{NoKubeconfig}, state: StateMissing, warned: LostLives},
		{name: "ended", issued: 31 * day, op: Issue, reasons: []ReasonCode{NoKubeconfig}, state: StateMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-c.issued), wanted("jane", "dev"))
			until := w.Ledger[0].NotAfter
			delete(w.Files, "jane")
			if c.change != nil {
				c.change(&w)
			}
			p := w.plan()
			u := janeOf(t, p)
			if u.Certificate.Op != c.op || !slices.Equal(codes(u.Certificate.Reasons), c.reasons) {
				t.Errorf("%s because of %v", u.Certificate.Op, codes(u.Certificate.Reasons))
			}
			var told []WarningCode
			for _, w := range p.Warnings {
				if slices.Contains([]WarningCode{IssuedElsewhere, ElsewhereEnds, LostLives}, w.Code) {
					told = append(told, w.Code)
					if w.Code != IssuedElsewhere && !w.Until.Equal(until) {
						t.Errorf("%s: until %v, want %v", w.Code, w.Until, until)
					}
				}
			}
			if want := []WarningCode{c.warned}; c.warned != "" && !slices.Equal(told, want) || c.warned == "" && len(told) > 0 {
				t.Errorf("told %v, want %v", told, want)
			}
			if got := Status(w.Desired, w.Observed, noon); got[0].State != c.state {
				t.Errorf("state %s, want %s", got[0].State, c.state)
			}
		})
	}
}
