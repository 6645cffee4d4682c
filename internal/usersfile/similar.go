package usersfile

import "strings"

// SimilarGroup is a group of a user that the set does not define and that may be misspelt: it is like one that the set defines.
type SimilarGroup struct {
	Pos     Pos    // of the first user who is in it
	User    string // this user
	Group   string
	Defined string
}

// maxPairs is how many pairs of names SimilarGroups compares, which takes some tenths of a second. For all pairs of a file that
// was made for it, it would take hours.
const maxPairs = 1_000_000

// SimilarGroups returns the groups that may be misspelt, each with the first user who is in it. After maxPairs it stops. A group
// that is bound elsewhere needs no definition, so only those are meant whose name is a letter away from one that is defined.
// Names that differ in a number or in a short part, like class-1 and class-2, do not count.
func (s Set) SimilarGroups() []SimilarGroup {
	checked := map[string]bool{}
	for _, g := range s.Groups {
		checked[g.Name] = true
	}
	pairs := 0
	var list []SimilarGroup
	for _, u := range s.Users {
		for _, group := range u.Groups {
			if checked[group] {
				continue
			}
			checked[group] = true
			if pairs += len(s.Groups); pairs > maxPairs {
				return list
			}
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

// similar reports whether two different names differ only in case, or by one letter of one part of four letters or more.
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

// Closest returns the one of the known words that a misspelt one was most likely meant to be, or "".
func Closest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return k
		}
		if len(word) > 2*len(k) {
			continue
		}
		if d := distance(word, k); d < least && d*2 < len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete, replace or swap with the next to turn a into b.
func distance(a, b string) int {
	before, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
