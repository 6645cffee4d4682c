package plan

import (
	"slices"
)

// computeBindings spreads the subjects of every role and scope over as many bindings as they need and compares.
// A subject stays in the binding that has it, so that adding one user changes one object. A grant that is not possible is noted
// at the problem among unmet that it needs mended, and left out: see grantable.
func computeBindings(desired Desired, observed Observed, unmet []Problem) ([]Change[Binding], []Problem) {
	grantable := grantable(desired, unmet)
	var changes []Change[Binding]
	var problems []Problem
	have := map[Grant][]Binding{}
	taken := map[ObjectKey]bool{}
	for _, b := range observed.Bindings {
		switch {
		case !b.named(desired.Set): // somebody copied the label: see setWarnings
		case b.Ending: // nobody is put into it, and who is in it is put elsewhere
			taken[b.Key()] = true
			changes = append(changes, Change[Binding]{Op: Delete, Before: &b, Reasons: []Reason{{Code: EndingObject, Added: b.Finalizers}}})
		case !isShard(b.Name, BindingName(desired.Set, b.RoleRef)): // made by somebody; it may have the name of another role's
			changes = append(changes, Change[Binding]{Op: Delete, Before: &b, Reasons: []Reason{{Code: NotInFile}}})
		default:
			s := b.Grant()
			have[s] = append(have[s], b)
		}
	}
	for _, want := range desired.Bindings {
		s := want.Grant()
		changes = append(changes, spread(grantable(want, have[s]), have[s], taken)...)
		delete(have, s)
	}
	granted := map[RoleRef][]Binding{} // what the file grants in namespaces
	for _, c := range changes {
		if c.After != nil && c.After.Namespace != "" {
			granted[c.After.RoleRef] = append(granted[c.After.RoleRef], *c.After)
		}
	}
	for _, list := range have {
		for _, b := range list {
			reason := Reason{Code: NotInFile}
			if from := b.copyOf(desired, observed); from != "" {
				reason = Reason{Code: Copied, From: from, Leaves: absent(b.Subjects, granted[b.RoleRef])}
			}
			changes = append(changes, Change[Binding]{Op: Delete, Before: &b, Reasons: []Reason{reason}})
		}
	}
	changes = slices.DeleteFunc(changes, func(c Change[Binding]) bool {
		if c.Op != Create {
			return false
		}
		key := c.After.Key()
		owner, taken := observed.BindingOwners[key]
		if taken && owner != desired.Set {
			problems = append(problems, Problem{Code: ForeignObject, Object: c.After.Object(), Detail: owner})
			return true
		}
		return false
	})
	named := setOf(problems, func(p Problem) ObjectKey { return p.Object.Key() })
	for key, owner := range observed.BindingOwners {
		if owner != desired.Set && !named[key] {
			problems = append(problems, Problem{Code: LabelGone, Object: Binding{Namespace: key.Namespace, Name: key.Name}.Object(), Detail: owner})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return compareObjects(a.Object, b.Object) })
	changes = replaced(changes)
	sortChanges(changes)
	return changes, problems
}
