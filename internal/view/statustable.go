package view

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"provision/internal/hint"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// table has a row for each user. It says which set they are of where there are several. Whole, it has
// the kubeconfigs too, which are named as their users.
func (st Status) table(colours style, whole bool) table {
	drawn, outside, ending := 0, false, false
	for _, set := range st.Sets {
		if len(set.Users) > 0 {
			drawn++
		}
		for _, held := range set.Outside {
			outside = outside || len(held) > 0
		}
		ending = ending || slices.ContainsFunc(set.Users, func(u plan.UserStatus) bool { return !u.Ends.IsZero() })
	}
	var t table
	var states []plan.State
	row := func(set, user, state, until, left, ends, file, groups, out, grants string) {
		var cells []string
		if whole || st.AllSets || drawn > 1 {
			cells = append(cells, set)
		}
		cells = append(cells, user, state, until, left)
		if ending {
			cells = append(cells, ends)
		}
		if whole {
			cells = append(cells, file)
		}
		t.add(append(cells, groups, out, grants)...)
	}
	row("SET", "USER", "STATE", "UNTIL", "LEFT", "ENDS", "FILE", "GROUPS", "OUTSIDE", "GRANTS")
	for _, set := range st.Sets {
		for i, u := range set.Users {
			until, left, ends, file := "-", "-", "-", "-"
			if !u.Ends.IsZero() {
				ends = momentWords(u.Ends)
			}
			if !u.Until.IsZero() {
				until, left = timeWords(u.Until), leftWords(u.Until.Sub(st.Server))
			}
			if u.File != "" {
				file = filepath.Base(st.file(u)) // the operator knows in which directory
			}
			states = append(states, u.State)
			row(set.Desired.Set, u.User, stateWords(u), until, left, ends, file, orDash(strings.Join(u.Groups, " ")), outsideCell(set.Outside[i]), orDash(grantsWords(u)))
		}
	}
	at := func(title string) int { return slices.Index(t.rows[0], title) }
	t.broken = []int{at("GROUPS"), at("GRANTS")}
	t.spare = []int{at("UNTIL"), at("GROUPS")}
	if !outside {
		t.spare = []int{at("OUTSIDE"), at("UNTIL"), at("GROUPS")}
	}
	state := at("STATE")
	t.colour = func(row, column int) func(string) string {
		if row == 0 || column != state {
			return nil
		}
		return stateColour(colours, states[row-1])
	}
	return t
}

// KnownState refuses a word that is no state of a user.
func KnownState(word string) error {
	states := each(plan.States(), func(s plan.State) string { return string(s) })
	if slices.Contains(states, word) {
		return nil
	}
	way := "a state is one of: " + strings.Join(each(states, hint.ShellWord), ", ")
	if meant := usersfile.Closest(word, states); meant != "" {
		way = "did you mean " + hint.ShellWord(meant) + "?"
	}
	return hint.With(fmt.Errorf("--state: there is no state %s", plan.Quoted(word)), way)
}

// stateColour is how a state is painted: what asks for something is not as the rest.
func stateColour(s style, state plan.State) func(string) string {
	switch state {
	case plan.StateValid:
		return s.green
	case plan.StateExpired, plan.StateMissing, plan.StateElsewhereDue, plan.StateNotYet, plan.StateRevoked:
		return s.red
	case plan.StateRenewSoon, plan.StateReissue, plan.StatePending, plan.StateNewRequest, plan.StateElsewhere:
		return s.yellow
	case plan.StateRemoved, plan.StateBlocked, plan.StateEnded:
	}
	return s.faint
}

// records has the same rows for another program: every value as itself, and nothing where there is none.
func (st Status) records() table {
	var t table
	t.add("set", "user", "state", "until", "olderUntil", "expiring", "blocked", "key", "file", "groups", "grants", "outside", "ends")
	for _, set := range st.Sets {
		for i, u := range set.Users {
			outside := each(outsideDocs(set.Outside[i]), func(o grantDoc) string { return o.Role + " by " + o.Binding })
			t.add(set.Desired.Set, u.User, string(u.State), timestamp(u.Until), timestamp(u.Older), strconv.FormatBool(st.expires(set, u)), strconv.FormatBool(u.Blocked),
				string(u.Key), st.file(u), strings.Join(u.Groups, ";"), strings.Join(grantTexts(u.Grants), ";"), strings.Join(outside, ";"), timestamp(u.Ends))
		}
	}
	return t
}

// timestamp writes a moment for a program; "": there is none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// grantsWords writes the grants of one role together, "edit (a b)", to keep a row on its line, with when they end by themselves.
func grantsWords(u plan.UserStatus) string {
	type alike struct {
		role plan.RoleRef
		ends time.Time
	}
	var words []string
	for _, group := range together(u.Grants, func(g plan.Grant) any { return alike{g.Role, u.GrantEnds[g]} }) {
		where := each(group, func(g plan.Grant) string { return cmp.Or(g.Namespace, "whole cluster") })
		text := plan.Quoted(group[0].Role.Name) + " (" + strings.Join(where, " ") + ")"
		if at := u.GrantEnds[group[0]]; !at.IsZero() && !at.Equal(u.Ends) {
			text += " until " + momentWords(at)
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}

// stateWords is the state of a user, with where their private key is if that is not in the kubeconfig.
func stateWords(u plan.UserStatus) string {
	switch u.Key {
	case plan.KeySealed:
		return string(u.State) + " (sealed)"
	case plan.KeyOwn:
		return string(u.State) + " (own key)"
	case plan.KeyHere:
	}
	return string(u.State)
}

// leftWords writes the time that is left: days, and below two days hours, below two hours minutes.
func leftWords(d time.Duration) string {
	switch {
	case d <= 0:
		return "ended"
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
