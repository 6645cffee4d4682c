package view

import (
	"fmt"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Valid tells how much a set without mistakes has, and doubts the groups that may be misspelt, with every place of them if all.
func (s Streams) Valid(set usersfile.Set, all bool) {
	s.out().line(0, "", fmt.Sprintf("%s: set %s is valid: %s, %s, %s", set.Pos.File, set.Name,
		Plural(len(set.Users), "user"), Plural(len(set.Groups), "group"), Plural(len(set.Roles), "role")))
	switch groups := set.SimilarGroups(); len(groups) {
	case 0:
	case 1:
		g := groups[0]
		s.Warning(g.Pos.String() + ": " + similarGroupWords(g.User, g.Group, g.Defined))
	default:
		doubts := each(groups, func(g usersfile.SimilarGroup) string {
			return meantGroup(g.Group, g.Defined, plan.Quoted(g.User)+" at "+g.Pos.String())
		})
		s.Warning(similarGroupsWords(doubts, Page{All: all}.names))
	}
}
