package usersfile

import (
	"testing"
	"time"
)

func TestSimilarGroups(t *testing.T) {
	set := Set{
		Groups: []Group{{Name: "shop:oncall"}, {Name: "class-1"}, {Name: "team-a"}, {Name: "developers"}},
		Users: []User{
			{Name: "ann", Pos: Pos{File: "users.yaml", Line: 7}, Groups: []string{"shop:oncall", "shop:oncal"}},
			{Name: "bob", Groups: []string{"shop:oncal", "class-2", "class-10", "team-b", "shop:oncall:eu", "payments"}},
			{Name: "carl", Groups: []string{"Developers", "develpoers", "shop:onboard"}},
		},
	}
	want := []SimilarGroup{
		{Pos{File: "users.yaml", Line: 7}, "ann", "shop:oncal", "shop:oncall"},
		{Pos{}, "carl", "Developers", "developers"},
		{Pos{}, "carl", "develpoers", "developers"},
	}
	got := set.SimilarGroups()
	if len(got) != len(want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}

// TestSimilarGroupsHostile reads a small file of which comparing every name with every other would take hours.
func TestSimilarGroupsHostile(t *testing.T) {
	const n = 60_000
	set := Set{Users: make([]User, n/1000)}
	letters := func(i int) string {
		return string([]rune{rune('a' + i%26), rune('a' + i/26%26), rune('a' + i/676%26), rune('a' + i/17576%26)})
	}
	for i := range n {
		set.Groups = append(set.Groups, Group{Name: "defined" + letters(i)})
		u := &set.Users[i/1000]
		u.Groups = append(u.Groups, "carried"+letters(i))
	}
	done := make(chan []SimilarGroup)
	go func() { done <- set.SimilarGroups() }()
	select {
	case got := <-done:
		if len(got) > 0 {
			t.Errorf("%v", got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it is still looking")
	}
}

func TestSubjects(t *testing.T) {
	set := Set{
		Groups: []Group{
			{Name: "g", BindTo: BindToMembers, Roles: []Grant{{Namespaces: []string{"a", "b"}}, {}}},
			{Name: "h", Roles: []Grant{{Namespaces: []string{"a", "b"}}}},
		},
		Users: []User{{Groups: []string{"g"}, Roles: []Grant{{Namespaces: []string{"a", "b", "c"}}}}, {Groups: []string{"g", "h"}}},
	}
	if got, want := Subjects(set), 2*3+2+3; got != want {
		t.Errorf("%d, want %d", got, want)
	}
}
