package view

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/mattn/go-runewidth"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// userChange is what changes for one user.
type userChange struct {
	user  string
	file  string // that is removed; "": none
	alike userRow
}

// userRow is what changes for all whom the same happens to.
type userRow struct {
	sign, verb, why string
	whole           bool // as in row
}

// users lists the people whose certificate or kubeconfig changes, in the order of the plan. Many whom the same happens to are one row.
func (v Page) users(p pen, of plan.Plan, o plan.Observed) {
	inError := map[string]bool{}
	for _, problem := range of.Problems {
		inError[problem.User] = true
	}
	var changes []userChange
	unchanged := 0
	for _, u := range of.Users {
		if c, changed := v.userChange(u, o); changed {
			changes = append(changes, c)
		} else if !inError[u.Name] {
			unchanged++
		}
	}
	people := map[userRow][]string{}
	for _, c := range changes {
		people[c.alike] = append(people[c.alike], c.user)
	}
	width := 0
	label := func(c userChange) string {
		if n := len(people[c.alike]); n > few && !c.alike.whole {
			return Plural(n, "user")
		}
		return c.user
	}
	for _, c := range changes {
		width = max(width, runewidth.StringWidth(label(c)))
	}
	var list []row
	told := map[userRow]bool{}
	for _, c := range changes {
		r := row{sign: c.alike.sign, whole: c.alike.whole}
		what := c.alike.verb + c.file
		if label(c) != c.user {
			if told[c.alike] {
				continue
			}
			told[c.alike] = true
			what = c.alike.verb
			r.below = []line{{names: people[c.alike]}}
		}
		r.text = runewidth.FillRight(label(c), width) + "  " + what + c.alike.why
		list = append(list, r)
	}
	v.rows(p, "users", list, unchanged)
}

// userChange says what a plan changes for a user, if it changes anything.
func (v Page) userChange(u plan.UserChange, o plan.Observed) (c userChange, changed bool) {
	c.user = plan.Quoted(u.Name)
	is := func(sign, verb string, reasons []plan.Reason) (userChange, bool) {
		c.alike.sign, c.alike.verb, c.alike.why = sign, verb, ": "+v.reasons(reasons)
		return c, true
	}
	switch {
	case u.Kubeconfig.Op == plan.Remove:
		c.file = " " + filepath.Join(v.Dir, usersfile.FileName(u.Name))
		return is("-", removal(o.Files[u.Name]), u.Kubeconfig.Reasons)
	case u.Certificate.Op != plan.Keep:
		sign := "~"
		if u.Certificate.Before == nil && u.Certificate.Op != plan.Reissue {
			sign = "+"
		}
		c.alike.whole = slices.ContainsFunc(u.Certificate.Reasons, func(r plan.Reason) bool { return r.Code == plan.KeyMoved || r.Code == plan.RecipientsChanged })
		return is(sign, fmt.Sprintf("%s certificate (%s)", u.Certificate.Op, certificateWords(u.Certificate.After)), u.Certificate.Reasons)
	case u.Abandon:
		c.alike.sign, c.alike.verb = "-", "drop the key of an earlier try"
		return c, true
	case u.Kubeconfig.Op != plan.Keep:
		return is("~", "rewrite kubeconfig", u.Kubeconfig.Reasons)
	}
	return c, false
}
