package plan

import (
	"maps"
	"slices"
	"time"
)

// userWarnings returns the warnings about the users of the plan p: one function for each, in the order in which they are told.
// records are the living ones of the set, as they will be.
func userWarnings(desired Desired, observed Observed, p Plan, records []Record, at moment) []Warning {
	s := scene{desired: desired, observed: observed, plan: p, living: byUser(records), moment: at}
	for _, u := range p.Users {
		if u.Kubeconfig.Op != Remove {
			s.stay = append(s.stay, u)
		}
	}
	return slices.Concat(s.otherHolders(), s.escrowed(), s.stillInGroups(), s.stillAuthenticate(), s.namesAgain(), s.notBegun(), s.durationsLater(), s.issuedElsewhere(),
		s.elsewhereEnds(), s.lostLive(), s.olderLive(), withoutUntilNew(p, observed, s.living, at.lives), s.newGenerations(), s.otherLives(), s.ownKeys(), newRequests(desired.Set, p.Users, false), s.endWarnings())
}

// scene is what the warnings about users are decided from.
type scene struct {
	desired  Desired
	observed Observed
	plan     Plan
	stay     []UserChange        // the users who are not taken out
	living   map[string][]Record // living records, by user
	moment
}

// several returns one warning for all users in a list, and none for an empty list.
func several(w Warning, users []string) []Warning {
	if len(users) == 0 {
		return nil
	}
	w.Items = users
	return []Warning{w}
}

// stillAuthenticate finds the people whom the plan takes out and whose certificates live, each once.
func (s scene) stillAuthenticate() []Warning {
	var list []Warning
	for _, name := range s.plan.Leavers() {
		var seen []*Certificate
		if c := s.observed.believed(name, s.living[name], s.now); c != nil {
			seen = append(seen, c)
		}
		if until, groups := remaining(s.living[name], seen, s.lives); until.After(s.lives) {
			list = append(list, Warning{Code: StillAuthenticates, User: name, Items: groups, Until: until})
		}
	}
	return list
}

// stillInGroups finds the groups that certificates which are replaced still carry.
func (s scene) stillInGroups() []Warning {
	var list []Warning
	for _, u := range s.stay {
		have, records := u.Certificate.Before, s.living[u.Name]
		if u.Certificate.Op == Keep || have == nil || len(records) == 0 && !have.NotAfter.After(s.lives) {
			continue
		}
		until, groups := s.observed.present(u.Name, records, s.lives)
		_, removed := difference(withoutGenerations(groups), u.Certificate.After.Groups)
		removed = slices.DeleteFunc(removed, func(g string) bool { return s.desired.Members[g] }) // it grants nothing of the set's
		if len(removed) > 0 && until.After(s.lives) {
			list = append(list, Warning{Code: StillInGroup, User: u.Name, Items: removed, Until: until})
		}
	}
	return list
}

// namesAgain finds the names of people who left that the file gives again.
func (s scene) namesAgain() []Warning {
	var list []Warning
	for _, u := range s.stay {
		if until := reused(s.living[u.Name], s.lives); !until.IsZero() && u.Certificate.Op != Keep {
			w := Warning{Code: NameAgain, User: u.Name, Until: until}
			if fresh := s.unused(u.Name); u.Generation < fresh {
				w.Generation = fresh
			}
			list = append(list, w)
		}
	}
	return list
}

// unused is the lowest generation that no living certificate of a user has.
func (s scene) unused(user string) int {
	highest := 0
	for _, r := range s.living[user] {
		highest = max(highest, generationIn(s.plan.Set, user, r.Groups))
	}
	return highest + 1
}

// notBegun finds certificates that begin only later.
func (s scene) notBegun() []Warning {
	var list []Warning
	for _, u := range s.stay {
		if have := u.Certificate.Before; u.Certificate.Op == Keep && have != nil && have.NotBefore.After(s.now) {
			list = append(list, Warning{Code: NotBegun, User: u.Name, Until: have.NotBefore})
		}
	}
	return list
}

// durationsLater finds users for whom the file says another duration than that of their certificate.
func (s scene) durationsLater() []Warning {
	asked := map[string]Certificate{}
	for _, u := range s.desired.Users {
		asked[u.Certificate.User] = u.Certificate
	}
	var users []string
	for _, u := range s.stay {
		want, ok := asked[u.Name]
		if have := u.Certificate.Before; u.Certificate.Op == Keep && have != nil && ok && have.Duration != want.Duration && (want.Until.IsZero() || have.Duration > want.Duration) { // a shorter one is cut to the end of the user
			users = append(users, u.Name)
		}
	}
	return several(Warning{Code: DurationLater}, users)
}

// issuedElsewhere finds users whose kubeconfig is not here, and whose certificate is not due.
func (s scene) issuedElsewhere() []Warning {
	var users []string
	for _, u := range s.stay {
		if u.Elsewhere != nil && !u.Due {
			users = append(users, u.Name)
		}
	}
	return several(Warning{Code: IssuedElsewhere}, users)
}

// elsewhereEnds finds users whose kubeconfig is not here, and whose certificate is due. Until is the first end of one.
func (s scene) elsewhereEnds() []Warning {
	var users []string
	var first time.Time
	for _, u := range s.stay {
		if u.Elsewhere == nil || !u.Due {
			continue
		}
		users = append(users, u.Name)
		if first.IsZero() || u.Elsewhere.NotAfter.Before(first) {
			first = u.Elsewhere.NotAfter
		}
	}
	return several(Warning{Code: ElsewhereEnds, Until: first}, users)
}

// lostLive finds users who get a new certificate while one lives whose kubeconfig is elsewhere, or lost. Until is the last
// end of one. Users whose name somebody had who left are not among them: namesAgain tells of these.
func (s scene) lostLive() []Warning {
	var users []string
	var last time.Time
	for _, u := range s.stay {
		if u.Certificate.Op == Keep || u.Certificate.Op == Resume || u.Certificate.Before != nil || !reused(s.living[u.Name], s.lives).IsZero() {
			continue
		}
		if _, _, raised := s.older(u); raised {
			continue // newGenerations tells of these
		}
		if until, _ := remaining(issuedOnly(s.living[u.Name]), nil, s.lives); !until.IsZero() {
			users = append(users, u.Name)
			last = later(last, until)
		}
	}
	return several(Warning{Code: LostLives, Until: last}, users)
}

// olderLive finds users who get a new certificate because the operator asked for it, while the present one lives. Until is
// the last end of one.
func (s scene) olderLive() []Warning {
	var users []string
	var last time.Time
	for _, u := range s.stay {
		if u.Certificate.Before == nil || !asks(u.Certificate.Reasons, Requested) {
			continue
		}
		if until, _ := s.observed.present(u.Name, s.living[u.Name], s.lives); until.After(s.lives) {
			users = append(users, u.Name)
			last = later(last, until)
		}
	}
	return several(Warning{Code: OlderLives, Until: last}, users)
}

// otherLives finds certificates that stay and live shorter or longer than was asked, and those to come that the end of the
// cluster's CA will cut short.
func (s scene) otherLives() []Warning {
	end := caEnd(s.observed.ClientCA)
	var certificates []Certificate
	ends := []time.Time{end}
	for _, u := range s.stay {
		have, after := u.Certificate.Before, u.Certificate.After
		switch {
		case u.Certificate.Op == Keep && have != nil:
			certificates = append(certificates, *have)
			for _, ca := range s.observed.Files[u.Name].Further {
				ends = append(ends, ca.NotAfter)
			}
		case u.Certificate.Op != Keep && after != nil && !end.IsZero() && after.lasts(s.now).After(end):
			short := *after
			short.NotBefore, short.NotAfter = s.now.Add(-backdate), end
			certificates = append(certificates, short)
		}
	}
	return LifeWarnings(certificates, ends)
}

// later returns the later of two moments.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// withoutUntilNew finds who loses a right that the file still gives them: it goes over to a group that only their new
// certificate has, so that they are without it for as long as they work with the kubeconfig that they have.
func withoutUntilNew(p Plan, observed Observed, lives map[string][]Record, now time.Time) []Warning {
	var before, after granted
	users := map[Grant][]string{}
	for _, u := range p.Users {
		if u.Certificate.Op == Keep || u.Certificate.After == nil {
			continue
		}
		until, groups := observed.present(u.Name, lives[u.Name], now)
		if added, _ := difference(groups, u.Certificate.After.Groups); len(added) == 0 || !until.After(now) {
			continue
		}
		if generationIn(p.Set, u.Name, groups) != generationIn(p.Set, u.Name, u.Certificate.After.Groups) {
			continue // newGenerations tells of all that
		}
		if before == nil {
			before, after = grantsIn(p.Set, observed.Bindings), grantsIn(p.Set, p.bindingsAfter(observed))
		}
		kept, to := after.of(u.Name, groups), after.of(u.Name, u.Certificate.After.Groups)
		for _, g := range before.of(u.Name, groups) {
			if !g.in(kept) && g.in(to) {
				users[g] = append(users[g], u.Name)
			}
		}
	}
	var list []Warning
	for _, g := range slices.SortedFunc(maps.Keys(users), compareGrants) {
		list = append(list, Warning{Code: WithoutUntilNew, Role: g.Role, Namespace: g.Namespace, Items: users[g]})
	}
	return list
}

// misplacedWarnings tell of living certificates in files that are not their user's: a copy is as good as the original, and
// one that was renamed is not found by the user's name. Files are the names that those have who are in the set.
func misplacedWarnings(files map[string]string, observed Observed, now time.Time) []Warning {
	var list []Warning
	for _, m := range observed.Misplaced {
		if !m.Certificate.NotAfter.After(now) || m.Certificate.Key != KeyHere { // nobody can log in with what the file holds
			continue
		}
		w := Warning{Code: MisplacedKubeconfig, User: m.User, Name: m.File, Until: m.Certificate.NotAfter}
		own, stays := files[m.User]
		if !stays {
			w.Code = MisplacedOfLeaver
		} else if _, has := observed.Files[m.User]; !has {
			w.To = own
		}
		list = append(list, w)
	}
	return list
}
