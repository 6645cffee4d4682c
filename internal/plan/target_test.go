package plan

import (
	"math/rand"
	"reflect"
	"slices"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/usersfile"
)

// Whoever is asked for gets what the whole plan gives them, nobody else gets anything, and who loses something by the whole plan loses it,
// but for those of whom StillHeld tells. What is left out is done by the next plan.
func TestTargets(t *testing.T) {
	left, still := 0, 0
	everyCase(t, func(t *testing.T, r *rand.Rand, w world) {
		if len(w.Users) == 0 {
			return
		}
		name := pick(r, w.Users...).Certificate.User
		w.Allow = Compute(w.Desired, w.Observed, noon).Deletions()
		whole := w.plan()
		if whole.Held != nil {
			return
		}
		one := copied(w)
		if unknown := one.Target([]string{name, "nobody"}); !slices.Equal(unknown, []string{"nobody"}) {
			t.Errorf("unknown: %q", unknown)
		}
		p := one.agreed()
		if p.Others != nil {
			left++
		}
		still += len(p.StillHeld())
		groups := []string{}
		for _, u := range p.Users {
			i := slices.IndexFunc(whole.Users, func(o UserChange) bool { return o.Name == u.Name })
			switch {
			case u.Name == name:
				groups = u.Groups
				if !reflect.DeepEqual(u, whole.Users[i]) {
					t.Errorf("%s gets %+v, and of the whole plan %+v", name, u, whole.Users[i])
				}
			case u.Certificate.Op != Keep || u.Kubeconfig.Op != Keep && u.Kubeconfig.Op != Remove:
				t.Errorf("%s gets %+v", u.Name, u)
			case i < 0 || whole.Users[i].Kubeconfig.Op == Remove && u.Kubeconfig.Op != Remove:
				t.Errorf("%s is not removed", u.Name)
			}
		}
		mine := append(Identities(name, groups), Identities(name, wantedGroups(w, name))...)
		before, now, all := givenIn(w), givenIn(performed(one, p)), givenIn(performed(w, whole))
		for g := range now {
			if !before[g] && !slices.Contains(mine, g.Subject) {
				t.Errorf("%v gets %v", g.Subject, g.Grant)
			}
			if !all[g] && !slices.Contains(p.StillHeld(), g.Subject) {
				t.Errorf("%v keeps %v", g.Subject, g.Grant)
			}
		}
		for g := range all {
			if !now[g] && slices.Contains(mine, g.Subject) {
				t.Errorf("%v does not get %v", g.Subject, g.Grant)
			}
			if before[g] && !now[g] {
				t.Errorf("%v loses %v, which the file gives", g.Subject, g.Grant)
			}
		}
		next := performed(one, p)
		next.Targets = nil
		for i := range next.Users { // it was asked for
			next.Users[i].Reissue = next.Users[i].Reissue || slices.ContainsFunc(w.Users, func(u User) bool {
				return u.Reissue && u.Certificate.User == next.Users[i].Certificate.User && u.Certificate.User != name
			})
		}
		rest := next.agreed()
		next.perform(rest)
		if again := next.agreed(); again.Changes() {
			t.Errorf("after the rest: %+v\n%s", busyUsers(again), shape(again.Bindings))
		}
		if got := givenIn(next); rest.Held == nil && !reflect.DeepEqual(got, all) {
			t.Errorf("after the rest %v\nof the whole plan %v", got, all)
		}
	})
	if left < cases/8 || still == 0 {
		t.Errorf("something is left out in %d of %d cases, and %d go on having something: the random worlds say too little", left, cases, still)
	}
}

func wantedGroups(w world, name string) []string {
	for _, u := range w.Users {
		if u.Certificate.User == name {
			return append(slices.Clone(u.Groups), u.Certificate.Groups...)
		}
	}
	return nil
}

type given struct {
	Subject
	Grant
}

// givenIn are what bindings of the set give by name; one that somebody has made anew for another role goes whatever is given instead.
func givenIn(w world) map[given]bool {
	all := map[given]bool{}
	for _, b := range w.Observed.Bindings {
		if !isShard(b.Name, BindingName(setName, b.RoleRef)) {
			continue
		}
		for _, s := range b.Subjects {
			all[given{s, b.Grant()}] = true
		}
	}
	return all
}

func performed(w world, p Plan) world {
	w = copied(w)
	w.perform(p)
	return w
}

// Whoever is named on the command line and has ended gets nothing, and that is told.
func TestNamedAfterEnd(t *testing.T) {
	until := noon.Add(day)
	c := newCalendar(t, setOfFile(nil, usersfile.User{Name: "ann", Until: until}, usersfile.User{Name: "bob"}))
	for _, when := range []struct {
		now  time.Time
		want []ProblemCode
	}{{noon, nil}, {until, []ProblemCode{UserEnded}}} {
		d := Expand(c.set, Context{})
		d.Named = []string{"ann", "ann", "bob"}
		p := Compute(d.At(c.w.Observed, when.now), c.w.Observed, when.now)
		var got []ProblemCode
		for _, problem := range p.Problems {
			if problem.Code == UserEnded && (problem.User != "ann" || !problem.Until.Equal(until)) {
				t.Errorf("%+v", problem)
			}
			got = append(got, problem.Code)
		}
		if !slices.Equal(got, when.want) {
			t.Errorf("at %s: %v, want %v", when.now, got, when.want)
		}
	}
}

// Rules of a role that nobody who was asked for has wait, but for those that only get fewer.
func TestTargetRoles(t *testing.T) {
	rule := func(verbs ...string) []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: verbs}}
	}
	role := func(name string, verbs ...string) Role {
		return Role{Namespace: "shop", Name: name, Rules: rule(verbs...)}
	}
	was := func(name string, verbs ...string) Role {
		o := role(name, verbs...)
		o.Found = Found{UID: "r", ResourceVersion: "1"}
		return o
	}
	w := settled(noon, wanted("ann"), wanted("bob"))
	w.Namespaces = map[string]bool{"shop": true}
	w.Desired.Roles = []Role{role("fewer", "get"), role("mine", "get", "list"), role("more", "get", "list"), role("new", "get")}
	w.Observed.Roles = []Role{was("fewer", "get", "list"), was("gone", "get"), was("mine", "get"), was("more", "get")}
	for _, o := range w.Observed.Roles {
		w.RoleOwners[o.Key()] = setName
	}
	ref := RoleRef{"Role", "mine"}
	w.Desired.Bindings = []Binding{{Namespace: "shop", Name: BindingName(setName, ref), RoleRef: ref, Subjects: []Subject{{"User", "ann"}}}}
	w.Target([]string{"ann"})
	p := w.agreed()
	ops := func(list []Change[Role]) map[string]Op {
		all := map[string]Op{}
		for _, c := range list {
			if c.Op != Keep {
				all[c.Object().Name] = c.Op
			}
		}
		return all
	}
	if got, want := ops(p.Roles), map[string]Op{"fewer": Update, "mine": Update, "gone": Delete}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if p.Others == nil {
		t.Fatal("nothing is left out")
	}
	if got, want := ops(p.Others.Roles), map[string]Op{"more": Update, "new": Create}; !reflect.DeepEqual(got, want) {
		t.Errorf("left out %v, want %v", got, want)
	}
}
