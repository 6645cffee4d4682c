package plan

import (
	"slices"
	"testing"
	"time"

	"provision/internal/usersfile"
)

// bringsKey makes jane bring a request for a key of hers.
func (w *world) bringsKey(key string) {
	u := &w.Users[0]
	u.Request = &usersfile.OwnRequest{PEM: []byte(key), KeyHash: keyHash(key), KeyAlgorithm: usersfile.ECDSAP256}
	u.Certificate.Key, u.Certificate.KeyHash = KeyOwn, keyHash(key)
}

// keyHere makes jane bring none: her key is made here.
func (w *world) keyHere() {
	u := &w.Users[0]
	u.Request = nil
	u.Certificate.Key, u.Certificate.KeyHash = KeyHere, ""
}

// comesFrom makes jane one who comes from another set, with a key that some had in other sets.
func (w *world) comesFrom(set string, had ...KeyHolder) {
	w.file(func(f *File) { *f = File{Name: f.Name, State: FileMoving, Owner: set, Mode: 0o600} })
	w.Ledger, w.KeysElsewhere = nil, map[string][]KeyHolder{w.Users[0].Certificate.KeyHash: had}
}

// ownSettled is a world in which jane has a certificate for her key since issued.
func ownSettled(issued time.Time, key string) world {
	u := wanted("jane", "dev")
	u.Certificate.Key = KeyOwn
	w := settled(issued)
	w.Users = []User{u}
	w.bringsKey(key)
	f := fileOf(w.Users[0], issued)
	f.Certificate = signedAt(w.Users[0].Certificate, keyHash(key), issued)
	w.Files["jane"] = f
	w.Ledger = []Record{ownRecordOf(f.Certificate, issued)}
	return w
}

func ownRecordOf(c *Certificate, at time.Time) Record {
	r := recordOf(c, at)
	r.Own = true
	return r
}

// TestOwnKey holds what happens to somebody who makes their own keys: each request is used once, and every new certificate takes one.
func TestOwnKey(t *testing.T) {
	issued := noon.Add(-day)
	intended := func(r Record) Record { // as it stands before its certificate is known
		r.Serial, r.CredentialID, r.NotBefore, r.NotAfter = "", "", time.Time{}, time.Time{}
		return r
	}
	pending := func(state RequestState) func(*world) {
		return func(w *world) {
			delete(w.Files, "jane")
			w.Ledger[0] = intended(w.Ledger[0])
			if state != "" {
				w.Requests = append(w.Requests, requestOf(w.Users[0], keyHash("first"), state, issued))
			}
		}
	}
	for _, c := range []struct {
		name     string
		change   func(*world)
		at       time.Duration // after noon
		op       Op
		reasons  []ReasonCode // of the certificate's change, or for a new request
		file     Op
		since    time.Time // that a new request is asked for
		problems []ProblemCode
		requests int // deleted
		grave    bool
	}{
		{name: "as it is", op: Keep, file: Keep},
		{name: "new", change: func(w *world) { w.fresh() }, op: Issue, reasons: []ReasonCode{NoKubeconfig}, file: Write, grave: true},
		{name: "the endpoint moves", change: func(w *world) { w.Users[0].Kubeconfig.Endpoint.Server = "https://x" }, op: Keep, file: Rewrite},
		{name: "a new request", change: func(w *world) { w.bringsKey("second") }, op: Reissue, reasons: []ReasonCode{OwnKeyChanged}, file: Rewrite, grave: true},
		{name: "a new request when the old one's certificate is due", change: func(w *world) { w.bringsKey("second") }, at: 25 * day, op: Reissue, reasons: []ReasonCode{OwnKeyChanged}, file: Rewrite, grave: true},
		{name: "a new request, and the kubeconfig was handed out", change: func(w *world) { delete(w.Files, "jane"); w.bringsKey("second") }, op: Issue, reasons: []ReasonCode{NoKubeconfig}, file: Write, grave: true},
		{name: "a request in place of a key that was here", change: func(w *world) { *w = settled(issued, wanted("jane", "dev")); w.bringsKey("first") }, op: Reissue, reasons: []ReasonCode{KeyMoved}, file: Rewrite, grave: true},
		{name: "a key is made here from now on", change: func(w *world) { w.keyHere() }, op: Reissue, reasons: []ReasonCode{KeyMoved}, file: Rewrite},

		{name: "handed out, and gone from here", change: func(w *world) { delete(w.Files, "jane") }, op: Keep, file: Keep},
		{name: "the same, and due", change: func(w *world) { delete(w.Files, "jane") }, at: 25 * day, op: Keep, reasons: []ReasonCode{ElsewhereDue}, file: Keep, since: issued.Add(20*day - backdate + backdate/3)},
		{name: "the same, and it would be renewed here", change: func(w *world) { delete(w.Files, "jane"); w.RenewElsewhere = true }, at: 25 * day, op: Keep, reasons: []ReasonCode{ElsewhereDue}, file: Keep, since: issued.Add(20*day - backdate + backdate/3)},
		{name: "the same, and another is asked for", change: func(w *world) { delete(w.Files, "jane"); w.ReissueMissing = true }, op: Keep, reasons: []ReasonCode{NoKubeconfig}, file: Keep, problems: []ProblemCode{NewRequestMissing}},

		{name: "due", at: 25 * day, op: Keep, reasons: []ReasonCode{RenewDue}, file: Keep, since: issued.Add(20*day - backdate + backdate/3)},
		{name: "due, and the endpoint moves", change: func(w *world) { w.Users[0].Kubeconfig.Endpoint.Server = "https://x" }, at: 25 * day, op: Keep, reasons: []ReasonCode{RenewDue}, file: Rewrite, since: issued.Add(20*day - backdate + backdate/3)},
		{name: "ended", at: 30 * day, op: Keep, reasons: []ReasonCode{Expired}, file: Keep, since: issued.Add(30*day - backdate), problems: []ProblemCode{NewRequestMissing}},
		{name: "ended long ago", at: 365 * day, op: Keep, reasons: []ReasonCode{Expired}, file: Keep, since: issued.Add(30*day - backdate), problems: []ProblemCode{NewRequestMissing}},
		{name: "asked for", change: func(w *world) { w.Users[0].Reissue = true }, op: Keep, reasons: []ReasonCode{Requested}, file: Keep, problems: []ProblemCode{NewRequestMissing}},
		{name: "other groups with the same key", change: func(w *world) { w.Users[0].Certificate.Groups = []string{"dev", "ops"} }, op: Keep, reasons: []ReasonCode{GroupsChanged}, file: Keep, problems: []ProblemCode{NewRequestMissing}},

		{name: "an old request is back", change: func(w *world) {
			w.Ledger = append(w.Ledger, ownRecordOf(signedAt(w.Users[0].Certificate, keyHash("old"), issued.Add(-day)), issued.Add(-day)))
			w.bringsKey("old")
		}, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},
		{name: "one of years ago", change: func(w *world) {
			w.Ledger = append(w.Ledger, ownRecordOf(signedAt(w.Users[0].Certificate, keyHash("old"), issued.Add(-1000*day)), issued.Add(-1000*day)))
			w.bringsKey("old")
		}, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},
		{name: "one whose certificate was refused", change: func(w *world) { w.Ledger[0].Refused = "Issuer"; delete(w.Files, "jane") }, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},
		{name: "a key that was made here", change: func(w *world) {
			w.fresh()
			w.Ledger = []Record{recordOf(signedAt(w.Users[0].Certificate, keyHash("first"), issued), issued)}
		}, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},
		{name: "another user's key", change: func(w *world) {
			other := wanted("omar", "dev")
			w.Ledger = append(w.Ledger, recordOf(signedAt(other.Certificate, keyHash("second"), issued), issued))
			w.Users = append(w.Users, other)
			w.bringsKey("second")
		}, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},
		{name: "another set's key", change: func(w *world) {
			w.bringsKey("second")
			w.KeysElsewhere = map[string][]KeyHolder{keyHash("second"): {{"web", "jane"}}}
		}, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},
		{name: "she comes from that set", change: func(w *world) { w.comesFrom("web", KeyHolder{"web", "jane"}) }, op: Issue, reasons: []ReasonCode{ChangesSet}, file: Write, grave: true},
		{name: "she has come from it", change: func(w *world) { w.KeysElsewhere = map[string][]KeyHolder{keyHash("first"): {{"web", "jane"}}} }, op: Keep, file: Keep},
		{name: "she comes from another set", change: func(w *world) { w.comesFrom("shop", KeyHolder{"web", "jane"}) }, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},
		{name: "she comes from that set, where another had it", change: func(w *world) { w.comesFrom("web", KeyHolder{"web", "jane"}, KeyHolder{"web", "omar"}) }, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},
		{name: "a record that anybody may have written", change: func(w *world) {
			w.fresh()
			r := ownRecordOf(signedAt(w.Users[0].Certificate, keyHash("first"), issued), issued)
			r.Removed = issued
			w.LedgersElsewhere = []LedgerElsewhere{{Namespace: "mallory", Records: []Record{r}}}
		}, op: Issue, reasons: []ReasonCode{NoKubeconfig}, file: Write, grave: true},
		{name: "one in a namespace that provision made", change: func(w *world) {
			w.fresh()
			r := ownRecordOf(signedAt(w.Users[0].Certificate, keyHash("first"), issued.Add(-100*day)), issued.Add(-100*day))
			r.Removed = issued
			w.LedgersElsewhere = []LedgerElsewhere{{Namespace: "old", Ours: true, Records: []Record{r}}}
		}, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},
		{name: "an older program has dropped whose key it is", change: func(w *world) { w.Ledger[0].Own = false }, op: Keep, file: Keep},
		{name: "the operator's key", change: func(w *world) { w.bringsKey("second"); w.OperatorKey = keyHash("second") }, op: Keep, file: Keep, problems: []ProblemCode{KeyUsed}},

		{name: "waits for approval", change: pending(Pending), op: Resume, reasons: []ReasonCode{NoKubeconfig, RequestPending}, file: Write},
		{name: "issued, and the run ended there", change: pending(Issued), op: Resume, reasons: []ReasonCode{NoKubeconfig, RequestIssued}, file: Write},
		{name: "intended, and not in the cluster", change: pending(""), op: Issue, reasons: []ReasonCode{NoKubeconfig, RequestGone}, file: Write, grave: true},
		{name: "denied", change: pending(Denied), op: Keep, reasons: []ReasonCode{NoKubeconfig, RequestDenied}, file: Keep, problems: []ProblemCode{NewRequestMissing}},
		{name: "another operator sent it", change: func(w *world) {
			pending(Pending)(w)
			w.Requests[0].Conforms, w.Requests[0].OfOther, w.Requests[0].Sender = false, true, "mallory"
		}, op: Issue, reasons: []ReasonCode{NoKubeconfig, RequestOfOther}, file: Write, requests: 1, grave: true},
		{name: "another request has its name", change: func(w *world) {
			pending("")(w)
			other := requestOf(w.Users[0], keyHash("mallory"), Pending, issued)
			other.Name = w.Ledger[0].Request
			w.Requests = append(w.Requests, other)
		}, op: Issue, reasons: []ReasonCode{NoKubeconfig, RequestSwapped}, file: Write, grave: true},
		{name: "waits for approval, and another came", change: func(w *world) { pending(Pending)(w); w.bringsKey("second") }, op: Issue, reasons: []ReasonCode{NoKubeconfig}, file: Write, requests: 1, grave: true},
		{name: "waits for approval, and a key is made here", change: func(w *world) {
			pending(Pending)(w)
			w.keyHere()
		}, op: Issue, reasons: []ReasonCode{NoKubeconfig}, file: Write, requests: 1},
		{name: "a key that was made here waits, and a request came", change: func(w *world) {
			w.fresh()
			w.Keys["jane"] = journalKey(w.Users[0], keyHash("made"))
			w.Requests = append(w.Requests, requestOf(w.Users[0], keyHash("made"), Pending, issued))
		}, op: Issue, reasons: []ReasonCode{NoKubeconfig}, file: Write, requests: 1, grave: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ownSettled(issued, "first")
			if c.change != nil {
				c.change(&w)
			}
			p := w.planAt(noon.Add(c.at))
			u := janeOf(t, p)
			why := u.Certificate.Reasons
			if n := u.NewRequest; n != nil {
				why = n.Reasons
				if !n.Since.Equal(c.since) || !slices.Equal(n.Groups, w.Users[0].Certificate.Groups) {
					t.Errorf("a new request since %v, in %q; want %v", n.Since, n.Groups, c.since)
				}
			} else if !c.since.IsZero() {
				t.Error("no new request is asked for")
			}
			if u.Certificate.Op != c.op || !slices.Equal(codes(why), c.reasons) || u.Kubeconfig.Op != c.file || !slices.Equal(problemCodes(p), c.problems) || len(p.Requests) != c.requests {
				t.Errorf("%s for %v, kubeconfig %s, %d requests deleted, %v; want %s for %v, %s, %d, %v",
					u.Certificate.Op, codes(why), u.Kubeconfig.Op, len(p.Requests), problemCodes(p), c.op, c.reasons, c.file, c.requests, c.problems)
			}
			if (u.Own != nil) != (u.Certificate.Op != Keep && w.Users[0].Request != nil) {
				t.Errorf("%s with the request %q", u.Certificate.Op, u.Own)
			}
			if got := slices.Contains(warningCodes(p), OwnKey); got != (c.grave || u.Certificate.Op == Resume && w.Users[0].Request != nil) {
				t.Errorf("warnings: %v", warningCodes(p))
			}
			asked := slices.Contains(warningCodes(p), NewRequestDue)
			if want := u.NewRequest != nil && len(c.problems) == 0; asked != want {
				t.Errorf("a new request is asked for: %v; want %v", asked, want)
			}
			for _, change := range p.Ledger.Records {
				if change.Op == Delete && change.Before.Own && c.name != "denied" {
					t.Errorf("the ledger forgets %+v", change.Before)
				}
			}
			w.ledgerWritten(p)
			if again := janeOf(t, w.planAt(noon.Add(c.at))); again.Certificate.Op != c.op {
				t.Errorf("where a run ends once the ledger knows what the plan found: %s, want %s", again.Certificate.Op, c.op)
			}
		})
	}
}

// TestOwnKeyOnWay holds that a certificate which is not in its kubeconfig yet gets there, whoever writes the ledger meanwhile. A user who is
// revoked meanwhile is revoked with it.
func TestOwnKeyOnWay(t *testing.T) {
	issued := noon.Add(-day)
	for _, c := range []struct {
		revoked string
		op      Op
	}{{"omar", Resume}, {"jane", Keep}} {
		w := ownSettled(issued, "first")
		w.Users = append(w.Users, wanted("omar", "dev"))
		w.Files["omar"] = fileOf(w.Users[1], issued)
		certificate := w.Files["jane"].Certificate
		delete(w.Files, "jane")
		w.Ledger = []Record{{User: "jane", Groups: certificate.Groups, KeyHash: keyHash("first"), Duration: certificate.Duration, Intended: issued, Own: true}, recordOf(w.Files["omar"].Certificate, issued)}
		w.Requests = []Request{requestOf(w.Users[0], keyHash("first"), Issued, issued)}
		w.ledgerWritten(Revoke(w.Desired, w.Observed, []string{c.revoked}, noon))
		for _, r := range w.Ledger {
			if r.User == c.revoked && (r.Removed.IsZero() || !r.Issued()) {
				t.Errorf("%s is revoked: %+v", c.revoked, r)
			}
		}
		if u := janeOf(t, w.plan()); u.Certificate.Op != c.op {
			t.Errorf("once %s is revoked: %s %v, want %s", c.revoked, u.Certificate.Op, codes(u.Certificate.Reasons), c.op)
		}
	}
}

// ledgerWritten is the world once the ledger has what a plan found missing in it, and nothing else of the plan is done.
func (w *world) ledgerWritten(p Plan) {
	for _, change := range p.Ledger.Records {
		w.Ledger = slices.DeleteFunc(slices.Clone(w.Ledger), func(r Record) bool { return r.KeyHash == change.Object().KeyHash })
		if change.After != nil {
			w.Ledger = append(w.Ledger, *change.After)
		}
	}
}

// TestOwnKeyStays holds that the ledger never forgets a key that its user has made.
func TestOwnKeyStays(t *testing.T) {
	w := ownSettled(noon.Add(-1000*day), "first")
	if r := w.Ledger[0]; r.Live(noon) || r.Droppable(noon) {
		t.Errorf("%+v", r)
	}
	r := w.Ledger[0]
	if r.Own = false; !r.Droppable(noon) {
		t.Errorf("%+v", r)
	}
}

// TestOwnKeyRecorded holds that the ledger learns from a kubeconfig whose key it is, or from the user's request, and that the user has no
// trouble from that, then or later.
func TestOwnKeyRecorded(t *testing.T) {
	lost := func(w *world) { w.Ledger, w.RebuildLedger = nil, true }
	requested := func(w *world) {
		lost(w)
		delete(w.Files, "jane")
		w.Requests = []Request{requestOf(w.Users[0], keyHash("first"), Issued, noon.Add(-day))}
	}
	for _, c := range []struct {
		name   string
		change func(*world)
		decide func(Desired, Observed, time.Time) Plan
		op     Op // of the record's change; "": none
		reason ReasonCode
		own    bool
	}{
		{name: "as it is", change: func(*world) {}, own: true},
		{name: "the ledger is rebuilt", change: lost, op: Create, reason: NotRecorded, own: true},
		{name: "from a request", change: requested, op: Create, reason: NotRecorded, own: true},
		{name: "of a key that was made here", change: func(w *world) { *w = settled(noon.Add(-day), wanted("jane", "dev")); lost(w) }, op: Create, reason: NotRecorded},
		{name: "the set is destroyed", change: lost, decide: Destroy, op: Create, reason: NotRecorded, own: true},
		{name: "she is revoked", change: lost, decide: func(d Desired, o Observed, now time.Time) Plan { return Revoke(d, o, []string{"jane"}, now) }, op: Create, reason: NotRecorded, own: true},
		{name: "an older program has dropped it", change: func(w *world) { w.Ledger[0].Own = false }, op: Update, reason: RecordWrong, own: true},
		{name: "and she left", change: func(w *world) { w.Ledger[0].Own, w.Users = false, nil }, op: Update, reason: RecordWrong, own: true},
		{name: "a tool has dropped a sealed key from her kubeconfig", change: func(w *world) { w.Ledger[0].Own, w.Ledger[0].SealedTo = false, sealedTo("a") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ownSettled(noon.Add(-day), "first")
			c.change(&w)
			if c.decide == nil {
				c.decide = Compute
			}
			p := c.decide(w.Desired, w.Observed, noon)
			after := w.Ledger
			switch {
			case len(p.Ledger.Records) == 0 && c.op == "":
			case len(p.Ledger.Records) != 1 || p.Ledger.Records[0].Op != c.op || p.Ledger.Records[0].Reasons[0].Code != c.reason:
				t.Fatalf("%+v", p.Ledger.Records)
			default:
				after = []Record{*p.Ledger.Records[0].After}
			}
			if after[0].Own != c.own {
				t.Errorf("%+v", after[0])
			}
			if len(p.Problems) > 0 && c.own {
				t.Errorf("%v", problemCodes(p))
			}
			if w.Ledger, w.RebuildLedger = after, false; len(w.Users) > 0 && c.own && after[0].Removed.IsZero() {
				if next := w.plan(); next.Changes() || len(next.Problems) > 0 {
					t.Errorf("the next plan: %+v, %v", next.Users, problemCodes(next))
				}
			}
		})
	}
}

// TestOwnKeyInputs holds that a saved plan tells one request from another.
func TestOwnKeyInputs(t *testing.T) {
	w := ownSettled(noon.Add(-day), "first")
	before := InputsOf("users.yaml", "uid", w.Desired, w.Observed)
	w.bringsKey("second")
	moved := before.Compare(InputsOf("users.yaml", "uid", w.Desired, w.Observed))
	if len(moved) != 1 || moved[0].Object != "request of jane" || moved[0].Then != "key "+keyHash("first") || moved[0].Now != "key "+keyHash("second") {
		t.Errorf("%+v", moved)
	}
}

// TestOwnKeyStatus holds that status asks for a new request, as a plan does.
func TestOwnKeyStatus(t *testing.T) {
	w := ownSettled(noon.Add(-day), "first")
	at := noon.Add(25 * day)
	list := Status(w.Desired, w.Observed, at)
	if len(list) != 1 || list[0].State != StateNewRequest {
		t.Errorf("%+v", list)
	}
	if got := StatusWarnings(w.Desired, w.Observed, at); len(got) != 1 || got[0].Code != NewRequestDue || got[0].Name != setName {
		t.Errorf("%+v", got)
	}
	if got := StatusWarnings(w.Desired, w.Observed, noon); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestKeysUsed(t *testing.T) {
	w := ownSettled(noon, "first")
	got := KeysUsed([]SetLedger{{Set: "web", Records: []Record{{User: "x", KeyHash: keyHash("first")}, {User: "y", KeyHash: keyHash("z")}}}}, w.KeysWanted())
	if len(got) != 1 || !slices.Equal(got[keyHash("first")], []KeyHolder{{"web", "x"}}) {
		t.Errorf("%v", got)
	}
}
