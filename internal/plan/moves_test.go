package plan

import (
	"reflect"
	"testing"
)

// Who goes from one set to another in one run is found by what the plans of both say, and by nothing else.
func TestMoves(t *testing.T) {
	removes := func(set string, users ...string) *Plan {
		p := &Plan{Set: set}
		for _, u := range users {
			p.Users = append(p.Users, UserChange{Name: u, Kubeconfig: Change[Kubeconfig]{Op: Remove}})
		}
		return p
	}
	waits := func(p *Plan, user, of string) *Plan {
		p.Problems = append(p.Problems, Problem{Code: FileOfOtherSet, User: user, Detail: of})
		return p
	}
	held := waits(&Plan{Set: "a", Held: removes("a", "ann")}, "bob", "b")
	for _, c := range []struct {
		name  string
		plans []*Plan
		want  map[string][]string
	}{
		{"nobody", []*Plan{removes("a", "ann"), removes("b")}, map[string][]string{}},
		{"one", []*Plan{removes("a", "ann", "x"), waits(removes("b"), "ann", "a")}, map[string][]string{"b": {"ann"}}},
		{"whichever comes first", []*Plan{waits(removes("b"), "ann", "a"), removes("a", "ann")}, map[string][]string{"b": {"ann"}}},
		{"to and fro", []*Plan{waits(removes("a", "ann"), "bob", "b"), waits(removes("b", "bob"), "ann", "a")}, map[string][]string{"a": {"bob"}, "b": {"ann"}}},
		{"the old set keeps them", []*Plan{{Set: "a"}, waits(removes("b"), "ann", "a")}, map[string][]string{}},
		{"the removal is held back", []*Plan{held, waits(removes("b", "bob"), "ann", "a")}, map[string][]string{"a": {"bob"}}},
		{"another set's file", []*Plan{removes("a", "ann"), waits(removes("b"), "ann", "c")}, map[string][]string{}},
	} {
		if got := Moves(c.plans); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Whoever would move, were the removal not held back, is told so: not to destroy the old set.
func TestNoteHeld(t *testing.T) {
	old := &Plan{Set: "a", Held: &Plan{Set: "a", Users: []UserChange{{Name: "ann", Kubeconfig: Change[Kubeconfig]{Op: Remove}}, {Name: "carl"}}}}
	fresh := &Plan{Set: "b", Problems: []Problem{
		{Code: FileOfOtherSet, User: "ann", Detail: "a"},
		{Code: FileOfOtherSet, User: "carl", Detail: "a"},
		{Code: FileOfOtherSet, User: "ann", Detail: "c"},
		{Code: NameReused, User: "ann", Detail: "a"},
	}}
	NoteHeld([]*Plan{fresh, old})
	for i, want := range []bool{true, false, false, false} {
		if got := fresh.Problems[i].Held; got != want {
			t.Errorf("%+v: held %v", fresh.Problems[i], got)
		}
	}
}
