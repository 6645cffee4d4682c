package plan

import "time"

// Goal is what one set is to become, and how that is decided.
type Goal struct {
	Source       string // the users file
	Desired      Desired
	Decide       func(Desired, Observed, time.Time) Plan // Compute, Revoke or Destroy
	AllowDeletes int                                     // of all sets together
	TakesAway    bool                                    // only: then nothing depends on which certificates work
	Failed       error                                   // why the set is not looked at: it could not be before, and its lock is not held; nil: it is
	Partial      bool                                    // sets that users files of the run describe are not among the goals, for mistakes in these
}

// Unlooked leaves out of goals the sets that could not be looked at: nothing is done to a set whose lock is not held.
func (all Proposals) Unlooked(goals []Goal) []Goal {
	list := make([]Goal, 0, len(goals))
	for i, g := range goals {
		if all[i].Failed != nil {
			g.Failed = all[i].Failed
		}
		list = append(list, g)
	}
	return list
}

// Decide plans what was observed, of which there is one for each goal: each set by itself, and then together. A user who goes from one of
// the sets to another is planned once it is known that the first gives them up.
func (all Proposals) Decide(goals []Goal, now time.Time) {
	if len(goals) == 0 {
		return
	}
	for i := range all {
		all[i].Desired = goals[i].Desired.At(all[i].Observed, now)
	}
	together := make([]*Plan, len(all))
	each := func() {
		for i := range all {
			if p := &all[i]; p.Failed == nil {
				p.Plan = goals[i].Decide(p.Desired, p.Observed, now)
			}
			together[i] = &all[i].Plan
		}
		Agree(together, goals[0].AllowDeletes)
		NoteHeld(together)
	}
	each()
	moves := Moves(together)
	if len(moves) == 0 {
		return
	}
	for i, p := range all {
		if users := moves[p.Set]; len(users) > 0 {
			all[i].Observed = p.Observed.Moving(users)
		}
	}
	each()
}
