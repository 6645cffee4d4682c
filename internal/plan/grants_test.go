package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/usersfile"
)

var edit = RoleRef{Kind: "ClusterRole", Name: "edit"}

// people are n subjects, sorted.
func people(from, to int) []Subject {
	var list []Subject
	for i := from; i < to; i++ {
		list = append(list, Subject{"User", fmt.Sprintf("user%05d", i)})
	}
	return list
}

// grantTo is the wanted binding of edit in the namespace shop.
func grantTo(subjects []Subject) Binding {
	return Binding{Namespace: "shop", Name: BindingName(setName, edit), RoleRef: edit, Subjects: subjects}
}

// granting is a set that consists of grants.
func granting(wanted ...Binding) world {
	w := settled(noon)
	w.Desired.Bindings = wanted
	return w
}

// bind does what the plan says with the bindings of a world.
func (w *world) bind(p Plan) {
	have := map[ObjectKey]Binding{}
	for _, b := range w.Observed.Bindings {
		have[b.Key()] = b
	}
	for _, c := range p.Bindings {
		key := c.Object().Key()
		switch c.Op {
		case Delete:
			delete(have, key)
			delete(w.BindingOwners, key)
		case Create, Update:
			after := *c.After
			after.Subjects = slices.Clone(after.Subjects)
			after.ResourceVersion += "1"
			if c.Op == Create {
				after.UID = types.UID("uid-" + after.Name)
			}
			have[key] = after
			w.BindingOwners[key] = w.Set
		}
	}
	w.Observed.Bindings = slices.SortedFunc(maps.Values(have), func(a, b Binding) int { return compareKeys(a.Namespace, a.Name, b.Namespace, b.Name) })
}

// shape writes the changes of bindings: "update <name> 3 +1 -2" counts the subjects after, added and removed.
func shape(changes []Change[Binding]) []string {
	short := func(name string) string { return strings.TrimPrefix(name, "provision:"+setName+":") }
	var list []string
	for _, c := range changes {
		text := string(c.Op) + " " + short(c.Object().Name)
		if c.After != nil {
			text += " " + strconv.Itoa(len(c.After.Subjects))
		}
		for _, r := range c.Reasons {
			if r.Code == SubjectsChanged {
				text += fmt.Sprintf(" +%d -%d", len(r.Joins), len(r.Leaves))
			} else if r.Code == RoleRefChanged {
				text += " " + r.From + "->" + r.To
			}
		}
		list = append(list, text)
	}
	return list
}

func wantShape(t *testing.T, p Plan, want ...string) {
	t.Helper()
	if got := shape(p.Bindings); !slices.Equal(got, want) {
		t.Errorf("bindings:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

const editName = "edit:29f624cb" // without "provision:team:"

func TestBindingName(t *testing.T) {
	names := map[string]RoleRef{}
	for _, ref := range []RoleRef{edit, {"Role", "edit"}, {"ClusterRole", "view"}, {"Role", "a:b"}, {"Role", "a"}} {
		name := BindingName(setName, ref)
		if !strings.HasPrefix(name, "provision:team:"+ref.Name+":") {
			t.Errorf("%v is named %s", ref, name)
		}
		if other, taken := names[name]; taken {
			t.Errorf("%v and %v are both named %s", ref, other, name)
		}
		names[name] = ref
	}
	// It is in the clusters of users: another name would make every binding anew.
	if got := BindingName(setName, edit); got != "provision:team:"+editName {
		t.Errorf("the name has become %s", got)
	}
}

// A binding holds 1,000 subjects, and each stays where it is: a change of one person is a change of one object.
func TestShards(t *testing.T) {
	w := granting(grantTo(people(0, 1000)))
	step := func(subjects []Subject, want ...string) {
		t.Helper()
		w.Desired.Bindings = []Binding{grantTo(subjects)}
		w.Allow = 2
		before := map[Subject]string{}
		for _, b := range w.Observed.Bindings {
			for _, s := range b.Subjects {
				before[s] = b.Name
			}
		}
		p := w.plan()
		wantShape(t, p, want...)
		w.bind(p)
		holds := map[Subject]int{}
		for _, b := range w.Observed.Bindings {
			if len(b.Subjects) == 0 || len(b.Subjects) > MaxSubjects || !slices.IsSortedFunc(b.Subjects, compareSubjects) {
				t.Errorf("%s holds %d subjects", b.Name, len(b.Subjects))
			}
			for _, s := range b.Subjects {
				holds[s]++
				if was := before[s]; was != "" && was != b.Name {
					t.Errorf("%s moved from %s to %s", s.Name, was, b.Name)
				}
			}
		}
		for _, s := range subjects {
			if holds[s] != 1 {
				t.Errorf("%s stands %d times", s.Name, holds[s])
			}
		}
		if len(holds) != len(subjects) {
			t.Errorf("%d are granted, want %d", len(holds), len(subjects))
		}
		if again := w.plan(); again.Changes() {
			t.Errorf("a second time: %v", shape(again.Bindings))
		}
	}
	step(people(0, 1000), "create "+editName+" 1000")
	step(people(0, 1001), "keep "+editName+" 1000", "create "+editName+":2 1")
	step(people(0, 2500), "keep "+editName+" 1000", "update "+editName+":2 1000 +999 -0", "create "+editName+":3 500")
	// One who sorts before all others goes where there is room.
	first := slices.Concat([]Subject{{"Group", "first"}}, people(0, 2500))
	step(first, "keep "+editName+" 1000", "keep "+editName+":2 1000", "update "+editName+":3 501 +1 -0")
	step(slices.Delete(slices.Clone(first), 1, 2), "update "+editName+" 999 +0 -1", "keep "+editName+":2 1000", "keep "+editName+":3 501")
	// Who comes next takes the free place.
	step(append(slices.Delete(slices.Clone(first), 1, 2), Subject{"User", "zoe"}), "update "+editName+" 1000 +1 -0", "keep "+editName+":2 1000", "keep "+editName+":3 501")
	// The second goes whole, the others do not close up.
	step(slices.Concat(people(1, 1000), people(2000, 2500)), "update "+editName+" 999 +0 -1", "delete "+editName+":2", "update "+editName+":3 500 +0 -1")
	// Its number is free again.
	step(slices.Concat(people(1, 1000), people(2000, 4000)), "update "+editName+" 1000 +1 -0", "create "+editName+":2 999", "update "+editName+":3 1000 +500 -0")
	step(nil, "delete "+editName, "delete "+editName+":2", "delete "+editName+":3")
}

func TestTenShardsAreInOrder(t *testing.T) {
	w := granting(grantTo(people(0, 10_500)))
	w.bind(w.plan())
	w.Desired.Bindings = []Binding{grantTo(people(0, 10_501))}
	changed := func() []string {
		return slices.DeleteFunc(shape(w.plan().Bindings), func(s string) bool { return strings.HasPrefix(s, "keep") })
	}
	if got, want := changed(), []string{"update " + editName + ":11 501 +1 -0"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	// Where several have room, the lowest number is filled first: 2 before 10.
	for i, b := range w.Observed.Bindings {
		if strings.HasSuffix(b.Name, ":2") || strings.HasSuffix(b.Name, ":10") {
			w.Observed.Bindings[i].Subjects = b.Subjects[:999]
		}
	}
	w.Desired.Bindings = []Binding{grantTo(slices.Concat(people(0, 1999), people(2000, 9999), people(10_000, 10_501)))}
	if got, want := changed(), []string{"update " + editName + ":2 1000 +1 -0"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Somebody put more into one of ours than it may hold.
func TestOverfullShard(t *testing.T) {
	w := granting(grantTo(people(0, 1003)))
	b := grantTo(people(0, 1003))
	w.Observed.Bindings = []Binding{b}
	w.BindingOwners[b.Key()] = setName
	wantShape(t, w.plan(), "update "+editName+" 1000 +0 -3", "create "+editName+":2 3")
}

func TestBindings(t *testing.T) {
	view := RoleRef{Kind: "ClusterRole", Name: "view"}
	viewName := strings.TrimPrefix(BindingName(setName, view), "provision:team:")
	jane, joe := Subject{"User", "jane"}, Subject{"User", "joe"}
	found := func(name string, ref RoleRef, subjects ...Subject) Binding {
		return Binding{Namespace: "shop", Name: "provision:team:" + name, RoleRef: ref, Subjects: subjects, Found: Found{UID: "1", ResourceVersion: "1"}}
	}
	full := func(name string) ObjectKey { return ObjectKey{"shop", "provision:team:" + name} }
	for _, c := range []struct {
		name     string
		wanted   []Binding
		found    []Binding
		owners   map[ObjectKey]string // of what exists beside those found
		want     []string
		problems []Problem
		warnings []WarningCode
	}{
		{name: "as it is", wanted: []Binding{grantTo([]Subject{jane})}, found: []Binding{found(editName, edit, jane)},
			want: []string{"keep " + editName + " 1"}},
		{name: "not in the file", found: []Binding{found(editName, edit, jane)}, want: []string{"delete " + editName}},
		{name: "a subject by another's hand", wanted: []Binding{grantTo([]Subject{jane})}, found: []Binding{found(editName, edit, jane, Subject{"ServiceAccount", "robot"})},
			want: []string{"update " + editName + " 1 +0 -1"}},
		{name: "a subject twice", wanted: []Binding{grantTo([]Subject{jane})}, found: []Binding{found(editName, edit, jane, jane)},
			want: []string{"update " + editName + " 1 +0 -0"}},
		{name: "a group of the name of a user", wanted: []Binding{grantTo([]Subject{jane})}, found: []Binding{found(editName, edit, Subject{"Group", "jane"})},
			want: []string{"update " + editName + " 1 +1 -1"}},
		{name: "another namespace", wanted: []Binding{grantTo([]Subject{jane})}, found: []Binding{{Namespace: "till", Name: "provision:team:" + editName, RoleRef: edit, Subjects: []Subject{jane}}},
			want: []string{"create " + editName + " 1", "delete " + editName}},
		{name: "a foreign binding with our name", wanted: []Binding{grantTo([]Subject{jane})}, owners: map[ObjectKey]string{full(editName): ""},
			problems: []Problem{{Code: ForeignObject, Object: Object{"RoleBinding", "shop", "provision:team:" + editName}}}},
		{name: "one of another set with our name", wanted: []Binding{grantTo([]Subject{jane})}, owners: map[ObjectKey]string{full(editName): "other"},
			problems: []Problem{{Code: ForeignObject, Object: Object{"RoleBinding", "shop", "provision:team:" + editName}, Detail: "other"}}},
		{name: "ours that lost its label, and is no longer wanted", owners: map[ObjectKey]string{full(editName): ""},
			problems: []Problem{{Code: LabelGone, Object: Object{"RoleBinding", "shop", "provision:team:" + editName}}}},
		{name: "what stands beside a foreign one is done", wanted: []Binding{grantTo([]Subject{jane}), {Namespace: "shop", Name: BindingName(setName, view), RoleRef: view, Subjects: []Subject{jane}}},
			found: []Binding{found("admin:1", RoleRef{"ClusterRole", "admin"}, joe)}, owners: map[ObjectKey]string{full(editName): ""},
			want:     []string{"delete admin:1", "create " + viewName + " 1"},
			problems: []Problem{{Code: ForeignObject, Object: Object{"RoleBinding", "shop", "provision:team:" + editName}}}},
		{name: "a copied label", found: []Binding{{Namespace: "shop", Name: "theirs", RoleRef: edit, Subjects: []Subject{jane}}}, warnings: []WarningCode{LabelCopied}},
		{name: "a copied label on a name of another set", found: []Binding{{Namespace: "shop", Name: "provision:team2:edit", RoleRef: edit, Subjects: []Subject{jane}}}, warnings: []WarningCode{LabelCopied}},
		{name: "a copied label does not stand for ours", wanted: []Binding{grantTo([]Subject{jane})},
			found: []Binding{{Namespace: "shop", Name: "theirs", RoleRef: edit, Subjects: []Subject{jane}}},
			want:  []string{"create " + editName + " 1"}, warnings: []WarningCode{LabelCopied}},
		{name: "ours with another roleRef", wanted: []Binding{grantTo([]Subject{jane})}, found: []Binding{found(editName, RoleRef{"ClusterRole", "admin"}, jane)},
			want: []string{"create " + editName + " 1 ClusterRole/admin->ClusterRole/edit"}},
		{name: "ours with the roleRef of another of ours",
			wanted: []Binding{grantTo([]Subject{jane, joe}), {Namespace: "shop", Name: BindingName(setName, view), RoleRef: view, Subjects: []Subject{jane}}},
			found:  []Binding{found(editName, edit, jane), found(viewName, edit, joe)},
			want:   []string{"update " + editName + " 2 +1 -0", "create " + viewName + " 1 ClusterRole/edit->ClusterRole/view"}},
		{name: "one more that somebody made with our label and prefix", wanted: []Binding{grantTo([]Subject{jane})}, found: []Binding{found("mine", edit, jane)},
			want: []string{"create " + editName + " 1", "delete mine"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := granting(c.wanted...)
			w.Observed.Bindings = c.found
			for _, b := range c.found {
				if b.named(setName) {
					w.BindingOwners[b.Key()] = setName
				}
			}
			maps.Copy(w.BindingOwners, c.owners)
			p := w.plan()
			wantShape(t, p, c.want...)
			if fmt.Sprint(p.Problems) != fmt.Sprint(c.problems) {
				t.Errorf("problems %+v, want %+v", p.Problems, c.problems)
			}
			if got := warningCodes(p); !slices.Equal(got, c.warnings) {
				t.Errorf("warnings %v, want %v", got, c.warnings)
			}
			seen := map[ObjectKey]bool{}
			for _, change := range p.Bindings {
				key := ObjectKey{change.Object().Namespace, change.Object().Name}
				if seen[key] {
					t.Errorf("%v is changed twice", key)
				}
				seen[key] = true
			}
			if len(p.Problems) == 0 {
				w.bind(p)
				if again := w.plan(); again.Changes() {
					t.Errorf("a second time: %v", shape(again.Bindings))
				}
			}
		})
	}
}

func TestRoles(t *testing.T) {
	rule := func(verbs ...string) []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: verbs}}
	}
	want := Role{Namespace: "shop", Name: "reader", Rules: rule("get", "list")}
	have := func(rules []rbacv1.PolicyRule) []Role {
		return []Role{{Namespace: "shop", Name: "reader", Rules: rules, Found: Found{UID: "1", ResourceVersion: "7"}}}
	}
	for _, c := range []struct {
		name   string
		wanted []Role
		found  []Role
		owners map[ObjectKey]string
		op     Op
		reason Reason
	}{
		{"as it is", []Role{want}, have(rule("get", "list")), nil, Keep, Reason{}},
		{"new", []Role{want}, nil, nil, Create, Reason{Code: InFile}},
		{"gone", nil, have(rule("get")), nil, Delete, Reason{Code: NotInFile}},
		{"rules", []Role{want}, have(rule("*")), nil, Update, Reason{Code: RulesChanged, Allows: want.Rules, Forbids: rule("*")}},
		{"a foreign one", []Role{want}, nil, map[ObjectKey]string{{"shop", "reader"}: ""}, "", Reason{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon)
			w.Desired.Roles, w.Observed.Roles = c.wanted, c.found
			maps.Copy(w.RoleOwners, c.owners)
			p := w.plan()
			if c.op == "" {
				if len(p.Roles) > 0 || !slices.Equal(problemCodes(p), []ProblemCode{ForeignObject}) {
					t.Errorf("%+v, problems %v", p.Roles, problemCodes(p))
				}
				return
			}
			if len(p.Roles) != 1 || p.Roles[0].Op != c.op {
				t.Fatalf("%+v, want %s", p.Roles, c.op)
			}
			if c.op != Keep && fmt.Sprint(p.Roles[0].Reasons) != fmt.Sprint([]Reason{c.reason}) {
				t.Errorf("because of %+v, want %+v", p.Roles[0].Reasons, c.reason)
			}
			if after := p.Roles[0].After; c.op == Update && (after.UID != "1" || after.ResourceVersion != "7") {
				t.Errorf("the update is of no version in particular: %+v", after)
			}
		})
	}
}

// To a role that has our name and is somebody else's nobody new is bound; who leaves does leave.
func TestForeignRole(t *testing.T) {
	reader := RoleRef{"Role", "reader"}
	name := BindingName(setName, reader)
	jane, joe, mary := Subject{"User", "jane"}, Subject{"User", "joe"}, Subject{"User", "mary"}
	w := granting(Binding{Namespace: "shop", Name: name, RoleRef: reader, Subjects: []Subject{jane, mary}})
	w.Desired.Roles = []Role{{Namespace: "shop", Name: "reader"}}
	w.RoleOwners[ObjectKey{"shop", "reader"}] = ""
	if p := w.plan(); len(p.Bindings) > 0 || !slices.Equal(problemCodes(p), []ProblemCode{ForeignObject}) {
		t.Errorf("new: %v, problems %v", shape(p.Bindings), problemCodes(p))
	}
	w.Observed.Bindings = []Binding{{Namespace: "shop", Name: name, RoleRef: reader, Subjects: []Subject{jane, joe}, Found: Found{UID: "1"}}}
	w.BindingOwners[ObjectKey{"shop", name}] = setName
	p := w.plan()
	if len(p.Bindings) != 1 || p.Bindings[0].Op != Update || !slices.Equal(p.Bindings[0].After.Subjects, []Subject{jane}) {
		t.Errorf("%v", shape(p.Bindings))
	}
}

// A fifth, and at least five, may go unasked; more only by their exact number.
func TestTooManyDeletes(t *testing.T) {
	for _, c := range []struct {
		users, gone, allow int
		destroy            bool
		limit              int // 0: it may go
	}{
		{5, 5, 0, false, 0},
		{6, 6, 0, false, 5},
		{25, 5, 0, false, 0},
		{25, 6, 0, false, 5},
		{100, 20, 0, false, 0},
		{100, 21, 0, false, 20},
		{100, 21, 21, false, 0},
		{100, 21, 20, false, 20},
		{100, 21, 100, false, 20},
		{100, 100, 0, true, 0},
	} {
		t.Run(fmt.Sprintf("%d of %d, %d agreed to", c.gone, c.users, c.allow), func(t *testing.T) {
			var users []User
			for i := range c.users {
				users = append(users, wanted(fmt.Sprintf("user%03d", i)))
			}
			w := settled(noon.Add(-day), users...)
			w.Users = w.Users[c.gone:]
			w.Allow, w.Destroy = c.allow, c.destroy
			if n := Compute(w.Desired, w.Observed, noon).Deletions(); n != c.gone {
				t.Errorf("%d deletions", n)
			}
			p := w.plan()
			if c.limit == 0 {
				if len(p.Problems) > 0 {
					t.Errorf("%+v", p.Problems)
				}
			} else if want := []Problem{{Code: TooManyDeletes, Count: c.gone, Allowed: c.limit, Total: c.gone}}; !reflect.DeepEqual(p.Problems, want) {
				t.Errorf("%+v, want %+v", p.Problems, want)
			}
		})
	}
	t.Run("people whose kubeconfigs are elsewhere count, each once", func(t *testing.T) {
		var users []User
		for i := range 40 {
			users = append(users, wanted(fmt.Sprintf("user%03d", i)))
		}
		w := settled(noon.Add(-day), users...)
		for _, u := range users[20:] {
			delete(w.Files, u.Certificate.User)
		}
		w.Users = w.Users[:4]
		p := w.plan()
		if len(p.Problems) != 1 || p.Problems[0].Count != 36 {
			t.Errorf("%+v", p.Problems)
		}
		if w.Allow = 36; len(w.plan().Problems) > 0 {
			t.Errorf("agreed to: %+v", w.plan().Problems)
		}
	})
	t.Run("whom somebody else puts into a binding counts nowhere", func(t *testing.T) {
		w := granting(grantTo([]Subject{{"User", "jane"}}))
		w.Observed.Bindings = []Binding{{Namespace: "shop", Name: "provision:team:" + editName, RoleRef: edit, Subjects: append(people(0, 100), Subject{"User", "jane"})}}
		if p := w.plan(); len(p.Problems) > 0 || p.Bindings[0].Op != Update {
			t.Errorf("%+v", p.Problems)
		}
	})
	t.Run("what the set cannot have made counts nowhere", func(t *testing.T) {
		w := granting(grantTo([]Subject{{"User", "jane"}}))
		bob := []Subject{{"User", "bob"}}
		w.Ledger = append(w.Ledger, recordOf(signedAt(wanted("bob").Certificate, keyHash("bob"), noon.Add(-day)), noon.Add(-day)))
		for i := range 50 {
			ref := RoleRef{"Role", fmt.Sprint("planted", i)}
			w.Observed.Bindings = append(w.Observed.Bindings,
				Binding{Namespace: "shop", Name: fmt.Sprintf("provision:team:%s:%d", editName, i+2), RoleRef: edit, Subjects: bob},
				Binding{Namespace: "shop", Name: BindingName(setName, ref), RoleRef: ref, Subjects: bob},
				Binding{Namespace: "shop", Name: fmt.Sprint("provision:team:x", i), RoleRef: RoleRef{"ClusterRole", fmt.Sprint("c", i)}, Subjects: []Subject{{"User", "eve"}}})
		}
		if p := w.plan(); p.Deletions() != 2 || p.Summarize().Bindings[Delete] < 100 { // bob, and what he has of one role
			t.Errorf("%d deletions of %d bindings", p.Deletions(), p.Summarize().Bindings[Delete])
		}
	})
	// PROMISE: What goes in one namespace counts once.
	t.Run("whoever may write in one namespace makes it one more at most", func(t *testing.T) {
		eve := Subject{"User", "eve"}
		role := func(i int) RoleRef { return RoleRef{"ClusterRole", fmt.Sprint("hers", i)} }
		bound := func(namespace, name string, ref RoleRef, subjects ...Subject) Binding {
			return Binding{Namespace: namespace, Name: name, RoleRef: ref, Subjects: subjects}
		}
		for _, c := range []struct {
			name   string
			plant  func(o *Observed)
			counts int
		}{
			{"nothing", func(*Observed) {}, 1},
			{"strangers in a binding with a name that the set does not give", func(o *Observed) {
				o.Bindings = append(o.Bindings, bound("web", "provision:team:mine", edit, append(people(0, 7000), eve)...))
			}, 1},
			{"strangers in a binding with the set's name", func(o *Observed) {
				o.Bindings = append(o.Bindings, bound("web", BindingName(setName, role(0)), role(0), append(people(0, 7000), eve)...))
			}, 2},
			{"many roles, by the set's names", func(o *Observed) {
				for i := range 50 {
					o.Bindings = append(o.Bindings, bound("web", BindingName(setName, role(i)), role(i), eve, Subject{"User", "jane"}))
				}
			}, 2},
			{"many Roles of her own, and bindings of them", func(o *Observed) {
				for i := range 50 {
					ref := RoleRef{"Role", fmt.Sprint("hers", i)}
					o.Roles = append(o.Roles, Role{Namespace: "web", Name: ref.Name})
					o.Bindings = append(o.Bindings, bound("web", BindingName(setName, ref), ref, eve))
				}
			}, 2},
			{"many namespaces, by another client", func(o *Observed) {
				for i := range 50 {
					b := bound(fmt.Sprint("web", i), BindingName(setName, role(0)), role(0), eve)
					b.ByOthers = true
					o.Bindings = append(o.Bindings, b)
				}
			}, 1},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := settled(noon.Add(-day), wanted("eve"), wanted("jane"))
				w.Users = w.Users[1:] // eve leaves
				c.plant(&w.Observed)
				if p := w.plan(); p.Deletions() != c.counts || len(p.Problems) > 0 {
					t.Errorf("%d deletions, want %d, problems %+v", p.Deletions(), c.counts, p.Problems)
				}
				// Nor does it let a file go through that lost its half.
				var users []User
				for i := range 20 {
					users = append(users, wanted(fmt.Sprintf("user%03d", i)))
				}
				w = settled(noon.Add(-day), users...)
				w.Users = w.Users[10:]
				c.plant(&w.Observed)
				if got := problemCodes(w.plan()); !slices.Equal(got, []ProblemCode{TooManyDeletes}) {
					t.Errorf("half of a file: %v", got)
				}
			})
		}
	})
	t.Run("several sets", func(t *testing.T) {
		six, seven := granting(), granting()
		for i := range 7 {
			seven.Observed.Roles = append(seven.Observed.Roles, Role{Name: fmt.Sprint("role", i)})
		}
		six.Observed.Roles = seven.Observed.Roles[:6]
		for allowed, problems := range map[int]int{0: 2, 6: 2, 7: 2, 13: 0} {
			a, b := Compute(six.Desired, six.Observed, noon), Compute(seven.Desired, seven.Observed, noon)
			Agree([]*Plan{&a, &b}, allowed)
			if got := append(a.Problems, b.Problems...); len(got) != problems || problems > 0 && (got[0].Total != 13 || got[1].Total != 13) {
				t.Errorf("%d agreed to: %+v", allowed, got)
			}
		}
	})
	t.Run("bindings and roles count", func(t *testing.T) {
		w := granting()
		for i := range 6 {
			w.Observed.Roles = append(w.Observed.Roles, Role{Name: fmt.Sprint("role", i)})
		}
		if got := w.plan().Problems; len(got) != 1 || got[0].Count != 6 {
			t.Errorf("%+v", got)
		}
	})
}

func TestMissing(t *testing.T) {
	w := settled(noon)
	w.Namespaces = map[string]bool{"shop": true}
	w.RoleOwners = map[ObjectKey]string{{"", "edit"}: "", {"shop", "reader"}: ""}
	at := func(line int) usersfile.Pos { return usersfile.Pos{File: "users.yaml", Line: line} }
	w.References = []Reference{
		{at(9), Object{"Role", "shop", "writer"}},
		{at(2), Object{"Namespace", "", "till"}},
		{at(3), Object{"Role", "till", "reader"}}, // said by its namespace
		{at(4), Object{"Namespace", "", "shop"}},
		{at(5), Object{"ClusterRole", "", "edit"}},
		{at(6), Object{"Role", "shop", "reader"}},
		{at(7), Object{"ClusterRole", "", "reader"}},
	}
	want := []Problem{
		{Code: NamespaceMissing, Pos: at(2), Name: "till"},
		{Code: RoleMissing, Pos: at(7), Object: Object{"ClusterRole", "", "reader"}},
		{Code: RoleMissing, Pos: at(9), Object: Object{"Role", "shop", "writer"}},
	}
	if got := w.plan().Problems; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestExpand(t *testing.T) {
	set := usersfile.Set{
		Name: setName, Ledger: usersfile.Ledger{Namespace: "books"},
		Roles: []usersfile.Role{{Name: "reader", Namespaces: []string{"shop", "till"}}},
		Groups: []usersfile.Group{
			{Name: "dev", BindTo: usersfile.BindToGroup, Roles: []usersfile.Grant{{ClusterRole: "edit", Namespaces: []string{"shop"}}}},
			{Name: "ops", BindTo: usersfile.BindToMembers, Roles: []usersfile.Grant{{ClusterRole: "view"}, {Role: "reader", Namespaces: []string{"till"}}}},
			{Name: "kept", BindTo: usersfile.BindToMembers, InCertificate: true},
			{Name: "empty", BindTo: usersfile.BindToMembers, Roles: []usersfile.Grant{{ClusterRole: "admin"}}},
		},
		Users: []usersfile.User{
			{Name: "joe", Groups: []string{"ops", "dev", "theirs", "kept"}},
			{Name: "jane", Groups: []string{"ops"}, Namespace: "till", Roles: []usersfile.Grant{{ClusterRole: "edit", Namespaces: []string{"shop"}}, {Role: "other", Namespaces: []string{"shop"}}}},
		},
	}
	d := Expand(set, Context{Name: "ctx", Endpoint: Endpoint{Name: "prod", Server: "https://prod"}})
	var got []string
	for _, b := range d.Bindings {
		got = append(got, fmt.Sprint(b.Namespace, " ", b.RoleRef, " ", b.Subjects))
	}
	for _, r := range d.References {
		got = append(got, fmt.Sprint("needs ", r.Kind, " ", r.Namespace, "/", r.Name))
	}
	for _, r := range d.Roles {
		got = append(got, fmt.Sprint("role ", r.Namespace, "/", r.Name))
	}
	for _, u := range d.Users {
		got = append(got, fmt.Sprint(u.Certificate.User, " ", u.Certificate.Groups, " ", u.Kubeconfig.Context))
	}
	want := []string{
		" ClusterRole/view [user jane user joe]",
		"shop ClusterRole/edit [group dev user jane]",
		"shop Role/other [user jane]",
		"till Role/reader [user jane user joe]",
		"needs Namespace /shop", "needs Namespace /till", "needs ClusterRole /edit", "needs Role shop/other", "needs ClusterRole /view", "needs ClusterRole /admin",
		"role shop/reader", "role till/reader",
		"jane [] jane@prod", "joe [dev kept theirs] joe@prod",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if !slices.Equal(set.Users[0].Groups, []string{"ops", "dev", "theirs", "kept"}) {
		t.Errorf("the set's own list was sorted: %v", set.Users[0].Groups)
	}
}

func TestQuoted(t *testing.T) {
	for name, want := range map[string]string{
		"jane": "jane", "a:b": "a:b", "jane@shop.example": "jane@shop.example", "Łukasz": "Łukasz",
		"a b": `"a b"`, "a,b": `"a,b"`, "a\nb": `"a\nb"`, "a\x1b[2J": `"a\x1b[2J"`, `a"b`: `"a\"b"`, "a\u00a0b": `"a\u00a0b"`,
		"jane\u3164": `"jane\u3164"`, "jane\u2800": `"jane\u2800"`, "jane\ufe0f": `"jane\ufe0f"`, "jane\U000e0101": `"jane\U000e0101"`, "Łu\u034f": `"Łu\u034f"`,
	} {
		if got := Quoted(name); got != want {
			t.Errorf("%q is written %s, want %s", name, got, want)
		}
	}
}

// A label alone makes nothing a set's.
func TestSetOf(t *testing.T) {
	if b := (Binding{Name: "provision:team:edit:1"}); b.SetOf("team") != "team" || b.SetOf("") != "" || b.SetOf("tea") != "" {
		t.Error("of a set")
	}
	if b := (Binding{Name: "innocent-reader"}); b.SetOf("team") != "" {
		t.Error("a label that somebody put on")
	}
}

// A binding of the whole cluster is named without the place where a namespace would be.
func TestCopiedLabelNames(t *testing.T) {
	w := granting()
	w.Observed.Bindings = []Binding{
		{Name: "theirs", RoleRef: RoleRef{"ClusterRole", "view"}, Subjects: []Subject{{"User", "jane"}}},
		{Namespace: "shop", Name: "theirs", RoleRef: RoleRef{"ClusterRole", "view"}, Subjects: []Subject{{"User", "jane"}}},
	}
	for _, warning := range w.plan().Warnings {
		if want := []Object{{"ClusterRoleBinding", "", "theirs"}, {"RoleBinding", "shop", "theirs"}}; warning.Code == LabelCopied && slices.Equal(warning.Objects, want) {
			return
		}
	}
	t.Errorf("%+v", w.plan().Warnings)
}
