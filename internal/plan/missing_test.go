package plan

import (
	"fmt"
	"testing"
)

// TestMissingHostile looks for what missing roles were meant to be only as far as maxPairs goes: each is told all the same.
func TestMissingHostile(t *testing.T) {
	const owners, missed = 10_000, 300
	o := Observed{RoleOwners: map[ObjectKey]string{{Name: "reader"}: ""}}
	for i := len(o.RoleOwners); i < owners; i++ {
		o.RoleOwners[ObjectKey{Name: fmt.Sprintf("x-%d", i)}] = ""
	}
	var d Desired
	for range missed {
		d.References = append(d.References, Reference{Object: Object{Kind: "ClusterRole", Name: "raeder"}})
	}
	problems, told := missing(d, o), 0
	for _, p := range problems {
		if p.Detail == "reader" {
			told++
		}
	}
	if len(problems) != missed || told != maxPairs/owners {
		t.Errorf("%d problems, %d of them with what was meant, want %d and %d", len(problems), told, missed, maxPairs/owners)
	}
}
