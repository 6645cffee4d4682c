package plan

import (
	"fmt"
	"slices"
	"strings"
)

// spread assigns the subjects of want to the existing bindings of the same role and scope, then to new ones, whose names are
// not taken. A group that want notes as ended is noted in one of them, even if that has no subjects.
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
	after = noteEnded(want, existing, after)
	changes := make([]Change[Binding], 0, len(after))
	for i, b := range after {
		slices.SortFunc(b.Subjects, compareSubjects)
		if i >= len(existing) {
			c := Change[Binding]{Op: Create, After: &b, Reasons: []Reason{{Code: InFile}}}
			if len(b.Ended) > 0 {
				c.Reasons = append(c.Reasons, Reason{Code: GroupsEnded, Groups: groupsOf(b.Ended)})
			}
			changes = append(changes, c)
			continue
		}
		before := existing[i]
		if len(b.Subjects)+len(b.Ended) == 0 {
			changes = append(changes, Change[Binding]{Op: Delete, Before: &before, Reasons: []Reason{{Code: NotInFile}}})
			continue
		}
		changes = append(changes, updated(before, b))
	}
	return changes
}

// updated is the change of a binding: Keep if nothing of it does.
func updated(before, after Binding) Change[Binding] {
	c := Change[Binding]{Op: Keep, Before: &before, After: &after}
	added, removed := difference(before.Subjects, after.Subjects)
	if len(added)+len(removed) > 0 || len(before.Subjects) != len(after.Subjects) {
		c.Reasons = append(c.Reasons, Reason{Code: SubjectsChanged, Joins: added, Leaves: removed})
	}
	if ended, decided := difference(groupsOf(before.Ended), groupsOf(after.Ended)); len(ended)+len(decided) > 0 {
		if len(ended) > 0 {
			c.Reasons = append(c.Reasons, Reason{Code: GroupsEnded, Groups: ended})
		}
		if len(decided) > 0 {
			c.Reasons = append(c.Reasons, Reason{Code: GroupsDecided, Groups: decided})
		}
	}
	if len(c.Reasons) > 0 {
		c.Op = Update
	}
	return c
}

// noteEnded puts the groups that want notes as ended where they are noted, and the others into the first of the bindings after.
func noteEnded(want Binding, existing, after []Binding) []Binding {
	left := setOf(want.Ended, func(e EndedGroup) string { return e.Group })
	for i, b := range existing {
		for _, e := range b.Ended {
			if slices.ContainsFunc(want.Ended, func(w EndedGroup) bool { return w.Group == e.Group }) {
				after[i].Ended = append(after[i].Ended, e)
				delete(left, e.Group)
			}
		}
	}
	for _, e := range want.Ended {
		if !left[e.Group] {
			continue
		}
		if len(after) == 0 {
			after = append(after, Binding{Namespace: want.Namespace, Name: want.Name, RoleRef: want.RoleRef})
		}
		after[0].Ended = append(after[0].Ended, e)
	}
	for i := range after {
		slices.SortFunc(after[i].Ended, func(a, b EndedGroup) int { return strings.Compare(a.Group, b.Group) })
	}
	return after
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
