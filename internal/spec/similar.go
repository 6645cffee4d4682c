package spec

import "strings"

// SimilarGroup is a group of a user that the set does not define, and one like it that it does: perhaps misspelt.
type SimilarGroup struct {
	Pos     Pos    // of the first user who is in it
	User    string // this user
	Group   string
	Defined string
}

// SimilarGroups lists the groups that may be misspelt. Groups that are bound elsewhere need no definition, so it is
// doubtful only where a name is a letter away from one that is defined. Names that differ in a number or in a short
// part, like class-1 and class-2, are no such pair.
func (s Set) SimilarGroups() []SimilarGroup {
	checked := map[string]bool{}
	for _, g := range s.Groups {
		checked[g.Name] = true
	}
	var list []SimilarGroup
	for _, u := range s.Users {
		for _, group := range u.Groups {
			if checked[group] {
				continue
			}
			checked[group] = true
			for _, g := range s.Groups {
				if similar(group, g.Name) {
					list = append(list, SimilarGroup{Pos: u.Pos, User: u.Name, Group: group, Defined: g.Name})
					break
				}
			}
		}
	}
	return list
}

// similar says whether two different names differ only in case, or by one letter of one part of four letters or more.
func similar(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	parts := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(":-_./@ ", r) })
	}
	p, q := parts(a), parts(b)
	if len(p) != len(q) {
		return false
	}
	differ := 0
	for i := range p {
		if p[i] == q[i] {
			continue
		}
		if min(len(p[i]), len(q[i])) < 4 || strings.ContainsAny(p[i]+q[i], "0123456789") || distance(p[i], q[i]) > 1 {
			return false
		}
		differ++
	}
	return differ == 1
}
