package view

import (
	"encoding/json"
	"slices"
	"time"
)

// together puts those that have the same likeness beside each other, in the order of the first of each; one with the likeness nil
// stays alone. People read once what differs only in whom it concerns; documents for programs keep an entry for each. A likeness
// is made of codes and values, never of words.
func together[T any](list []T, likeness func(T) any) [][]T {
	var groups [][]T
	at := map[any]int{}
	for _, one := range list {
		like := likeness(one)
		if i, known := at[like]; known && like != nil {
			groups[i] = append(groups[i], one)
			continue
		}
		at[like] = len(groups)
		groups = append(groups, []T{one})
	}
	return groups
}

// values makes one comparable value of several: two lists of names give two values, however the names are cut.
func values(list ...any) string {
	data, err := json.Marshal(list)
	if err != nil {
		return ""
	}
	return string(data)
}

// latest returns the last of some moments, and whether they are written differently: seconds are not.
func latest[T any](list []T, of func(T) time.Time) (last time.Time, differ bool) {
	last = of(slices.MaxFunc(list, func(a, b T) int { return of(a).Compare(of(b)) }))
	return last, slices.ContainsFunc(list, func(one T) bool { return timeWords(of(one)) != timeWords(last) })
}

// untilWords writes until when something holds for several; single writes it for each, or "" where it is the same for all.
func untilWords[T any](list []T, of func(T) time.Time) (all string, single func(T) string) {
	last, differ := latest(list, of)
	if !differ {
		return "until " + timeWords(last), func(T) string { return "" }
	}
	return "until " + timeWords(last) + " at the latest", func(one T) string { return "until " + timeWords(of(one)) }
}
