package plan

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"provision/internal/usersfile"
)

// raised is a user of the file with a generation, as Expand makes one.
func raised(name string, generation int, groups ...string) User {
	u := wanted(name, groups...)
	u.Generation, u.Subject = generation, boundAs(setName, usersfile.User{Name: name, Generation: generation})
	u.Certificate.Groups = generationGroups(name, generation, groups)
	return u
}

func generationGroups(name string, generation int, groups []string) []string {
	groups = slices.Clone(groups)
	if generation > 0 {
		groups = append(groups, usersfile.GenerationGroup(setName, name, generation))
	}
	slices.Sort(groups)
	return groups
}

// recordWith is the record of a certificate of jane's with a generation; revoked: it was taken back.
func recordWith(generation int, until time.Duration, revoked bool) Record {
	r := Record{User: "jane", KeyHash: keyHash(fmt.Sprint("jane ", generation, until)), Groups: generationGroups("jane", generation, nil), NotBefore: noon.Add(-day), NotAfter: noon.Add(until)}
	if revoked {
		r.Revoked = noon.Add(-time.Hour)
	}
	return r
}

// A set binds the present generation of a user wherever it would bind the name, and no other.
func TestExpandGeneration(t *testing.T) {
	view := []usersfile.Grant{{ClusterRole: "view", Namespaces: []string{"shop"}}}
	set := usersfile.Set{Name: setName,
		Users: []usersfile.User{
			{Name: "jane", Generation: 2, Groups: []string{"dev", "ops"}, Roles: []usersfile.Grant{{ClusterRole: "edit", Namespaces: []string{"shop"}}}},
			{Name: "joe", Groups: []string{"dev"}, Roles: []usersfile.Grant{{ClusterRole: "edit", Namespaces: []string{"shop"}}}},
		},
		Groups: []usersfile.Group{{Name: "dev", BindTo: usersfile.BindToMembers, Roles: view}, {Name: "ops", BindTo: usersfile.BindToGroup, Roles: view}},
	}
	d := Expand(set, Context{})
	got := map[string][]string{}
	for _, b := range d.Bindings {
		got[b.RoleRef.Name] = texts(b.Subjects)
	}
	if want := []string{"group provision:team:jane:2", "user joe"}; !slices.Equal(got["edit"], want) {
		t.Errorf("edit for %q, want %q", got["edit"], want)
	}
	if want := []string{"group ops", "group provision:team:jane:2", "user joe"}; !slices.Equal(got["view"], want) {
		t.Errorf("view for %q, want %q", got["view"], want)
	}
	if g := d.Users[0].Certificate.Groups; !slices.Contains(g, "provision:team:jane:2") || slices.ContainsFunc(d.Users[1].Certificate.Groups, usersfile.IsGenerationGroup) {
		t.Errorf("jane's certificate has %q", g)
	}
}

// What the file says of jane's generation, and what was before it.
func TestGeneration(t *testing.T) {
	group := func(n int) Subject { return Subject{"Group", fmt.Sprintf("provision:team:jane:%d", n)} }
	name, joe := Subject{"User", "jane"}, Subject{"User", "joe"}
	for _, c := range []struct {
		name     string
		have     int // the generation of the certificate in her file; -1: she has no file
		bound    []Subject
		file     int // what the users file says
		records  []Record
		op       Op
		problems []ProblemCode
		least    int
		after    []Subject // besides joe
		leaves   []Subject // for good
		warns    bool
		marked   []int // generations whose records are marked
	}{
		{name: "the first one", have: 0, bound: []Subject{name}, file: 1, op: Reissue, after: []Subject{group(1)}, leaves: []Subject{name}, warns: true, marked: []int{0}},
		{name: "raised", have: 1, bound: []Subject{group(1)}, file: 2, op: Reissue, after: []Subject{group(2)}, leaves: []Subject{group(1)}, warns: true, marked: []int{1}},
		{name: "raised by several", have: 1, bound: []Subject{group(1)}, file: 9, op: Reissue, after: []Subject{group(9)}, leaves: []Subject{group(1)}, warns: true, marked: []int{1}},
		{name: "as it was", have: 2, bound: []Subject{group(2)}, file: 2, op: Keep, after: []Subject{group(2)}},
		{name: "as it was, with older ones about", have: 2, bound: []Subject{group(2)}, file: 2, records: []Record{recordWith(1, 90*day, true), recordWith(0, 90*day, true)}, op: Keep, after: []Subject{group(2)}},
		{name: "older ones that were not marked", have: 2, bound: []Subject{group(2)}, file: 2, records: []Record{recordWith(1, 90*day, false)}, op: Keep, after: []Subject{group(2)}, marked: []int{1}},
		{name: "older ones are still bound", have: 2, bound: []Subject{name, group(1), group(2)}, file: 2, op: Keep, after: []Subject{group(2)}, leaves: []Subject{group(1), name}},
		{name: "a higher one was planted", have: 1, bound: []Subject{group(1), group(7)}, file: 2, op: Reissue, after: []Subject{group(2)}, leaves: []Subject{group(1), group(7)}, warns: true, marked: []int{1}},
		{name: "lowered", have: 2, bound: []Subject{group(2)}, file: 1, op: Keep, problems: []ProblemCode{GenerationLowered}, least: 2, after: []Subject{group(2)}},
		{name: "dropped", have: 2, bound: []Subject{group(2)}, file: 0, op: Keep, problems: []ProblemCode{GenerationLowered}, least: 2, after: []Subject{group(2)}},
		{name: "lowered to one that is still bound", have: 2, bound: []Subject{group(1), group(2)}, file: 1, records: []Record{recordWith(1, 90*day, true)}, op: Keep, problems: []ProblemCode{GenerationLowered}, least: 2, after: []Subject{group(2)}, leaves: []Subject{group(1)}},
		{name: "lowered by the ledger alone", have: 1, bound: []Subject{group(1)}, file: 1, records: []Record{recordWith(3, 90*day, false)}, op: Keep, problems: []ProblemCode{GenerationLowered}, least: 3, after: []Subject{group(1)}},
		{name: "nothing below the file stays when it is too low", have: 1, bound: []Subject{group(1)}, file: 2, records: []Record{recordWith(3, 90*day, false)}, op: Keep, problems: []ProblemCode{GenerationLowered}, least: 3, leaves: []Subject{group(1)}, marked: []int{1}},
		{name: "revoked", have: 1, file: 1, records: []Record{recordWith(1, 90*day, true)}, op: Keep, problems: []ProblemCode{GenerationEnded}, least: 2},
		{name: "revoked, and put back by hand", have: 1, bound: []Subject{group(1)}, file: 1, records: []Record{recordWith(1, 90*day, true)}, op: Keep, problems: []ProblemCode{GenerationEnded}, least: 2, leaves: []Subject{group(1)}},
		{name: "revoked, and raised", have: 1, file: 2, records: []Record{recordWith(1, 90*day, true)}, op: Reissue, after: []Subject{group(2)}, warns: true, marked: []int{1}},
		{name: "the name revoked", have: 0, file: 0, records: []Record{recordWith(0, 90*day, true)}, op: Keep, problems: []ProblemCode{GenerationEnded}, least: 1},
		{name: "the name revoked, and it has ended", have: -1, file: 0, records: []Record{recordWith(0, -time.Hour, true)}, op: Issue, after: []Subject{name}},
		{name: "the highest was revoked, and a lower one is given", have: -1, file: 1, records: []Record{recordWith(2, 90*day, true)}, op: Keep, problems: []ProblemCode{GenerationLowered}, least: 3},
		{name: "lost, and raised", have: -1, bound: []Subject{group(1)}, file: 2, records: []Record{recordWith(1, 90*day, false)}, op: Issue, after: []Subject{group(2)}, leaves: []Subject{group(1)}, warns: true, marked: []int{1}},
		{name: "from the start", have: -1, file: 1, op: Issue, after: []Subject{group(1)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-day), raised("jane", max(c.have, 0), "dev"), wanted("joe"))
			if c.have < 0 {
				delete(w.Files, "jane")
				w.Ledger = slices.DeleteFunc(w.Ledger, func(r Record) bool { return r.User == "jane" })
			}
			w.Users[0] = raised("jane", c.file, "dev")
			w.Ledger = append(w.Ledger, c.records...)
			w.Observed.Bindings = []Binding{grantTo(append(slices.Clone(c.bound), joe))}
			slices.SortFunc(w.Observed.Bindings[0].Subjects, compareSubjects)
			want := grantTo([]Subject{w.Users[0].Subject, joe})
			slices.SortFunc(want.Subjects, compareSubjects)
			w.Desired.Bindings = []Binding{want}
			w.RoleOwners[want.Role()], w.Namespaces = "", map[string]bool{want.Namespace: true}
			p := w.plan()
			if got := janeOf(t, p).Certificate.Op; got != c.op {
				t.Errorf("%s, want %s", got, c.op)
			}
			if got := problemCodes(p); !slices.Equal(got, c.problems) {
				t.Fatalf("problems %q, want %q", got, c.problems)
			}
			if len(c.problems) > 0 && p.Problems[0].Least != c.least {
				t.Errorf("at least %d, want %d", p.Problems[0].Least, c.least)
			}
			after := append(slices.Clone(c.after), joe)
			slices.SortFunc(after, compareSubjects)
			if len(p.Bindings) != 1 || !slices.Equal(p.Bindings[0].After.Subjects, after) {
				t.Errorf("%v, want %q", shape(p.Bindings), texts(after))
			}
			if h := p.Handovers(); !slices.Equal(h[0].Leaves, c.leaves) || len(h[0].Moves) > 0 {
				t.Errorf("%q leave for good, and %v move; want %q", texts(h[0].Leaves), h[0].Moves, texts(c.leaves))
			}
			if got := slices.Contains(warningCodes(p), NewGeneration); got != c.warns {
				t.Errorf("warnings %v", warningCodes(p))
			}
			var marked []int
			for _, r := range p.Ledger.Records {
				if r.Before.Revoked.IsZero() && !r.After.Revoked.IsZero() {
					marked = append(marked, generationIn(setName, "jane", r.After.Groups))
				}
			}
			if !slices.Equal(marked, c.marked) {
				t.Errorf("marked %v, want %v", marked, c.marked)
			}
			if again := Revoke(w.Desired, w.Observed, []string{"jane"}, noon); slices.ContainsFunc(again.bindingsAfter(w.Observed), func(b Binding) bool { return len(b.Subjects) > 1 }) {
				t.Errorf("revoke leaves %v", shape(again.Bindings))
			}
		})
	}
}

// The warning says what a generation does not end: groups that are bound, and what others grant.
func TestNewGenerationWarning(t *testing.T) {
	w := settled(noon.Add(-day), raised("jane", 1, "dev", "ops"))
	w.Users[0] = raised("jane", 2, "dev", "ops")
	b := grantTo([]Subject{{"Group", "dev"}})
	w.Desired.Bindings, w.Observed.Bindings = []Binding{b}, []Binding{b}
	w.RoleOwners[b.Role()], w.Namespaces = "", map[string]bool{b.Namespace: true}
	all := Proposals{{Plan: w.plan(), Desired: w.Desired, Observed: w.Observed}}
	q := all.Ask(noon)
	jane := Subject{"User", "jane"}
	if who := q.Subjects(); !who[jane] || !who[Subject{"Group", "ops"}] {
		t.Errorf("asks about %v", who)
	}
	q.Answer([]Elsewhere{{Held: Holdings{jane: {{Binding: Binding{Name: "by-hand"}, Subject: jane}}}}})
	at := slices.IndexFunc(all[0].Warnings, func(w Warning) bool { return w.Code == NewGeneration })
	if at < 0 {
		t.Fatalf("%v", all[0].Warnings)
	}
	if got := all[0].Warnings[at]; got.Generation != 2 || !slices.Equal(got.Items, []string{"dev"}) || len(got.Held) != 1 || !got.Until.Equal(noon.Add(29*day-backdate)) {
		t.Errorf("%+v", got)
	}
	for _, code := range []WarningCode{StillInGroup, WithoutUntilNew, LostLives, UnboundGroup} {
		if slices.Contains(warningCodes(all[0].Plan), code) {
			t.Errorf("it says %s too", code)
		}
	}
}

// generationWorld is a random world in which users have generations, and had others.
func generationWorld(r *rand.Rand, w *world) {
	subject := func(name string, n int) Subject { return boundAs(setName, usersfile.User{Name: name, Generation: n}) }
	now := map[string]Subject{}
	for i, u := range w.Users {
		name := u.Certificate.User
		g := raised(name, pick(r, 0, 1, 2, 2), u.Certificate.Groups...)
		w.Users[i].Generation, w.Users[i].Subject, w.Users[i].Certificate.Groups = g.Generation, g.Subject, g.Certificate.Groups
		now[name] = g.Subject
	}
	for i, b := range w.Desired.Bindings {
		for j, s := range b.Subjects {
			if of, named := now[s.Name]; named && s.Kind == "User" {
				w.Desired.Bindings[i].Subjects[j] = of
			}
		}
		slices.SortFunc(w.Desired.Bindings[i].Subjects, compareSubjects)
	}
	for i, b := range w.Observed.Bindings {
		for j, s := range b.Subjects {
			if s.Kind == "User" {
				w.Observed.Bindings[i].Subjects[j] = subject(s.Name, r.Intn(4))
			}
		}
		slices.SortFunc(w.Observed.Bindings[i].Subjects, compareSubjects)
	}
	was := map[string][]string{} // key hash -> groups
	for name, f := range w.Files {
		if f.Certificate != nil {
			f.Certificate.Groups = generationGroups(name, r.Intn(4), f.Certificate.Groups)
			was[f.Certificate.KeyHash] = f.Certificate.Groups
		}
	}
	for i, q := range w.Requests {
		if _, known := was[q.KeyHash]; !known {
			was[q.KeyHash] = generationGroups(q.User, r.Intn(4), q.Groups)
		}
		w.Requests[i].Groups = was[q.KeyHash]
		if q.Certificate != nil {
			q.Certificate.Groups = was[q.KeyHash]
		}
	}
	for i, record := range w.Ledger {
		groups, known := was[record.KeyHash]
		if !known {
			groups = generationGroups(record.User, r.Intn(4), record.Groups)
		}
		w.Ledger[i].Groups = groups
		if r.Intn(4) == 0 {
			w.Ledger[i].Revoked = noon.Add(-time.Hour)
		}
	}
}

// everyGeneration runs check with random worlds in which users have generations.
func everyGeneration(t *testing.T, check func(t *testing.T, r *rand.Rand, w world)) {
	everyCase(t, func(t *testing.T, r *rand.Rand, w world) {
		generationWorld(r, &w)
		check(t, r, w)
	})
}

// overReached returns the first subject of a binding of the set that stands for a generation which is over; "": there is none.
func (w world) overReached(bindings []Binding) string {
	for _, u := range w.Users {
		name := u.Certificate.User
		ended := map[int]bool{}
		for _, r := range live(w.Ledger, noon) {
			if n := generationIn(setName, name, r.Groups); r.User == name && r.Issued() && !r.Revoked.IsZero() {
				ended[n] = true
			}
		}
		for _, b := range bindings {
			for _, s := range b.Subjects {
				if n, ok := standsFor(setName, name, s); ok && b.named(setName) && (n < u.Generation || ended[n]) {
					return fmt.Sprintf("%s, whose generation is %d, reaches %s through %s", name, u.Generation, b.Name, s)
				}
			}
		}
	}
	return ""
}

// In no world does a generation that is over reach a grant of the set once a plan is done, whatever else the plan holds back; and
// neither a lost ledger nor an edited record brings one back that the file has ended.
func TestNoGenerationComesBack(t *testing.T) {
	everyGeneration(t, func(t *testing.T, r *rand.Rand, w world) {
		for _, p := range []Plan{w.plan(), w.agreed()} { // with many deletions held back, and without
			if found := w.overReached(p.bindingsAfter(w.Observed)); found != "" {
				t.Errorf("%s\nbindings %v\nproblems %+v\nheld %v", found, shape(p.Bindings), p.Problems, p.Held != nil)
			}
		}
		names := some(r, everyName...)
		for _, b := range Revoke(w.Desired, w.Observed, names, noon).bindingsAfter(w.Observed) {
			for _, s := range b.Subjects {
				if _, ok := standsFor(setName, s.Name, s); b.named(setName) && (ok && slices.Contains(names, s.Name) || slices.ContainsFunc(names, func(name string) bool { _, ok := standsFor(setName, name, s); return ok })) {
					t.Errorf("%s is revoked, and %s has %s", names, b.Name, s)
				}
			}
		}
		for range 3 {
			w.perform(w.agreed())
			switch r.Intn(3) {
			case 0:
				w.Ledger = nil
			case 1:
				for i := range w.Ledger {
					w.Ledger[i].Revoked = time.Time{}
				}
			case 2:
				for i := range w.Ledger {
					w.Ledger[i].Groups = some(r, w.Ledger[i].Groups...)
				}
			}
			w.RebuildLedger = r.Intn(2) == 0
			p := w.plan()
			lost := w
			lost.Ledger = nil // what the file says alone
			if found := lost.overReached(p.bindingsAfter(w.Observed)); found != "" {
				t.Errorf("later: %s\nbindings %v\nproblems %+v", found, shape(p.Bindings), p.Problems)
			}
		}
	})
}

// With generations too a plan that was applied leaves nothing to do.
func TestGenerationsThenNoChanges(t *testing.T) {
	performed := 0
	everyGeneration(t, func(t *testing.T, _ *rand.Rand, w world) {
		p := w.agreed()
		if p.Held != nil {
			return
		}
		performed++
		w.perform(p)
		if again := w.plan(); again.Changes() || len(again.Problems) > len(p.Problems) {
			t.Errorf("plan %+v\nthen %+v\nproblems %+v\nrecords %+v\nbindings %v", p, busyUsers(again), again.Problems, again.Ledger.Records, shape(again.Bindings))
		}
	})
	if performed < cases/8 {
		t.Errorf("only %d of %d cases could be applied", performed, cases)
	}
}
