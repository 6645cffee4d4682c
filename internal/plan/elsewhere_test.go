package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What a plan is told of elsewhere: each case is what one team's plan does, what others have, and which warnings come of it.
func TestQuestions(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	user := func(name string) Subject { return Subject{Kind: "User", Name: name} }
	group := func(name string) Subject { return Subject{Kind: "Group", Name: name} }
	held := func(s Subject, set, binding string, power Power) Held {
		return Held{Subject: s, Set: set, Power: power, Binding: Binding{
			Namespace: "shop", Name: binding, RoleRef: RoleRef{Kind: "ClusterRole", Name: "edit"}, Subjects: []Subject{s},
		}}
	}
	holdings := func(list ...Held) Holdings {
		h := Holdings{}
		for _, one := range list {
			h[one.Subject] = append(h[one.Subject], one)
		}
		return h
	}
	wants := func(name string, groups ...string) User {
		return User{Certificate: Certificate{User: name, Groups: groups}}
	}
	issue := func(name string, groups ...string) UserChange {
		return UserChange{Name: name, Certificate: Change[Certificate]{Op: Issue, After: &Certificate{User: name, Groups: groups}}}
	}
	record := func(name string, groups ...string) Record {
		return Record{User: name, Groups: groups, KeyHash: "hash-" + name, Serial: "1", NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	}
	leave := func(name string) UserChange {
		return UserChange{Name: name, Kubeconfig: Change[Kubeconfig]{Op: Remove}}
	}
	team := func(wanted []User, users ...UserChange) Proposal {
		return Proposal{
			Plan:    Plan{Set: "team", Users: users, Ledger: Ledger{Namespace: "provision-system"}},
			Desired: Desired{Set: "team", Users: wanted, LedgerNamespace: "provision-system"},
		}
	}
	for _, c := range []struct {
		name  string
		plans Proposals
		found Elsewhere
		asks  bool // for the ledgers of all sets
		want  string
	}{
		{"a new user that nobody knows", Proposals{team([]User{wants("ann")}, issue("ann"))}, Elsewhere{}, true, ""},
		{"a new user who is bound already", Proposals{team([]User{wants("ann")}, issue("ann"))},
			Elsewhere{Held: holdings(held(user("ann"), "", "by-hand", PowerLimited))}, true, "GrantedElsewhere ann by-hand"},
		{"a new group that is bound to little", Proposals{team([]User{wants("ann", "ops")}, issue("ann", "ops"))},
			Elsewhere{Held: holdings(held(group("ops"), "", "by-hand", PowerLimited))}, true, "OutsideGrant  by-hand"},
		{"a new group that is bound to everything", Proposals{team([]User{wants("ann", "ops")}, issue("ann", "ops"))},
			Elsewhere{Held: holdings(held(group("ops"), "", "by-hand", PowerAdmin))}, true, "GrantedElsewhere ops by-hand"},
		{"a new group that nothing is bound to", Proposals{team([]User{wants("ann", "ops")}, issue("ann", "ops"))}, Elsewhere{}, true, "UnboundGroup ops "},
		{"a group of two users that is bound to little", Proposals{team([]User{wants("ann", "ops"), wants("bob", "ops")})},
			Elsewhere{Held: holdings(held(group("ops"), "", "by-hand", PowerLimited))}, false, "OutsideGrant  by-hand"},
		{"a leaver who has nothing else", Proposals{team(nil, leave("bob"))}, Elsewhere{}, false, ""},
		{"a leaver whom somebody has bound by hand", Proposals{team(nil, leave("bob"))},
			Elsewhere{Held: holdings(held(user("bob"), "", "by-hand", PowerLimited))}, false, "LeaverBound bob by-hand"},
		{"a leaver whom another set binds", Proposals{team(nil, leave("bob"))},
			Elsewhere{Held: holdings(held(user("bob"), "bank", "of-bank", PowerLimited))}, false, "LeaverBound bob of-bank"},
		{"a leaver whom another set of this run means to bind", Proposals{team(nil, leave("bob")), {Plan: Plan{Set: "bank"}, Desired: Desired{Set: "bank", Users: []User{wants("bob")}}}},
			Elsewhere{Held: holdings(held(user("bob"), "bank", "of-bank", PowerLimited))}, false, ""},
		{"a leaver whom a set binds whose file may have a mistake", Proposals{{Partial: true, Plan: Plan{Set: "team", Users: []UserChange{leave("bob")}}, Desired: Desired{Set: "team"}}},
			Elsewhere{Held: holdings(held(user("bob"), "bank", "of-bank", PowerLimited))}, false, ""},
		{"a name that another set has", Proposals{team([]User{wants("ann")}, issue("ann"))},
			Elsewhere{Ledgers: []SetLedger{{Set: "bank", Namespace: "provision-system", Records: []Record{record("ann")}}}}, true, "NameInOtherSet ann "},
		{"a name that a ledger in some namespace has", Proposals{team([]User{wants("ann")}, issue("ann"))},
			Elsewhere{Ledgers: []SetLedger{{Set: "bank", Namespace: "anywhere", Records: []Record{record("ann")}}}}, true, ""},
		{"a role of others that allows everything", Proposals{team(nil)},
			Elsewhere{Powerful: []Binding{{Namespace: "shop", RoleRef: RoleRef{Kind: "ClusterRole", Name: "root"}, Subjects: []Subject{user("ann")}}}}, false, "PowerfulGrant  "},
		{"files of a set that nobody describes", Proposals{{Plan: Plan{Set: "team"}, Desired: Desired{Set: "team"}, Observed: Observed{Files: map[string]File{"eve": {State: FileOtherSet, Owner: "bank"}}}}},
			Elsewhere{Ledgers: []SetLedger{{Set: "bank", Records: []Record{record("eve")}}}}, true, "SetUnfiled bank "},
		{"the same in a revoke", Proposals{{Plan: Plan{Set: "team"}, Desired: Desired{Set: "team", Revoke: true}, Observed: Observed{Files: map[string]File{"eve": {State: FileOtherSet, Owner: "bank"}}}}},
			Elsewhere{}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := c.plans.Ask(now)
			if got := asked.Ledgers(); got != c.asks {
				t.Errorf("asks for the ledgers: %v", got)
			}
			who := asked.Subjects()
			for s := range c.found.Held {
				if !who[s] {
					t.Errorf("nobody asks for %v", s)
				}
			}
			found := make([]Elsewhere, len(c.plans))
			found[0] = c.found
			asked.Answer(found)
			var got []string
			for _, p := range c.plans {
				for _, w := range p.Warnings {
					var bindings []string
					for _, h := range w.Held {
						bindings = append(bindings, h.Binding.Name)
					}
					got = append(got, fmt.Sprintf("%s %s %s", w.Code, w.User+w.Name, strings.Join(bindings, " ")))
				}
			}
			if text := strings.Join(got, "; "); text != c.want {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
}

// Of people whose certificates outlive them only those groups are told that anything is bound to.
func TestQuestionsOfThoseWhoStillAuthenticate(t *testing.T) {
	all := Proposals{{Plan: Plan{Set: "team", Warnings: []Warning{{Code: StillAuthenticates, User: "bob", Items: []string{"dev", "ops"}}}}}}
	ops := Subject{Kind: "Group", Name: "ops"}
	asked := all.Ask(time.Now())
	if !asked.Subjects()[ops] {
		t.Error("nobody asks for the group")
	}
	asked.Answer([]Elsewhere{{Held: Holdings{ops: {{Subject: ops}}}}})
	if got := all[0].Warnings[0].Items; fmt.Sprint(got) != "[ops]" {
		t.Errorf("%v", got)
	}
}
