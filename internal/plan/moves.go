package plan

import "maps"

// Moves finds who goes from one set to another in one run: users whom one of the plans leaves out because another set has
// their kubeconfig, while the plan of that set removes it. It returns them by the set that they come to. A removal that is
// held back gives nobody up.
func Moves(plans []*Plan) map[string][]string {
	given := map[place]bool{}
	for _, p := range plans {
		p.givesUp(given)
	}
	moves := map[string][]string{}
	for _, p := range plans {
		for _, problem := range p.Problems {
			if problem.Code == FileOfOtherSet && given[place{problem.Detail, problem.User}] {
				moves[p.Set] = append(moves[p.Set], problem.User)
			}
		}
	}
	return moves
}

// place is a user's place in a set.
type place struct{ set, user string }

// givesUp adds the places of which the plan removes the kubeconfig.
func (p *Plan) givesUp(to map[place]bool) {
	for _, u := range p.Users {
		if u.Kubeconfig.Op == Remove {
			to[place{p.Set, u.Name}] = true
		}
	}
}

// NoteHeld marks the problems of those who would go from one set to another, were it not held back that the old one gives
// them up.
func NoteHeld(plans []*Plan) {
	held := map[place]bool{}
	for _, p := range plans {
		if p.Held != nil {
			p.Held.givesUp(held)
		}
	}
	for _, p := range plans {
		for i, problem := range p.Problems {
			p.Problems[i].Held = problem.Code == FileOfOtherSet && held[place{problem.Detail, problem.User}]
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
