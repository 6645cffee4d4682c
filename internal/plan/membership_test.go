package plan

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"
)

// certificates are all living ones of a world, wherever they show.
func (w *world) certificates() []Certificate {
	var list []Certificate
	for name, f := range w.Files {
		if c := f.Certificate; c != nil && c.NotAfter.After(noon) {
			list = append(list, Certificate{User: name, Groups: c.Groups})
		}
	}
	for _, r := range w.Ledger {
		if r.Live(noon) {
			list = append(list, Certificate{User: r.User, Groups: r.Groups})
		}
	}
	for _, q := range w.Requests {
		if c := q.Certificate; c != nil && c.NotAfter.After(noon) {
			list = append(list, *c)
		}
	}
	return list
}

// beyond lists what living certificates reach by the set's bindings and the file does not give to their users: by name, or by
// groups that it binds as such.
func (w *world) beyond(certificates []Certificate) []string {
	var list []string
	has, gives := grantsIn(setName, w.Observed.Bindings), grantsIn(setName, w.Desired.Bindings)
	for _, c := range certificates {
		bound := slices.DeleteFunc(slices.Clone(c.Groups), func(g string) bool { return w.Members[g] })
		for _, g := range has.of(c.User, c.Groups) {
			if !g.in(gives.of(c.User, bound)) {
				list = append(list, fmt.Sprint(c.User, c.Groups, " reaches ", g))
			}
		}
	}
	return list
}

// In no world does a certificate whose membership has gone reach a grant of the set once the plan is done, and neither time nor a
// ledger that is lost or edited brings it back.
func TestMembershipGone(t *testing.T) {
	checked := 0
	everyCase(t, func(t *testing.T, r *rand.Rand, w world) {
		certificates := w.certificates()
		p := w.agreed()
		if p.Held != nil {
			return
		}
		w.perform(p)
		check := func(after string) {
			if reached := w.beyond(certificates); len(reached) > 0 {
				t.Errorf("%s: %v\nmembers %v\nbindings %+v", after, reached, w.Members, w.Observed.Bindings)
			}
		}
		check("apply")
		checked += len(certificates)
		for _, change := range []struct {
			name string
			make func(w *world, now *time.Time)
		}{
			{"later", func(_ *world, now *time.Time) { *now = now.Add(pick(r, time.Hour, 25*day, 60*day)) }},
			{"the ledger is lost", func(w *world, _ *time.Time) { w.Ledger = nil }},
			{"records are edited", func(w *world, _ *time.Time) {
				for i := range w.Ledger {
					w.Ledger[i].Removed, w.Ledger[i].Groups = time.Time{}, []string{"dev", "ops"}
				}
			}},
			{"kubeconfigs are gone", func(w *world, _ *time.Time) { w.Files = map[string]File{} }},
		} {
			then, now := copied(w), noon
			change.make(&then, &now)
			q := Compute(then.Desired, then.Observed, now)
			Agree([]*Plan{&q}, q.Deletions())
			then.bind(q)
			if reached := then.beyond(certificates); len(reached) > 0 {
				t.Errorf("%s: %v", change.name, reached)
			}
		}
	})
	if checked < cases {
		t.Errorf("only %d certificates in %d cases", checked, cases)
	}
}

// jane is in a group that the file binds to its members.
func member(groups ...string) world {
	jane := wanted("jane")
	jane.Groups = groups
	w := settled(noon.Add(-day), jane)
	w.Members = map[string]bool{"dev": true, "ops": true}
	return w
}

// carries gives jane's certificate other groups, and her record.
func (w world) carries(groups ...string) {
	w.file(func(f *File) { f.Certificate.Groups = groups })
	w.recorded()
}

// A group too many that the set binds to members is no reason for anything; one that it does not know is.
func TestGroupTooMany(t *testing.T) {
	bound := Binding{Name: BindingName(setName, edit), RoleRef: edit, Subjects: []Subject{{"Group", "dev"}}, Found: Found{UID: "b"}}
	for _, c := range []struct {
		name  string
		has   []string // in the certificate
		make  func(w *world)
		op    Op
		after []string
	}{
		{"nothing too many", nil, func(*world) {}, Keep, nil},
		{"from before", []string{"dev"}, func(*world) {}, Keep, []string{"dev"}},
		{"of one that she left", []string{"dev", "ops"}, func(*world) {}, Keep, []string{"dev", "ops"}},
		{"unknown", []string{"dev", "old"}, func(*world) {}, Reissue, nil},
		{"wanted in it", nil, func(w *world) { w.Users[0].Certificate.Groups = []string{"dev"} }, Reissue, []string{"dev"}},
		{"bound as such", nil, func(w *world) {
			w.Members, w.Users[0].Certificate.Groups = map[string]bool{}, []string{"dev"}
		}, Reissue, []string{"dev"}},
		{"it goes with the renewal", []string{"dev"}, func(w *world) { w.Users[0].Reissue = true }, Reissue, nil},
		{"but not while it is bound", []string{"dev"}, func(w *world) {
			w.Users[0].Reissue, w.Observed.Bindings = true, []Binding{bound}
		}, Reissue, []string{"dev"}},
		{"which is nothing to who left it", []string{"dev"}, func(w *world) {
			w.Users[0].Reissue, w.Users[0].Groups, w.Observed.Bindings = true, nil, []Binding{bound}
		}, Reissue, nil},
		{"nor a reason to put it in", nil, func(w *world) {
			w.Users[0].Reissue, w.Observed.Bindings = true, []Binding{bound}
		}, Reissue, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := member("dev")
			w.carries(c.has...)
			c.make(&w)
			got := w.plan().Users[0].Certificate
			if got.Op != c.op || !slices.Equal(got.After.Groups, c.after) {
				t.Errorf("%s with %v, want %s with %v", got.Op, got.After.Groups, c.op, c.after)
			}
		})
	}
}

// Nor is it a reason to call a certificate another's, or not to go on with a request.
func TestGroupTooManyElsewhere(t *testing.T) {
	w := member("dev")
	w.carries("dev")
	delete(w.Files, "jane")
	if u := w.plan().Users[0]; u.Elsewhere == nil || u.Certificate.Op != Keep {
		t.Errorf("%+v", u)
	}
	of := wanted("jane", "dev")
	for name, make := range map[string]func(w *world){
		"pending": func(w *world) { w.Requests = []Request{requestOf(of, keyHash("new"), Pending, noon)} },
		"never sent": func(w *world) {
			k := w.Keys["jane"]
			w.Ledger = []Record{{User: "jane", Groups: []string{"dev"}, KeyHash: k.KeyHash, Request: k.Request, Duration: 30 * day, Intended: noon}}
		},
	} {
		w := member("dev")
		w.Files, w.Ledger = map[string]File{}, nil
		w.Keys["jane"] = journalKey(of, keyHash("new"))
		make(&w)
		u := w.plan().Users[0]
		if u.Request == nil || !slices.Equal(u.Certificate.After.Groups, []string{"dev"}) {
			t.Errorf("%s: %+v", name, u)
		}
	}
}

// What is bound no more is told, with whoever is known to have it and is no member.
func TestReleasedGroups(t *testing.T) {
	w := member("dev")
	w.carries("dev")
	w.Desired.Bindings = []Binding{{Name: BindingName(setName, edit), RoleRef: edit, Subjects: []Subject{{"User", "jane"}}}}
	w.RoleOwners[ObjectKey{"", "edit"}] = ""
	w.Observed.Bindings = []Binding{{Name: BindingName(setName, edit), RoleRef: edit, Subjects: []Subject{{"Group", "dev"}}, Found: Found{UID: "b"}}}
	p := w.plan()
	if h := p.Handovers(); len(h) != 1 || !h[0].Gives || len(h[0].Leaves)+len(h[0].Moves) > 0 {
		t.Errorf("one write: %+v", h)
	}
	released := p.Released(w.Desired, w.Observed)
	if !slices.Equal(released, []string{"dev"}) {
		t.Fatal(released)
	}
	of := func(user string, gone bool, groups ...string) Record {
		r := recordOf(signedAt(wanted(user, groups...).Certificate, keyHash(user), noon), noon)
		if gone {
			r.Removed = noon
		}
		return r
	}
	ledgers := []SetLedger{
		{Set: setName, Records: []Record{of("jane", false, "dev"), of("mine", false, "dev")}},
		{Set: "second", Records: []Record{of("ann", false, "dev"), of("bob", true, "dev"), of("cat", false, "ops"), of("jane", false, "dev")}},
	}
	by := Held{Binding: Binding{Name: "by-hand", RoleRef: edit}, Subject: Subject{"Group", "dev"}}
	got := Plan{}.releasedGroups(w.Desired, released, ledgers, Holdings{by.Subject: {by}}, noon)
	if len(got) != 1 || !got[0].Grave() || fmt.Sprint(got[0].Holders) != "[{ann second}]" || len(got[0].Held) != 1 {
		t.Errorf("%+v", got)
	}
	w.Members = nil // bindTo: Group
	w.Desired.Bindings[0].Subjects = []Subject{{"Group", "dev"}}
	w.Users[0].Certificate.Groups = []string{"dev"}
	if p := w.plan(); p.Changes() || len(p.Released(w.Desired, w.Observed)) > 0 {
		t.Errorf("%+v", p)
	}
}
