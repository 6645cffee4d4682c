package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"provision/internal/usersfile"
)

// TakenNames warns of names that a plan of a set gives for the first time (names), by what other sets' ledgers say of them.
// Somebody who left another set holds a certificate for the name as much as somebody who left this one. But people move from one team to
// another, so that it is no error. One warning tells of all sets: anybody who may write there can invent more.
func TakenNames(names map[string]bool, set string, ledgers []SetLedger, now time.Time) []Warning {
	type about struct {
		code WarningCode
		user string
	}
	by := map[about]*Warning{}
	for _, other := range ledgers {
		for name, records := range byUser(live(other.Records, now)) {
			if !names[name] || other.Set == set {
				continue
			}
			until := reused(records, now)
			k := about{NameInOtherSet, name}
			if !until.IsZero() {
				k.code = NameAgain
			}
			if by[k] == nil {
				by[k] = &Warning{Code: k.code, User: name}
			}
			w := by[k]
			if !slices.Contains(w.Items, other.Set) { // in two namespaces
				w.Items = append(w.Items, other.Set)
			}
			if until.After(w.Until) {
				w.Until = until
			}
		}
	}
	var list []Warning
	for _, w := range by {
		list = append(list, *w)
	}
	slices.SortStableFunc(list, func(a, b Warning) int { return cmp.Or(cmp.Compare(a.Code, b.Code), strings.Compare(a.User, b.User)) })
	return list
}

// NewlyBoundGroups are the groups that the plan grants something to that they did not have, sorted. Those that stand for one user's
// certificates are not among them: no file gives them to anybody.
func (p Plan) NewlyBoundGroups() []string {
	var groups []string
	for _, c := range p.Bindings {
		if c.Op != Create && c.Op != Update {
			continue
		}
		for _, s := range c.After.Subjects {
			if s.Kind == "Group" && !usersfile.IsGenerationGroup(s.Name) && (c.Before == nil || !slices.Contains(c.Before.Subjects, s)) {
				groups = append(groups, s.Name)
			}
		}
	}
	return sortedOnce(groups)
}

// SharedGroups tells who carries a group in a living certificate and is not among those whom the file gives it to: people of other
// sets, and of this one who have it from earlier. Those who were removed are among them although the file names them again, unless
// it says that they are the same person.
func SharedGroups(desired Desired, groups []string, ledgers []SetLedger, now time.Time) []Warning {
	given, again := map[string][]string{}, map[string]bool{} // user -> groups, user -> whether it is the same person
	for _, u := range desired.Users {
		given[u.Certificate.User], again[u.Certificate.User] = u.Certificate.Groups, u.Reuse
	}
	believed := func(r Record, g string) bool {
		return slices.Contains(given[r.User], g) && (r.Removed.IsZero() || again[r.User])
	}
	var list []Warning
	for _, g := range groups {
		w := Warning{Code: SharedGroup, Name: g}
		for _, l := range ledgers {
			for _, r := range live(l.Records, now) {
				if !slices.Contains(r.Groups, g) || l.Set == desired.Set && believed(r, g) {
					continue
				}
				w.Holders = append(w.Holders, Holder{r.User, l.Set})
			}
		}
		if slices.SortFunc(w.Holders, compareHolders); len(w.Holders) > 0 {
			w.Holders = slices.Compact(w.Holders)
			list = append(list, w)
		}
	}
	return list
}

// UnfiledSets tells of those sets, by name, in which people have living certificates and have not left.
func UnfiledSets(sets map[string]bool, ledgers []SetLedger, now time.Time) []Warning {
	var list []Warning
	for _, l := range ledgers {
		if !sets[l.Set] {
			continue
		}
		w := Warning{Code: SetUnfiled, Name: l.Set}
		for _, r := range live(l.Records, now) {
			if r.Removed.IsZero() {
				w.Items = append(w.Items, r.User)
			}
		}
		if w.Items = sortedOnce(w.Items); len(w.Items) > 0 {
			list = append(list, w)
		}
	}
	return list
}
