package plan

import (
	"slices"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Fit reports whether a certificate with some groups does for one that is wanted with others: it has all of these, and of further
// ones only such as the file binds to their members, which give nobody anything of the set's. A group too many of that kind goes
// with the next renewal.
func Fit(members map[string]bool, have, want []string) bool {
	lacks, more := difference(have, want)
	return len(lacks) == 0 && !slices.ContainsFunc(more, func(g string) bool { return !members[g] })
}

// carryOn keeps in a certificate that follows another those of its user's groups in the other that bindings of the set still have
// for a subject: their members may be refused in the group's place, and then nobody must lose by a renewal what they have by it.
func (d decision) carryOn(c *UserChange, u User, have []string) {
	for _, g := range have {
		if d.members[g] && d.bound[g] && slices.Contains(u.Groups, g) && !slices.Contains(c.Certificate.After.Groups, g) {
			c.Certificate.After = c.Certificate.After.carrying(slices.Sorted(slices.Values(append(slices.Clone(c.Certificate.After.Groups), g))))
		}
	}
}

// carrying is a certificate with other groups.
func (c Certificate) carrying(groups []string) *Certificate {
	c.Groups = groups
	return &c
}

// groupsBound are the groups that bindings of a set have for a subject.
func groupsBound(set string, bindings []Binding) map[string]bool {
	groups := map[string]bool{}
	for _, b := range bindings {
		if !b.named(set) {
			continue
		}
		for _, s := range b.Subjects {
			if s.Kind == rbacv1.GroupKind {
				groups[s.Name] = true
			}
		}
	}
	return groups
}

// noteLeavers adds to the plan's changes of bindings whom they cut off although they name a group only: people who left the set, and
// have one of the groups that leave in a living certificate. records are the living ones of the set, as they will be.
func (p Plan) noteLeavers(named map[string]bool, records []Record) {
	carry := map[string][]string{}
	for _, r := range records {
		if !r.Removed.IsZero() && !named[r.User] {
			for _, g := range r.Groups {
				carry[g] = append(carry[g], r.User)
			}
		}
	}
	for _, c := range p.Bindings {
		for i := range c.Reasons {
			r := &c.Reasons[i]
			if r.Code != SubjectsChanged {
				continue
			}
			for _, s := range r.Leaves {
				if s.Kind == rbacv1.GroupKind {
					r.Leavers = append(r.Leavers, carry[s.Name]...)
				}
			}
			slices.Sort(r.Leavers)
			r.Leavers = slices.Compact(r.Leavers)
		}
	}
}

// Released are the groups that the file binds to their members, or that end, and that bindings of the set had for a subject, and
// none has once the plan is done. Sorted.
func (p Plan) Released(desired Desired, observed Observed) []string {
	if desired.Revoke {
		var groups []string
		for _, e := range p.Ended {
			groups = append(groups, e.Group)
		}
		return groups
	}
	stays := p.StillBound(observed)
	var groups []string
	for g := range groupsBound(p.Set, observed.Bindings) {
		if desired.Members[g] && !stays[Subject{rbacv1.GroupKind, g}] {
			groups = append(groups, g)
		}
	}
	slices.Sort(groups)
	return groups
}

// releasedGroups tells of groups that are bound no more, and who is known to have them besides the members that the set binds
// instead: people of other sets, by their ledgers, and whomever others have bound a group for.
func (p Plan) releasedGroups(desired Desired, groups []string, ledgers []SetLedger, held Holdings, now time.Time) []Warning {
	member := map[string][]string{}
	for _, u := range desired.Users {
		member[u.Certificate.User] = u.Groups
	}
	var list []Warning
	for _, g := range groups {
		w := Warning{Code: GroupReleased, Name: g}
		if i := slices.IndexFunc(p.Ended, func(e Ending) bool { return e.Group == g }); i >= 0 {
			w.Code, w.Left, w.Items = GroupEnds, p.Ended[i].Leavers, p.Ended[i].Waits
		}
		for _, l := range ledgers {
			for _, r := range live(l.Records, now) {
				if l.Set != desired.Set && r.Removed.IsZero() && slices.Contains(r.Groups, g) && !slices.Contains(member[r.User], g) {
					w.Holders = append(w.Holders, Holder{r.User, l.Set})
				}
			}
		}
		slices.SortFunc(w.Holders, compareHolders)
		w.Holders = slices.Compact(w.Holders)
		for _, h := range held[Subject{rbacv1.GroupKind, g}] {
			w.Held = append(w.Held, h.bare())
		}
		slices.SortFunc(w.Held, compareHeld)
		list = append(list, w)
	}
	return list
}

func compareHolders(a, b Holder) int { return compareKeys(a.User, a.Set, b.User, b.Set) }
