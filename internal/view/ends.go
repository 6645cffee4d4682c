package view

import (
	"strings"
	"time"

	"provision/internal/plan"
)

// fewEnds is how many moments are listed at which something of the file ends by itself.
const fewEnds = 10

// endings lists what of a file ends by itself, and when: what ends at one moment is one line.
func (v Page) endings(p pen, list []plan.End) {
	upcoming := make([]plan.End, 0, len(list))
	for _, e := range list {
		if !e.Passed { // a warning tells of those
			upcoming = append(upcoming, e)
		}
	}
	if len(upcoming) == 0 {
		return
	}
	p.title("ends by itself")
	groups := together(upcoming, func(e plan.End) any { return e.At })
	for i, group := range groups {
		if i == fewEnds && !v.All {
			p.line(4, "", "... and "+thousands(len(groups)-i)+" more moments (--show-all lists them)")
			break
		}
		p.line(4, "", momentWords(group[0].At)+"  "+v.brief(func(names lister) string { return momentTexts(group, names) }))
	}
}

// momentWords writes the exact moment of an end, with its zone: seconds where it has some.
func momentWords(t time.Time) string {
	if t.Second() != 0 {
		return t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return timeWords(t)
}

// momentTexts names what ends at one moment: several users together.
func momentTexts(list []plan.End, names lister) string {
	var users, others []string
	for _, e := range list {
		if e.Role == (plan.RoleRef{}) && e.Group == "" {
			users = append(users, plan.Quoted(e.User))
			continue
		}
		others = append(others, endText(e))
	}
	var parts []string
	if len(others) > 0 {
		parts = append(parts, names(others))
	}
	switch len(users) {
	case 0:
	case 1:
		parts = append(parts, "user "+users[0])
	default:
		parts = append(parts, "users "+names(users))
	}
	return strings.Join(parts, "; ")
}

// endText names what ends: "user jane", "what group a:b is granted", "clusterrole/view -n shop of user jane".
func endText(e plan.End) string {
	switch {
	case e.Role == (plan.RoleRef{}) && e.Group != "":
		return "all that is granted to group " + plan.Quoted(e.Group)
	case e.Role == (plan.RoleRef{}):
		return "user " + plan.Quoted(e.User)
	}
	what := objectName(e.Role.In(""))
	if len(e.Namespaces) > 0 {
		what += " (" + strings.Join(e.Namespaces, " ") + ")"
	}
	if e.Group != "" {
		return what + " of group " + plan.Quoted(e.Group)
	}
	return what + " of user " + plan.Quoted(e.User)
}

// endsWithLines names what ends with where the users file says so, and when.
func endsWithLines(list []plan.End) []string {
	return each(list, func(e plan.End) string { return endText(e) + " (" + momentWords(e.At) + ", " + e.Pos.String() + ")" })
}
