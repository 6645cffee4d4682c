package plan

import (
	"slices"
	"time"

	"provision/internal/usersfile"
)

// Deletions counts what is taken away: users, namespaces in which the set loses bindings or roles, and bindings (one for each
// role) and roles that are cluster-wide. A namespace counts once, because whoever may write bindings and roles in it can make
// as many as they like that look like the set's: they must not be able to make it too many. For the same reason bindings count
// for nothing that the set cannot have made, whatever their label says: those with names that it does not give, those that grant
// a Role which is not the set's, and those by which nobody of the set loses anything. Nor do copies, and what the API server
// knows to be written by others only, nor what ends because the file has said when: a file that lost its half does not say that.
func (p Plan) Deletions() int {
	known := p.known()
	own := setOf(p.Roles, func(c Change[Role]) ObjectKey { return c.Object().Key() })
	type loss struct {
		namespace string
		role      ObjectKey // only of what is cluster-wide
		binding   bool      // the same
	}
	lost := map[loss]bool{}
	note := func(l loss) {
		if l.namespace != "" {
			l = loss{namespace: l.namespace}
		}
		lost[l] = true
	}
	for _, c := range p.Bindings {
		if copied, _ := c.Copy(); copied || c.Op != Delete || c.Before.ByOthers || !isShard(c.Before.Name, BindingName(p.Set, c.Before.RoleRef)) {
			continue
		}
		ended := p.agreed(c)
		loses := slices.ContainsFunc(c.Before.Subjects, func(s Subject) bool { return known[s] && !slices.Contains(ended, s) })
		if loses && (c.Before.RoleRef.Kind == "ClusterRole" || own[c.Before.Role()]) {
			note(loss{c.Before.Namespace, c.Before.Role(), true})
		}
	}
	for _, c := range p.Roles {
		if copied, _ := c.Copy(); c.Op == Delete && !copied && !c.Before.ByOthers {
			note(loss{c.Before.Namespace, c.Before.Key(), false})
		}
	}
	return len(p.leaversCounted()) + len(lost)
}

// known are the names and groups of the set, as far as the plan shows them. Generations that are over are not among them: that they
// go is what the file asks for.
func (p Plan) known() map[Subject]bool {
	known, over := map[Subject]bool{}, p.over()
	note := func(user string, groups []string) {
		known[Subject{"User", user}] = !over(user, 0)
		for _, g := range groups {
			if n := usersfile.GenerationIn(p.Set, user, g); n == 0 || !over(user, n) {
				known[Subject{"Group", g}] = true
			}
		}
	}
	for _, u := range p.Users {
		note(u.Name, u.Groups)
		for _, c := range []*Certificate{u.Certificate.Before, u.Certificate.After} {
			if c != nil {
				note(u.Name, c.Groups)
			}
		}
		if u.Elsewhere != nil {
			note(u.Name, u.Elsewhere.Groups)
		}
	}
	for _, c := range p.Ledger.Records {
		note(c.Object().User, c.Object().Groups)
	}
	return known
}

// few is how many deletions are done without being agreed to by number: a fifth of the set, and at least five.
func few(total int) int { return max(5, total/5) }

// tooManyDeletes guards against a file that lost its half. It counts nothing that somebody else has put into the set's place:
// they could make it too many. It returns nil if the deletions may go unasked. now is the moment that a certificate outlives.
func tooManyDeletes(desired Desired, observed Observed, p Plan, now time.Time) *Problem {
	people := map[string]bool{}
	for name, f := range observed.Files {
		if f.State == FileOurs {
			people[name] = true
		}
	}
	for _, r := range observed.Ledger {
		if r.Live(now) && r.Removed.IsZero() {
			people[r.User] = true
		}
	}
	s, total := p.Summarize(), len(people)
	for _, op := range []Op{Keep, Update} {
		total += s.Bindings[op] + s.Roles[op]
	}
	n := p.Deletions()
	total += n - len(p.leaversCounted())
	if desired.Destroy || n <= few(total) {
		return nil
	}
	return &Problem{Code: TooManyDeletes, Count: n, Allowed: few(total), Total: n}
}

// Agree settles the deletions of plans that are applied together: they are no problem when allowed is the number of all
// of them, and otherwise each such problem says that number, and its plan holds them back.
func Agree(plans []*Plan, allowed int) {
	sayOnce(plans)
	total := 0
	for _, p := range plans {
		total += p.Deletions()
	}
	for _, p := range plans {
		at := slices.IndexFunc(p.Problems, func(problem Problem) bool { return problem.Code == TooManyDeletes })
		switch {
		case at < 0:
		case total == allowed:
			p.Problems = slices.Delete(p.Problems, at, at+1)
		default:
			p.Problems[at].Total = total
			p.holdTaking()
		}
	}
}
