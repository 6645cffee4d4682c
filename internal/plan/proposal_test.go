package plan

import (
	"fmt"
	"testing"
	"time"
)

// Graver counts only power, only what is new of it, and each set by itself.
func TestGraver(t *testing.T) {
	told := func(set string, list ...Warning) Proposal { return Proposal{Plan: Plan{Set: set, Warnings: list}} }
	admin := Warning{Code: ClusterAdmin, Subjects: []Subject{{Kind: "User", Name: "ann"}}}
	clock := Warning{Code: ClockDiffers, Seconds: 90}
	for _, c := range []struct {
		name      string
		then, now Proposals
		want      string
	}{
		{"as it was", Proposals{told("a", admin)}, Proposals{told("a", admin)}, ""},
		{"power is new", Proposals{told("a")}, Proposals{told("a", admin)}, "a ClusterAdmin;"},
		{"power has gone", Proposals{told("a", admin)}, Proposals{told("a")}, ""},
		{"no power", Proposals{told("a")}, Proposals{told("a", clock)}, ""},
		{"another set had it", Proposals{told("a", admin), told("b")}, Proposals{told("a", admin), told("b", admin)}, "b ClusterAdmin;"},
	} {
		got := ""
		for _, g := range c.now.Graver(c.then) {
			for _, w := range g.Warnings {
				got += fmt.Sprintf("%s %s;", g.Set, w.Code)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The deletions of all sets of a run are agreed to by their sum.
func TestDecideTogether(t *testing.T) {
	decide := func(d Desired, _ Observed, _ time.Time) Plan {
		return Plan{Set: d.Set, Problems: []Problem{{Code: TooManyDeletes, Count: 6}}, Users: removals(6)}
	}
	goals := func(allowed int) []Goal {
		return []Goal{{Desired: Desired{Set: "a"}, Decide: decide, AllowDeletes: allowed}, {Desired: Desired{Set: "b"}, Decide: decide, AllowDeletes: allowed}}
	}
	for allowed, want := range map[int]int{0: 2, 6: 2, 12: 0} {
		all := Proposals{{Desired: Desired{Set: "a"}}, {Desired: Desired{Set: "b"}}}
		all.Decide(goals(allowed), time.Now())
		if got := all.LeftOut(); got != want {
			t.Errorf("%d allowed: %d problems, want %d", allowed, got, want)
		}
	}
}

func removals(n int) (list []UserChange) {
	for i := range n {
		list = append(list, UserChange{Name: fmt.Sprint(i), Kubeconfig: Change[Kubeconfig]{Op: Remove}})
	}
	return list
}
