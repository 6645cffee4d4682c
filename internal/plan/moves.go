package plan

import (
	"maps"
)

// Moves finds who goes from one set to another in one run: users whom one of the plans leaves out because another set has
// their kubeconfig, while the plan of that set removes it. It returns them by the set that they come to. A removal that is
// held back gives nobody up.
func Moves(plans []*Plan) map[string][]string {
	type entry struct{ set, user string }
	given := map[entry]bool{}
	for _, p := range plans {
		for _, u := range p.Users {
			if u.Kubeconfig.Op == Remove {
				given[entry{p.Set, u.Name}] = true
			}
		}
	}
	moves := map[string][]string{}
	for _, p := range plans {
		for _, problem := range p.Problems {
			if problem.Code == FileOfOtherSet && given[entry{problem.Detail, problem.User}] {
				moves[p.Set] = append(moves[p.Set], problem.User)
			}
		}
	}
	return moves
}

// NoteHeld marks the problems of those who would go from one set to another, were it not held back that the old one gives
// them up.
func NoteHeld(plans []*Plan) {
	type entry struct{ set, user string }
	held := map[entry]bool{}
	for _, p := range plans {
		if p.Held == nil {
			continue
		}
		for _, u := range p.Held.Users {
			if u.Kubeconfig.Op == Remove {
				held[entry{p.Set, u.Name}] = true
			}
		}
	}
	for _, p := range plans {
		for i, problem := range p.Problems {
			p.Problems[i].Held = problem.Code == FileOfOtherSet && held[entry{problem.Detail, problem.User}]
		}
	}
}

// Moving is what was observed, as it is for a set that these users come to.
func (o Observed) Moving(users []string) Observed {
	o.Files = maps.Clone(o.Files)
	for _, name := range users {
		f := o.Files[name]
		f.State = FileMoving
		o.Files[name] = f
	}
	return o
}
