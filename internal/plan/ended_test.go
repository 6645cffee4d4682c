package plan

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"provision/internal/usersfile"
)

// oncall is a set with the group oncall, bound itself to edit in shop: jane and joe have it in their certificates, kim has none yet.
func oncall() world {
	jane, joe, kim := wanted("jane", "oncall"), wanted("joe", "oncall"), wanted("kim", "oncall")
	w := settled(noon.Add(-day), jane, joe)
	w.Users = append(w.Users, kim)
	for i := range w.Users {
		w.Users[i].Groups = []string{"oncall"}
	}
	w.bindItself("oncall")
	w.Desired.Bindings = []Binding{grantTo([]Subject{{"Group", "oncall"}})}
	w.bind(w.plan())
	return w
}

// bindItself says in the file that a group has bindTo: Group.
func (w *world) bindItself(group string) {
	w.Desired.Groups = []string{group}
	w.Whole = map[string]usersfile.Pos{group: {File: "users.yaml", Line: 7}}
}

// afterRevoke is a world once jane was revoked.
func (w *world) afterRevoke(p Plan) {
	w.bind(p)
	for _, c := range p.Ledger.Records {
		for i, r := range w.Ledger {
			if r.KeyHash == c.After.KeyHash {
				w.Ledger[i] = *c.After
			}
		}
	}
	for _, u := range p.Users {
		delete(w.Files, u.Name)
	}
}

func TestRevokeEndsGroup(t *testing.T) {
	w := oncall()
	p := Revoke(w.Desired, w.Observed, []string{"jane"}, noon)
	wantShape(t, p, "update "+editName+" 1 +1 -1")
	until := w.Files["jane"].Certificate.NotAfter
	ended := EndedGroup{"oncall", "jane", noon, until}
	if len(p.Ended) != 1 || p.Ended[0].EndedGroup != ended || !slices.Equal(p.Ended[0].Members, []Subject{{"User", "joe"}}) ||
		!slices.Equal(p.Ended[0].Waits, []string{"kim"}) || !slices.Equal(p.Ended[0].Leavers, []string{"jane"}) {
		t.Fatalf("%+v", p.Ended)
	}
	if c := p.Bindings[0]; !slices.Equal(c.After.Ended, []EndedGroup{ended}) || !slices.Equal(codes(c.Reasons), []ReasonCode{SubjectsChanged, GroupsEnded}) ||
		!slices.Equal(c.Reasons[0].Leavers, []string{"jane"}) {
		t.Errorf("%+v", c)
	}
	all := Proposals{{Plan: p}}
	if jane, joe := all.TakenFrom("jane"), all.TakenFrom("joe"); len(jane) != 1 || jane[0].RoleRef != edit || len(joe) != 0 {
		t.Errorf("what jane had by the group: %+v, joe: %+v", jane, joe)
	}
	if h := p.Handovers()[0]; !h.Gives || len(h.Leaves)+len(h.Moves) > 0 {
		t.Errorf("it is not one write: %+v", h)
	}
	if later := Revoke(w.Desired, w.Observed, []string{"jane"}, noon.Add(time.Minute)); !Same(p, later) {
		t.Error("a plan of a minute later counts as another")
	}
	w.afterRevoke(p)
	if again := Revoke(w.Desired, w.Observed, []string{"jane"}, noon); again.Changes() {
		t.Errorf("a second time: %v", shape(again.Bindings))
	}

	// The file still says bindTo: Group: the apply stops at the group, and binds the members of the file.
	for _, c := range []struct {
		name string
		make func(w *world)
		now  time.Time
	}{
		{"the next apply", func(*world) {}, noon},
		{"long after", func(*world) {}, noon.Add(1000 * day)},
		{"the ledger is lost", func(w *world) { w.Ledger, w.RebuildLedger = nil, true }, noon},
		{"the record is edited", func(w *world) { w.Ledger[0].Removed = time.Time{} }, noon},
		{"other roles of the group", func(w *world) {
			w.Desired.Bindings[0].RoleRef = RoleRef{"ClusterRole", "view"}
			w.Desired.Bindings[0].Name = BindingName(setName, RoleRef{"ClusterRole", "view"})
		}, noon},
	} {
		then := copied(w)
		then.Users = then.Users[1:] // jane is out of the file
		c.make(&then)
		for range 2 {
			q := then.planAt(c.now)
			if !slices.Contains(problemCodes(q), GroupEnded) {
				t.Errorf("%s: no problem: %v", c.name, problemCodes(q))
			}
			for _, problem := range q.Problems {
				if problem.Code == GroupEnded && (problem.Name != "oncall" || problem.User != "jane" || !problem.Since.Equal(noon) || !problem.Until.Equal(until) || problem.Pos.Line != 7 || len(problem.Grants) != 1) {
					t.Errorf("%s: %+v", c.name, problem)
				}
			}
			then.bind(q)
			var has []string
			for _, b := range then.Observed.Bindings {
				for _, s := range b.Subjects {
					has = append(has, s.String())
				}
			}
			if !slices.Equal(has, []string{"user joe", "user kim"}) {
				t.Errorf("%s: %v", c.name, has)
			}
		}
		if q := then.planAt(c.now); slices.ContainsFunc(q.Bindings, func(c Change[Binding]) bool { return c.Op != Keep }) {
			t.Errorf("%s: a second time: %v", c.name, shape(q.Bindings))
		}
	}

	// The file decides: the note goes, and with shared: true the group comes back.
	for _, c := range []struct {
		name string
		make func(w *world)
		want []string
	}{
		{"bindTo: Members", func(w *world) {
			w.Whole, w.Members = nil, map[string]bool{"oncall": true}
			w.Desired.Bindings = []Binding{grantTo([]Subject{{"User", "joe"}, {"User", "kim"}})}
		}, []string{"update " + editName + " 2 +1 -0"}},
		{"shared: true", func(w *world) { w.Whole = nil }, []string{"update " + editName + " 1 +1 -1"}},
	} {
		then := copied(w)
		then.Users = then.Users[1:]
		c.make(&then)
		q := then.plan()
		wantShape(t, q, c.want...)
		if len(q.Problems) > 0 || len(q.Bindings[0].After.Ended) > 0 || !slices.Contains(codes(q.Bindings[0].Reasons), GroupsDecided) {
			t.Errorf("%s: %v %+v", c.name, problemCodes(q), q.Bindings[0])
		}
	}
}

func TestRevokeOfGroups(t *testing.T) {
	bind := func(w *world, subjects ...Subject) {
		w.Observed.Bindings[0].Subjects = subjects
	}
	for _, c := range []struct {
		name   string
		make   func(w *world)
		revoke []string
		want   []string
	}{
		{"the last who has it: the note stays in an empty binding", func(*world) {}, []string{"jane", "joe"}, []string{"update " + editName + " 0 +0 -1"}},
		{"nobody who has it", func(w *world) { w.Ledger[0].Groups, w.Files["jane"].Certificate.Groups = nil, nil }, []string{"jane"}, nil},
		{"not bound", func(w *world) { bind(w, Subject{"User", "joe"}) }, []string{"jane"}, nil},
		{"shared", func(w *world) { w.Whole = nil }, []string{"jane"}, nil},
		{"the file does not define it", func(w *world) { w.Whole, w.Desired.Bindings = nil, nil }, []string{"jane"}, nil},
		{"the file binds members now: nothing is noted", func(w *world) { w.Whole, w.Members = nil, map[string]bool{"oncall": true} }, []string{"jane"}, []string{"update " + editName + " 1 +1 -1"}},
		{"joe is bound already", func(w *world) { bind(w, Subject{"Group", "oncall"}, Subject{"User", "joe"}) }, []string{"jane"}, []string{"update " + editName + " 1 +0 -1"}},
		{"joe left", func(w *world) { w.Ledger[1].Removed = noon.Add(-time.Hour) }, []string{"jane"}, []string{"update " + editName + " 0 +0 -1"}},
		{"joe's generation is over", func(w *world) { w.Users[1].Generation = 2 }, []string{"jane"}, []string{"update " + editName + " 0 +0 -1"}},
		{"joe has a generation", func(w *world) {
			group := usersfile.GenerationGroup(setName, "joe", 1)
			w.Users[1].Generation, w.Users[1].Subject = 1, Subject{"Group", group}
			w.Ledger[1].Groups = append(w.Ledger[1].Groups, group)
		}, []string{"jane"}, []string{"update " + editName + " 1 +1 -1"}},
		{"the ledger is lost: joe and kim are in the file", func(w *world) { w.Ledger = nil }, []string{"jane"}, []string{"update " + editName + " 2 +2 -1"}},
		{"jane by name too", func(w *world) { bind(w, Subject{"Group", "oncall"}, Subject{"User", "jane"}) }, []string{"jane"}, []string{"update " + editName + " 1 +1 -2"}},
		{"being deleted", func(w *world) { w.Observed.Bindings[0].Ending = true }, []string{"jane"}, []string{"update " + editName + " 0 +0 -1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := oncall()
			if len(w.Ledger) != 2 || w.Ledger[0].User != "jane" {
				t.Fatalf("%+v", w.Ledger)
			}
			c.make(&w)
			before := copied(w.Observed.Bindings)
			wantShape(t, Revoke(w.Desired, w.Observed, c.revoke, noon), c.want...)
			if !slices.EqualFunc(before, w.Observed.Bindings, func(a, b Binding) bool { return slices.Equal(a.Subjects, b.Subjects) }) {
				t.Error("the observed bindings were changed")
			}
		})
	}
}

// A group of 2,500: the further bindings are made first, and the group leaves last.
func TestRevokeEndsLargeGroup(t *testing.T) {
	w := oncall()
	w.Users = w.Users[:1]
	for i := range 2500 {
		u := wanted(fmt.Sprintf("user%05d", i), "oncall")
		u.Groups = []string{"oncall"}
		w.Users = append(w.Users, u)
		w.Ledger = append(w.Ledger, Record{User: u.Certificate.User, KeyHash: keyHash(u.Certificate.User), Groups: u.Groups, NotAfter: noon.Add(day)})
	}
	p := Revoke(w.Desired, w.Observed, []string{"jane"}, noon)
	wantShape(t, p, "update "+editName+" 1000 +1000 -1", "create "+editName+":2 1000", "create "+editName+":3 500")
	for i, h := range p.Handovers() {
		if len(h.Leaves) > 0 || i == 0 && (!h.Last || len(h.Moves) != 1 || h.Moves[0].Subject != Subject{"Group", "oncall"}) {
			t.Errorf("%d: %+v", i, h)
		}
	}
	w.afterRevoke(p)
	w.Users = w.Users[1:]
	if q := w.plan(); slices.ContainsFunc(q.Bindings, func(c Change[Binding]) bool { return c.Op != Keep }) || !slices.Equal(problemCodes(q), []ProblemCode{GroupEnded}) {
		t.Errorf("the next plan: %v %v", problemCodes(q), shape(q.Bindings))
	}
}

// A group is not bound anew to whoever left with it, whatever the bindings say.
func TestGroupOfLeaver(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(w *world)
		want []ProblemCode
	}{
		{"she left with it", func(*world) {}, []ProblemCode{GroupEnded}},
		{"it is bound as it was", func(w *world) {
			w.bind(Plan{Bindings: []Change[Binding]{{Op: Create, After: &w.Desired.Bindings[0]}}})
		}, nil},
		{"shared", func(w *world) { w.Whole = nil }, nil},
		{"she is back", func(w *world) { w.Users[0].Reuse = true }, nil},
		{"her certificate has ended", func(w *world) { w.Ledger[0].NotAfter = noon }, nil},
		{"it is not in it", func(w *world) { w.Ledger[0].Groups = nil }, nil},
		{"a generation that is over", func(w *world) { w.Ledger[0].Removed, w.Ledger[0].Revoked = time.Time{}, noon }, []ProblemCode{GroupEnded}},
	} {
		w := oncall()
		w.Observed.Bindings, w.Users = nil, w.Users[:2]
		delete(w.BindingOwners, w.Desired.Bindings[0].Key())
		w.Ledger[0].Removed = noon.Add(-time.Hour)
		delete(w.Files, "jane")
		c.make(&w)
		if !w.Users[0].Reuse {
			w.Users = w.Users[1:]
		}
		if got := problemCodes(w.plan()); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// In no world does a certificate of somebody who was revoked reach anything of the set, by a group that its file defines: not then, not
// later, not after the next applies, and not if the ledger is lost.
func TestRevokedStayOut(t *testing.T) {
	checked := 0
	everyCase(t, func(t *testing.T, r *rand.Rand, w world) {
		name := pick(r, everyName...)
		w.Whole = map[string]usersfile.Pos{}
		for _, g := range []string{"dev", "ops"} {
			if !w.Members[g] {
				w.Whole[g] = usersfile.Pos{File: "users.yaml", Line: 3}
			}
		}
		until, groups := PeopleOf(w.Observed, noon).Remaining(name)
		if until.IsZero() {
			return
		}
		bound := groupsBound(setName, w.Observed.Bindings)
		w.perform(Revoke(w.Desired, w.Observed, []string{name}, noon))
		if left := grantsIn(setName, w.Observed.Bindings).of(name, groups); len(left) > 0 {
			t.Fatalf("%s still reaches %v\n%+v", name, left, w.Observed.Bindings)
		}
		w.Users = slices.DeleteFunc(w.Users, func(u User) bool { return u.Certificate.User == name })
		for i, b := range w.Desired.Bindings {
			w.Desired.Bindings[i].Subjects = slices.DeleteFunc(slices.Clone(b.Subjects), func(s Subject) bool { return s.Name == name })
		}
		now := noon.Add(pick(r, 0, time.Hour, 60*day))
		if lost := r.Intn(2) == 0; lost || !now.Before(until) {
			if lost {
				w.Ledger = nil
			}
			groups = slices.DeleteFunc(groups, func(g string) bool { return !bound[g] }) // of others nothing tells any more
		}
		for range 2 {
			q := Compute(w.Desired, w.Observed, now)
			Agree([]*Plan{&q}, q.Deletions())
			w.bind(q)
			if left := grantsIn(setName, w.Observed.Bindings).of(name, groups); len(left) > 0 {
				t.Fatalf("after an apply %s reaches %v by %v\n%+v", name, left, groups, w.Observed.Bindings)
			}
		}
		checked++
	})
	if checked < cases/4 {
		t.Errorf("only %d of %d cases", checked, cases)
	}
}

// The annotation is what anybody may have written who may edit the binding.
func TestReadEnded(t *testing.T) {
	e := EndedGroup{"dev", "jane", noon, noon.Add(day)}
	if got := ReadEnded(EndedText([]EndedGroup{e}, nil)); !slices.Equal(got, []EndedGroup{e}) {
		t.Errorf("%+v", got)
	}
	if got := EndedText([]EndedGroup{e}, []Subject{e.Subject()}); got != "" {
		t.Errorf("a group that is bound is noted: %s", got)
	}
	long := strings.Repeat("\u00e9", longestName)
	for text, want := range map[string][]EndedGroup{
		"":                                      nil,
		"x":                                     nil,
		"{}":                                    nil,
		`[{"group": 1}]`:                        nil,
		`[{"user": "jane"}]`:                    {},
		`[{"group":"g","since":""}]`:            nil,
		`[{"group":"g","user":"` + long + `"}]`: {{Group: "g", User: long[:longestName]}},
	} {
		if got := ReadEnded(text); !slices.Equal(got, want) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
