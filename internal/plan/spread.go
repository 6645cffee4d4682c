package plan

import (
	"fmt"
	"slices"
)

// spread assigns the subjects of want to the existing bindings of the same role and scope, then to new ones, whose names are
// not taken.
func spread(want Binding, existing []Binding, taken map[ObjectKey]bool) []Change[Binding] {
	slices.SortFunc(existing, func(a, b Binding) int { return compareShards(a.Name, b.Name) })
	left := setOf(want.Subjects, itself)
	after := make([]Binding, 0, len(existing)+1)
	names := map[string]bool{}
	for _, b := range existing {
		keep := Binding{Namespace: b.Namespace, Name: b.Name, RoleRef: b.RoleRef, Found: Found{UID: b.UID, ResourceVersion: b.ResourceVersion}}
		for _, s := range b.Subjects {
			if left[s] && len(keep.Subjects) < MaxSubjects {
				keep.Subjects = append(keep.Subjects, s)
				delete(left, s)
			}
		}
		names[b.Name] = true
		after = append(after, keep)
	}
	at, number := 0, 1
	for _, s := range want.Subjects {
		if !left[s] {
			continue
		}
		for at < len(after) && len(after[at].Subjects) >= MaxSubjects {
			at++
		}
		if at == len(after) {
			name := want.Name
			for ; names[name] || taken[ObjectKey{want.Namespace, name}]; number++ {
				//words:ignore the name of an object
				name = fmt.Sprintf("%s:%d", want.Name, number+1)
			}
			names[name] = true
			after = append(after, Binding{Namespace: want.Namespace, Name: name, RoleRef: want.RoleRef})
		}
		after[at].Subjects = append(after[at].Subjects, s)
	}
	changes := make([]Change[Binding], 0, len(after))
	for i, b := range after {
		slices.SortFunc(b.Subjects, compareSubjects)
		if i >= len(existing) {
			changes = append(changes, Change[Binding]{Op: Create, After: &b, Reasons: []Reason{{Code: InFile}}})
			continue
		}
		before := existing[i]
		added, removed := difference(before.Subjects, b.Subjects)
		switch {
		case len(b.Subjects) == 0:
			changes = append(changes, Change[Binding]{Op: Delete, Before: &before, Reasons: []Reason{{Code: NotInFile}}})
		case len(added)+len(removed) > 0 || len(before.Subjects) != len(b.Subjects):
			changes = append(changes, Change[Binding]{Op: Update, Before: &before, After: &b,
				Reasons: []Reason{{Code: SubjectsChanged, Joins: added, Leaves: removed}}})
		default:
			changes = append(changes, Change[Binding]{Op: Keep, Before: &before, After: &b})
		}
	}
	return changes
}

// replaced joins the deletion of a binding with the creation of one of the same name: somebody made ours anew with
// another roleRef. It is the one case where the old one must go first.
func replaced(changes []Change[Binding]) []Change[Binding] {
	deleted := map[ObjectKey]*Binding{}
	for _, c := range changes {
		if c.Op == Delete {
			deleted[c.Before.Key()] = c.Before
		}
	}
	joined := map[ObjectKey]bool{}
	for i, c := range changes {
		if c.Op != Create {
			continue
		}
		key := c.After.Key()
		if before := deleted[key]; before != nil {
			joined[key] = true
			changes[i].Before = before
			changes[i].Reasons = []Reason{{Code: RoleRefChanged, From: before.RoleRef.String(), To: c.After.RoleRef.String()}}
		}
	}
	return slices.DeleteFunc(changes, func(c Change[Binding]) bool {
		return c.Op == Delete && joined[c.Before.Key()]
	})
}
