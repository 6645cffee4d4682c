package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestRevoke(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	jane, joe := Subject{"User", "jane"}, Subject{"User", "joe"}
	w := settled(noon.Add(-day), wanted("jane", "dev"), wanted("joe", "dev"))
	w.Observed.Bindings = []Binding{
		{Namespace: "till", Name: BindingName(setName, edit), RoleRef: edit, Subjects: []Subject{jane}, Found: Found{UID: "1", ResourceVersion: "1"}},
		{Namespace: "shop", Name: BindingName(setName, edit), RoleRef: edit, Subjects: []Subject{jane, joe}, Found: Found{UID: "2", ResourceVersion: "2"}},
		{Namespace: "shop", Name: BindingName(setName, edit) + ":2", RoleRef: edit, Subjects: []Subject{joe, {"Group", "jane"}, {"Group", "dev"}}},
		{Namespace: "shop", Name: "theirs", RoleRef: edit, Subjects: []Subject{jane}}, // a copied label
	}
	w.Keys["jane"] = journalKey(w.Users[0], key)
	w.Requests = []Request{requestOf(w.Users[0], key, Pending, noon)}
	expired := w.Ledger[0]
	expired.KeyHash, expired.NotAfter = keyHash("old"), noon
	w.Ledger = append(w.Ledger, expired)

	p := Revoke(w.Desired, w.Observed, []string{"jane"}, noon)
	wantShape(t, p, "update "+editName+" 1 +0 -1", "delete "+editName)
	if len(p.Bindings) == 2 && (p.Bindings[0].After.Subjects[0] != joe || p.Bindings[0].After.UID != "2" || p.Bindings[1].Before.Namespace != "till") {
		t.Errorf("%+v", p.Bindings)
	}
	if len(p.Users) != 1 || p.Users[0].Name != "jane" || p.Users[0].Kubeconfig.Op != Remove || !p.Users[0].Abandon || !slices.Equal(codes(p.Users[0].Kubeconfig.Reasons), []ReasonCode{RevokedNow}) {
		t.Errorf("users %+v", p.Users)
	}
	if len(p.Requests) != 1 || p.Requests[0].Before.KeyHash != key {
		t.Errorf("requests %+v", p.Requests)
	}
	if r := p.Ledger.Records; len(r) != 1 || r[0].After.KeyHash != keyHash("jane") || !r[0].After.Removed.Equal(noon) {
		t.Errorf("ledger %+v", r)
	}
	if len(w.Observed.Bindings[1].Subjects) != 2 || !w.Ledger[0].Removed.IsZero() {
		t.Error("the inputs were changed")
	}

	// The file still names her: the next apply must not give it all back.
	w.Observed.Bindings = nil
	delete(w.Files, "jane")
	delete(w.Keys, "jane")
	w.Requests = nil
	w.Ledger = []Record{*p.Ledger.Records[0].After, w.Ledger[1]}
	if after := w.plan(); !slices.Equal(problemCodes(after), []ProblemCode{NameReused}) || janeOf(t, after).Certificate.Op != Keep {
		t.Errorf("the next plan: %v, %+v", problemCodes(after), janeOf(t, after).Certificate)
	}
	if again := Revoke(w.Desired, w.Observed, []string{"jane"}, noon); again.Changes() {
		t.Errorf("a second time: %+v", again)
	}
	if nobody := Revoke(w.Desired, w.Observed, nil, noon); nobody.Changes() {
		t.Errorf("nobody: %+v", nobody)
	}
}

// Revoking takes away the kubeconfig: if the ledger was lost, that is the last that tells of her certificate. And a damaged
// ledger is no reason to let her in.
func TestRevokeWithoutLedger(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"), wanted("joe", "dev"))
	full := w.Ledger[0]
	w.Ledger = nil
	const key = "0123456789abcdef0123456789abcdef"
	other := requestOf(wanted("jane", "ops"), key, Issued, noon)
	foreign := requestOf(wanted("jane", "ops"), keyHash("foreign"), Issued, noon)
	foreign.Conforms, foreign.OfOther = false, true
	w.Requests = []Request{other, foreign}
	w.LedgerProblems = []Problem{{Code: LedgerUnreadable, Object: Object{"ConfigMap", "provision-system", "provision-team-0"}, Detail: "the entry x is not a record"}}
	p := Revoke(w.Desired, w.Observed, []string{"jane"}, noon)
	var got []string
	for _, c := range p.Ledger.Records {
		got = append(got, fmt.Sprint(c.Op, " ", c.Object().User, " ", codes(c.Reasons), " ", c.Object().Removed.Equal(noon)))
	}
	if want := []string{"create jane [NotRecorded] true", "create jane [NotRecorded] true"}; !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	hashes := []string{p.Ledger.Records[0].After.KeyHash, p.Ledger.Records[1].After.KeyHash}
	if !slices.Contains(hashes, full.KeyHash) || !slices.Contains(hashes, key) {
		t.Errorf("%q", hashes)
	}
	if len(p.Problems) > 0 || len(p.Warnings) != 1 || p.Warnings[0].Code != LedgerDamaged || p.Warnings[0].Object.Name != "provision-team-0" {
		t.Errorf("problems %v, warnings %v", p.Problems, p.Warnings)
	}
	// An intent that was thought to be over, as clocks differ: the certificate in her kubeconfig completes it first.
	old := Record{User: "jane", KeyHash: full.KeyHash, Duration: time.Hour, Intended: noon.Add(-30 * day)}
	w.Ledger = []Record{old}
	p = Revoke(w.Desired, w.Observed, []string{"jane"}, noon)
	if r := p.Ledger.Records; len(r) != 2 || !slices.ContainsFunc(r, func(c Change[Record]) bool {
		return c.Op == Update && c.After.NotAfter.Equal(full.NotAfter) && c.After.Removed.Equal(noon)
	}) {
		t.Errorf("an old intent: %+v", r)
	}
	w.Ledger = nil
	w.Requests = append(w.Requests, requestOf(wanted("zoe"), keyHash("zoe"), Pending, noon))
	if until, _ := PeopleOf(w.Observed, noon).Remaining(""); Knows(w.Desired, w.Observed, "") || !until.IsZero() {
		t.Error("a pending request is taken for that of nobody")
	}
	delete(w.Files, "jane")
	if until, groups := PeopleOf(w.Observed, noon).Remaining("jane"); !until.Equal(other.Certificate.NotAfter) || !slices.Equal(groups, []string{"ops"}) {
		t.Errorf("by the request alone: until %v, groups %v", until, groups)
	}
}

func TestRemaining(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"), wanted("joe", "ops"))
	record := func(until time.Duration, groups ...string) Record {
		return Record{User: "jane", KeyHash: keyHash(fmt.Sprint(until)), Groups: groups, NotAfter: noon.Add(until)}
	}
	w.Ledger = append(w.Ledger, record(40*day, "admins", "dev"), record(-time.Hour, "gone"))
	until, groups := PeopleOf(w.Observed, noon).Remaining("jane")
	if !until.Equal(noon.Add(40*day)) || !slices.Equal(groups, []string{"admins", "dev"}) {
		t.Errorf("until %v, groups %v", until, groups)
	}
	w.Ledger = nil // the kubeconfig tells too
	if until, groups := PeopleOf(w.Observed, noon).Remaining("jane"); !until.Equal(w.Files["jane"].Certificate.NotAfter) || !slices.Equal(groups, []string{"dev"}) {
		t.Errorf("by the kubeconfig: until %v, groups %v", until, groups)
	}
	if until, groups := PeopleOf(w.Observed, noon).Remaining("zoe"); !until.IsZero() || groups != nil {
		t.Errorf("somebody unknown: until %v, groups %v", until, groups)
	}
}

func TestKnows(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
	}{
		{"the users file", func(w *world) { w.Users = []User{wanted("jane")} }},
		{"the ledger", func(w *world) { w.Ledger = []Record{{User: "jane"}} }},
		{"a kubeconfig", func(w *world) { w.Files["jane"] = File{} }},
		{"a request that was issued", func(w *world) { w.Requests = []Request{requestOf(wanted("jane"), keyHash("jane"), Issued, noon)} }},
		{"a key in the journal", func(w *world) { w.Keys["jane"] = Key{} }},
		{"a grant", func(w *world) { w.Observed.Bindings = []Binding{{Subjects: []Subject{{"User", "jane"}}}} }},
	} {
		w := settled(noon)
		if Knows(w.Desired, w.Observed, "jane") {
			t.Fatal("jane is known before anything names her")
		}
		c.change(&w)
		if !Knows(w.Desired, w.Observed, "jane") {
			t.Errorf("jane is not known by %s", c.name)
		}
	}
	w := settled(noon)
	w.Observed.Bindings = []Binding{{Subjects: []Subject{{"Group", "jane"}}}}
	if Knows(w.Desired, w.Observed, "jane") {
		t.Error("a group's name is taken for a user's")
	}
}

// destroy is a plan for nothing: everything of the set goes, however much, and for that reason.
func TestDestroy(t *testing.T) {
	var users []User
	for i := range 20 {
		users = append(users, wanted(fmt.Sprintf("user%02d", i)))
	}
	w := settled(noon.Add(-day), users...)
	w.Observed.Bindings = []Binding{grantTo([]Subject{{"User", "user00"}, {"User", "user19"}}), {Name: "theirs"}}
	w.Observed.Roles = []Role{{Name: "reader"}}
	w.Users, w.Desired.Destroy = nil, true
	p := Destroy(w.Desired, w.Observed, noon)
	if len(p.Problems) > 0 || p.Deletions() != 22 || len(p.Ledger.Records) != 20 {
		t.Errorf("%d deletions, %d records, problems %v", p.Deletions(), len(p.Ledger.Records), p.Problems)
	}
	want := []ReasonCode{SetDestroyed}
	for _, u := range p.Users {
		if !slices.Equal(codes(u.Kubeconfig.Reasons), want) {
			t.Errorf("%s: %v", u.Name, u.Kubeconfig.Reasons)
		}
	}
	for _, r := range [][]Reason{p.Roles[0].Reasons, p.Bindings[0].Reasons, p.Ledger.Records[0].Reasons} {
		if !slices.Equal(codes(r), want) {
			t.Errorf("%v", r)
		}
	}
}
