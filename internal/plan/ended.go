package plan

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
)

// A certificate keeps its groups until it ends, and with them what is bound to them. So when somebody is revoked who has a group
// that the set binds (bindTo: Group), the set binds its members instead, those whom it knows to have it, and the binding notes it. The
// group does not come back by itself: the next apply stops at it until the file says bindTo: Members, or shared: true to bind it again.

// EndedAnnotation notes on a binding which groups the set binds no more. A ledger may be lost, and this stays.
const EndedAnnotation = "provision/ended-groups"

// EndedGroup is a group that was taken out of the bindings of a set although its file says bindTo: Group.
type EndedGroup struct {
	Group string    `json:"group"`
	User  string    `json:"user"`           // who was revoked
	Since time.Time `json:"since"`          // when
	Until time.Time `json:"until,omitzero"` // when the last certificate of theirs with it ends
}

// Subject is the group as bindings name it.
func (e EndedGroup) Subject() Subject { return Subject{rbacv1.GroupKind, e.Group} }

// ReadEnded reads the annotation of a binding, which whoever may edit the binding can write. A text that cannot be read notes nothing.
func ReadEnded(text string) []EndedGroup {
	var list []EndedGroup
	if text == "" || json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	for i, e := range list {
		list[i].User = strings.ToValidUTF8(e.User[:min(len(e.User), longestName)], "")
	}
	return slices.DeleteFunc(list, func(e EndedGroup) bool { return e.Group == "" })
}

// longestName is as much of a user's name as is told.
const longestName = 256

// EndedText is the annotation of a binding with some subjects: a group that is one of them has not ended. "": it needs none.
func EndedText(list []EndedGroup, subjects []Subject) string {
	list = slices.DeleteFunc(slices.Clone(list), func(e EndedGroup) bool { return slices.Contains(subjects, e.Subject()) })
	if len(list) == 0 {
		return ""
	}
	text, _ := json.Marshal(list) // strings and times
	return string(text)
}

// Ending is a group that a plan takes out of the bindings.
type Ending struct {
	EndedGroup
	Leavers []string  `json:"leavers"`           // who is revoked and has it in a living certificate, sorted
	Members []Subject `json:"members,omitempty"` // who is bound instead
	Waits   []string  `json:"waits,omitempty"`   // further members, who are not known to have it in a certificate: the next apply binds them
}

// carried are the groups in somebody's living certificates, and when the last of those ends.
type carried struct {
	until  time.Time
	groups []string
}

// groupsOf names the groups.
func groupsOf(list []EndedGroup) []string {
	var names []string
	for _, e := range list {
		names = append(names, e.Group)
	}
	return sortedOnce(names)
}

// Noted are the groups that the file binds itself and that the bindings note as ended, sorted.
func Noted(desired Desired, observed Observed) []string {
	var names []string
	for _, problem := range endedGroups(desired, observed, nil) {
		names = append(names, problem.Name)
	}
	return names
}

// endedGroups finds the groups that the file binds itself and that the set must not bind: a binding notes it, or the set does not bind
// the group now and somebody who left has it, in one of records, the living ones.
func endedGroups(desired Desired, observed Observed, records []Record) []Problem {
	noted := map[string]EndedGroup{}
	for _, b := range observed.Bindings {
		if !b.named(desired.Set) || b.Origin.Namespace != "" && b.Origin.Namespace != b.Namespace {
			continue
		}
		for _, e := range b.Ended {
			if old, ok := noted[e.Group]; !ok || e.Since.Before(old.Since) {
				noted[e.Group] = e
			}
		}
	}
	bound := groupsBound(desired.Set, observed.Bindings)
	again := desired.givenAgain()
	for _, r := range records {
		over := cmp.Or(r.Removed, r.Revoked)
		if over.IsZero() || again[r.User] && r.Revoked.IsZero() {
			continue
		}
		for _, g := range r.Groups {
			if e, ok := noted[g]; !bound[g] && (!ok || e.User == r.User && r.Until().After(e.Until)) {
				noted[g] = EndedGroup{g, r.User, over, r.Until()}
			}
		}
	}
	var problems []Problem
	wanted := groupsBound(desired.Set, desired.Bindings) // all that a group was granted may have ended by itself
	for g, e := range noted {
		if pos, ok := desired.Whole[g]; ok && wanted[g] {
			problems = append(problems, Problem{Code: GroupEnded, Pos: pos, Name: g, User: e.User, Since: e.Since, Until: e.Until})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Name, b.Name) })
	return problems
}

// ended is the group of a problem.
func (p Problem) ended() EndedGroup { return EndedGroup{p.Name, p.User, p.Since, p.Until} }

// givenAgain are the users whose names somebody had who left, and who are the same people (reuse: true).
func (d Desired) givenAgain() map[string]bool {
	again := map[string]bool{}
	for _, u := range d.Users {
		if u.Reuse {
			again[u.Certificate.User] = true
		}
	}
	return again
}

// members are the users of the file in a group, as bindings name them.
func (d Desired) members(group string) []Subject {
	var list []Subject
	for _, u := range d.Users {
		if slices.Contains(u.Groups, group) {
			list = append(list, u.Subject)
		}
	}
	return list
}

// endGroups plans to bind members instead of the groups that people have in living certificates: of each group those users of the
// file who have it in one, too, and none of the people; where the ledger is lost or damaged, all the users of the file in it. Held
// are the groups of each of the people, until when: it takes those that the set binds and the file defines, unless it says that they
// are shared. The groups are in p.Ended then.
func (p *Plan) endGroups(desired Desired, observed Observed, held map[string]carried, at moment) {
	bound := groupsBound(desired.Set, observed.Bindings)
	for user, l := range held {
		for _, g := range l.groups {
			if _, whole := desired.Whole[g]; !bound[g] || !whole && !desired.Members[g] {
				continue
			}
			i := slices.IndexFunc(p.Ended, func(e Ending) bool { return e.Group == g })
			if i < 0 {
				i = len(p.Ended)
				p.Ended = append(p.Ended, Ending{EndedGroup: EndedGroup{Group: g, Since: at.now.UTC().Truncate(time.Second)}})
			}
			e := &p.Ended[i]
			e.Leavers = append(e.Leavers, user)
			if l.until.After(e.Until) || l.until.Equal(e.Until) && user < e.User {
				e.User, e.Until = user, l.until
			}
		}
	}
	slices.SortFunc(p.Ended, func(a, b Ending) int { return cmp.Compare(a.Group, b.Group) })
	if len(p.Ended) == 0 {
		return
	}
	records := byUser(live(observed.Ledger, at.lives))
	seen := certificatesIn(observed, records, at.lives)
	unknown := len(records) == 0 || len(observed.LedgerProblems) > 0
	for i := range p.Ended {
		e := &p.Ended[i]
		slices.Sort(e.Leavers)
		for _, u := range desired.Users {
			name := u.Certificate.User
			_, goes := held[name]
			switch {
			case goes, !slices.Contains(u.Groups, e.Group):
			case unknown, has(desired.Set, u, e.Group, records[name], seen[name]):
				e.Members = append(e.Members, u.Subject)
			default:
				e.Waits = append(e.Waits, name)
			}
		}
	}
}

// ending is what a binding is to note: what it does, and those of some groups that leave it, where the file binds them itself.
func (d Desired) ending(b Binding, ended map[Subject]Ending) []EndedGroup {
	list := slices.Clone(b.Ended)
	for _, s := range b.Subjects {
		e, ends := ended[s]
		if _, whole := d.Whole[e.Group]; ends && whole && !slices.Contains(groupsOf(list), e.Group) {
			list = append(list, e.EndedGroup)
		}
	}
	slices.SortFunc(list, func(a, b EndedGroup) int { return cmp.Compare(a.Group, b.Group) })
	return list
}

// has reports whether a user of a set has a group in a living certificate of the generation that the file gives.
func has(set string, u User, group string, records []Record, seen []*Certificate) bool {
	return slices.ContainsFunc(records, func(r Record) bool {
		return r.Issued() && r.Used() && r.Removed.IsZero() && r.Revoked.IsZero() && generationIn(set, r.User, r.Groups) == u.Generation && slices.Contains(r.Groups, group)
	}) || slices.ContainsFunc(seen, func(c *Certificate) bool {
		return GenerationOf(set, *c) == u.Generation && slices.Contains(c.Groups, group) &&
			!slices.ContainsFunc(records, func(r Record) bool { return r.KeyHash == c.KeyHash && !(r.Removed.IsZero() && r.Revoked.IsZero()) })
	})
}
