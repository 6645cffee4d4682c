package usersfile

import "slices"

// seen holds the names that must not come twice, in one file or in several, and where each came first.
type seen struct {
	sets  map[string]Pos
	users map[string]Pos
	files map[string]User // by fileKey; only Name and Pos are set
	keys  map[string]Pos  // of requests that users have made, by the key's hash

	// Two files that say the same make no mistake of the one that is read later: neither knows of the other.
	twice map[string]bool  // sets that two files describe
	also  map[string][]Pos // users whom two files name: where each does
}

func newSeen() *seen {
	return &seen{sets: map[string]Pos{}, users: map[string]Pos{}, files: map[string]User{}, keys: map[string]Pos{}, twice: map[string]bool{}, also: map[string][]Pos{}}
}

// mark leaves out the sets that two files describe, and gives users whom two files name the place in the other one.
func (s *seen) mark(sets []Set) []Set {
	sets = slices.DeleteFunc(sets, func(set Set) bool { return s.twice[set.Name] })
	for _, set := range sets {
		for i, u := range set.Users {
			for _, at := range s.also[u.Name] {
				if at.File != u.Pos.File {
					set.Users[i].AlsoAt = at
				}
			}
		}
	}
	return sets
}

// share marks the mistake that was just recorded as Shared if the names came first in another file. Names that one file
// repeats are a mistake of that file alone.
func (r *reader) share(v value, first Pos, names ...string) {
	if first.File == r.file {
		return
	}
	r.shared++
	if last := len(r.errs) - 1; r.mistakes == len(r.errs) {
		r.errs[last].Shared = true
	}
	for _, name := range names {
		r.seen.also[name] = append(r.seen.also[name], first, r.at(v))
	}
}
