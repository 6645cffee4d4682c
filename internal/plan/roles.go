package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
)

// computeRoles compares the roles that the set owns. Whatever stands in the way of one is noted at the problem, if unmet has it
// already, or else added.
func computeRoles(desired Desired, observed Observed, unmet []Problem) ([]Change[Role], []Problem) {
	have := map[ObjectKey]Role{}
	for _, r := range observed.Roles {
		have[r.Key()] = r
	}
	var changes []Change[Role]
	for _, want := range desired.Roles {
		key := want.Key()
		now, ok := have[key]
		delete(have, key)
		if !ok {
			if owner, taken := observed.RoleOwners[key]; taken && owner != desired.Set {
				unmet = append(unmet, Problem{Code: ForeignObject, Object: want.Object(), Detail: owner})
				continue
			}
			if at := inMissing(want.Namespace, unmet); at >= 0 {
				unmet[at].Roles = append(unmet[at].Roles, key)
				continue
			}
			changes = append(changes, Change[Role]{Op: Create, After: &want, Reasons: []Reason{{Code: InFile}}})
			continue
		}
		c := Change[Role]{Op: Keep, Before: &now, After: &want}
		if !equality.Semantic.DeepEqual(now.Rules, want.Rules) {
			c.Op, c.Reasons = Update, []Reason{{Code: RulesChanged,
				Allows: without(want.Rules, now.Rules, ruleKey), Forbids: without(now.Rules, want.Rules, ruleKey)}}
		}
		want.UID, want.ResourceVersion = now.UID, now.ResourceVersion
		changes = append(changes, c)
	}
	for _, r := range have {
		reason := Reason{Code: NotInFile}
		if from := r.copyOf(desired, observed); from != "" {
			reason = Reason{Code: Copied, From: from}
		}
		changes = append(changes, Change[Role]{Op: Delete, Before: &r, Reasons: []Reason{reason}})
	}
	sortChanges(changes)
	return changes, unmet
}

// inMissing finds the problem that a namespace is not there, or is being deleted, or returns -1.
func inMissing(namespace string, unmet []Problem) int {
	return slices.IndexFunc(unmet, func(p Problem) bool {
		return (p.Code == NamespaceMissing || p.Code == NamespaceEnding) && p.Name == namespace
	})
}
