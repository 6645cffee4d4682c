package plan

import (
	"maps"
	"slices"
	"strconv"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/usersfile"
)

// A certificate cannot be revoked, but what the set grants to it can be taken away from it alone: where the file gives a user a
// generation, the certificate carries a group for it, and bindings name that group instead of the user. Once the number is raised
// no certificate from before reaches what the set grants. The file alone says which generation is bound. The ledger only knows
// which ones are over, so that none comes to life again.

// boundAs is the subject by which the bindings of a set name a user of its file.
func boundAs(set string, u usersfile.User) Subject {
	if u.Generation > 0 {
		return Subject{rbacv1.GroupKind, usersfile.GenerationGroup(set, u.Name, u.Generation)}
	}
	return Subject{rbacv1.UserKind, u.Name}
}

// standsFor reports whether a subject is one by which a set has bound a user, and which generation of the user's certificates that
// is; 0: all of them, by the name.
func standsFor(set, user string, s Subject) (generation int, ok bool) {
	switch s.Kind {
	case rbacv1.UserKind:
		return 0, s.Name == user
	case rbacv1.GroupKind:
		n := usersfile.GenerationIn(set, user, s.Name)
		return n, n > 0
	}
	return 0, false
}

// generationIn is the generation of a certificate of a user with some groups: the highest, should it have several.
func generationIn(set, user string, groups []string) int {
	highest := 0
	for _, g := range groups {
		highest = max(highest, usersfile.GenerationIn(set, user, g))
	}
	return highest
}

// withoutGenerations leaves out the groups that stand for generations: nothing else is bound to those.
func withoutGenerations(groups []string) []string {
	return slices.DeleteFunc(slices.Clone(groups), usersfile.IsGenerationGroup)
}

// generations is what the living certificates of one user of a set tell of their generations.
type generations struct {
	highest int
	ended   map[int]time.Time // those that were taken back, with the end of the last certificate of each
}

// generations reads what the ledger has of a user and, where the ledger was lost, the certificate in the user's file.
func (d decision) generations(name string) generations {
	var g generations
	waits := d.observed.Keys[name].KeyHash
	for _, r := range d.records[name] {
		if q := d.requests[r.KeyHash]; r.KeyHash == waits && q.Conforms && q.State == Pending && !r.Resent {
			continue // no certificate has come of it, and none will: it goes with the plan
		}
		n := generationIn(d.set, name, r.Groups)
		g.highest = max(g.highest, n)
		if !r.Revoked.IsZero() {
			if g.ended == nil {
				g.ended = map[int]time.Time{}
			}
			g.ended[n] = later(g.ended[n], r.Until())
		}
	}
	if c := d.observed.Files[name].Certificate; c != nil {
		if n := generationIn(d.set, name, c.Groups); n > g.highest && d.observed.believed(name, d.records[name], d.now) != nil {
			g.highest = n
		}
	}
	return g
}

// least is the lowest generation that the file may give the user.
func (g generations) least() int {
	if _, over := g.ended[g.highest]; over {
		return g.highest + 1
	}
	return g.highest
}

// generationOver says why a user cannot have the generation that the file gives, or nil.
func (d decision) generationOver(u User) *Problem {
	g := d.generations(u.Certificate.User)
	least := g.least()
	if u.Generation >= least {
		return nil
	}
	p := &Problem{Code: GenerationLowered, Pos: u.Pos, User: u.Certificate.User, Generation: u.Generation, Least: least, Ended: slices.Sorted(maps.Keys(g.ended))}
	if until, over := g.ended[u.Generation]; over && u.Generation == g.highest {
		p.Code, p.Until = GenerationEnded, until
	}
	return p
}

// stay are the subjects in bindings that stand for the user of a problem, for no generation below what the file says, and for none
// that was taken back.
func (p Problem) stay(set string, existing []Binding) []Subject {
	var list []Subject
	for _, b := range existing {
		for _, s := range b.Subjects {
			if n, ok := standsFor(set, p.User, s); ok && n >= p.Generation && !slices.Contains(p.Ended, n) && !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	}
	return list
}

// over returns a function that reports whether a generation of a user is over once the plan is done, or the name of one who has a
// generation (0).
func (p Plan) over() func(user string, generation int) bool {
	now, ended := map[string]int{}, map[string][]int{}
	for _, u := range p.Users {
		now[u.Name] = u.Generation
	}
	for _, problem := range p.Problems {
		if len(problem.Ended) > 0 {
			ended[problem.User] = problem.Ended
		}
	}
	return func(user string, generation int) bool {
		return generation < now[user] || slices.Contains(ended[user], generation)
	}
}

// older finds, for a user who gets the first certificate of a generation, the end of the last certificate from before and the groups
// in those. False: there is none, or the generation is not new.
func (s scene) older(u UserChange) (until time.Time, groups []string, raised bool) {
	if u.Certificate.Op == Keep || u.Certificate.After == nil {
		return time.Time{}, nil, false
	}
	now := generationIn(s.plan.Set, u.Name, u.Certificate.After.Groups)
	var before []Record
	for _, r := range s.living[u.Name] {
		switch n := generationIn(s.plan.Set, u.Name, r.Groups); {
		case n < now:
			before = append(before, r)
		case r.Issued() && r.Used():
			return time.Time{}, nil, false
		}
	}
	var seen []*Certificate
	if c := u.Certificate.Before; c != nil {
		if generationIn(s.plan.Set, u.Name, c.Groups) >= now {
			return time.Time{}, nil, false
		}
		seen = append(seen, c)
	}
	until, groups = remaining(before, seen, s.lives)
	return until, groups, !until.IsZero()
}

// newGenerations finds the users whose generation was raised: what the set grants goes from their older certificates to the one that
// they get now.
func (s scene) newGenerations() []Warning {
	var list []Warning
	for _, u := range s.stay {
		if until, groups, raised := s.older(u); raised {
			n := generationIn(s.plan.Set, u.Name, u.Certificate.After.Groups)
			list = append(list, Warning{Code: NewGeneration, User: u.Name, Generation: n, Items: withoutGenerations(groups), Until: until})
		}
	}
	return list
}

// numberOrNone writes a generation; "": there is none.
func numberOrNone(generation int) string {
	if generation == 0 {
		return ""
	}
	return strconv.Itoa(generation)
}

// supersede marks a record of a user whose file gives a higher generation than the certificate has, and reports whether it did.
func (d Desired) supersede(r Record, given map[string]int, now time.Time) (Record, bool) {
	if !r.Revoked.IsZero() || generationIn(d.Set, r.User, r.Groups) >= given[r.User] {
		return r, false
	}
	r.Revoked = now.UTC().Truncate(time.Second)
	return r, true
}
