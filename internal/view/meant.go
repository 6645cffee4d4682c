package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/hint"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Meant doubts a name that is in none of the users files: which of their users may be meant, each with flag before the name;
// "": none is like it.
func Meant(name, flag string, sets []usersfile.Set) string {
	var known []string
	for _, set := range sets {
		for _, u := range set.Users {
			known = append(known, u.Name)
		}
	}
	if parts := strings.FieldsFunc(name, func(r rune) bool { return r == ',' || r == ' ' }); len(parts) > 1 &&
		!slices.ContainsFunc(parts, func(part string) bool { return !slices.Contains(known, part) }) {
		return "name each by itself: " + strings.Join(each(parts, func(part string) string { return flag + hint.ShellWord(part) }), " ")
	}
	if meant := usersfile.Closest(name, known); meant != "" {
		return "did you mean " + flag + hint.ShellWord(meant) + "?"
	}
	return ""
}

// NobodyNamed refuses names that nothing in the plans bears, with the sets that know them, by certificates that live at a moment;
// or says which of the plans' sets may still have them, as it could not be looked at whole.
func NobodyNamed(names []string, all plan.Proposals, sets []usersfile.Set, others observe.Ledgers, lives time.Time) error {
	listed := everyone(each(names, plan.Quoted))
	for _, p := range all {
		if why := unread(p); why != nil { // the names are gone with the records
			return fmt.Errorf("nothing was changed: no other set has the name %s, and the set %s could not be looked at: %w", listed, p.Set, why)
		}
	}
	var ways []string
	for _, of := range others.List {
		people := of.People(lives)
		for _, name := range names {
			if until, _ := people.Remaining(name); !until.IsZero() {
				ways = append(ways, fmt.Sprintf("the set %s knows that name: provision revoke --set %s %s", of.Set, of.Set, hint.ShellWord(name)))
			}
		}
	}
	way := "is it spelled right? provision status lists everybody"
	if meant := Meant(names[0], "", sets); len(ways) > 0 {
		way = strings.Join(ways, "\n")
	} else if meant != "" {
		way = meant + " (provision status lists everybody)"
	}
	return hint.With(fmt.Errorf("nothing of the set bears the name %s: nothing was changed", listed), way)
}
