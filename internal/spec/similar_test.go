package spec

import "testing"

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
