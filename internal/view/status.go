package view

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// Status is who has what, until when, of some sets.
type Status struct {
	Page
	Sets      []observe.SetStatus
	Others    *observe.Ledgers // of all sets of the cluster; nil: nobody asked for those
	AllSets   bool
	Approvers observe.Approvers
	Within    time.Duration // a certificate that ends within this time is expiring; 0: none is
	Now       time.Time     // by the clock of this machine
	Server    time.Time     // by the clock of the API server
}

// Print writes a table for people, with what they should know besides on standard error, or a document.
func (st Status) Print(s Streams, format string) error {
	if format != "text" {
		return printDocument(s.Out, format, st.document())
	}
	st.draw(s)
	return nil
}

// Expiring counts the users of the files whose certificate ends soon, or has ended.
func (st Status) Expiring() int {
	n := 0
	for _, set := range st.Sets {
		for _, u := range set.Users {
			if st.expires(set, u) {
				n++
			}
		}
	}
	return n
}

// expires reports whether a user of the file is among those whose certificate ends soon, by the API server's clock, or whom nothing
// here renews.
func (st Status) expires(set observe.SetStatus, u plan.UserStatus) bool {
	if st.Within == 0 || u.State == plan.StateRemoved {
		return false
	}
	return !u.Until.IsZero() && u.Until.Sub(set.Observed.ServerTime(st.Now)) < st.Within || u.State == plan.StateElsewhereDue || u.State == plan.StateNewRequest
}

// file returns the path of a user's kubeconfig; "": there is none.
func (st Status) file(u plan.UserStatus) string {
	if u.File == "" {
		return ""
	}
	return filepath.Join(st.Dir, usersfile.FileName(u.User))
}

// draw writes the table, what concerns several of its rows, and what a person should know of the sets.
func (st Status) draw(s Streams) {
	p := s.out()
	st.table().write(p.w)
	var expiring, older []string
	var outside []plan.Held
	for _, set := range st.Sets {
		for i, u := range set.Users {
			outside = append(outside, set.Outside[i]...)
			if st.expires(set, u) {
				expiring = append(expiring, plan.Quoted(u.User))
			}
			if !u.Older.IsZero() {
				older = append(older, plan.Quoted(u.User)+" until "+timeWords(u.Older))
			}
		}
	}
	p.outside(outside)
	if len(older) > 0 {
		p.gap()
		p.line(0, "", "an earlier certificate goes on for longer: "+cut(inDocument, func(names lister) string { return names(older) }))
	}
	if n := len(expiring); n > 0 {
		p.gap()
		p.line(0, "", p.red(Plural(n, "certificate")+" expiring: "+cut(inDocument, func(names lister) string { return names(slices.Compact(expiring)) })))
	}
	p.approvers(st.Approvers, func(text func(lister) string) string { return cut(inDocument, text) })
	for _, group := range together(st.told(), likeness) {
		s.Warning(cut(inDocument, func(names lister) string { return warningsWords(group, names) }))
	}
	if words := approversUnknown(st.Approvers); words != "" {
		s.Warning(words)
	}
	for _, n := range st.errors() {
		s.Warning("not everybody may be listed: " + cmp.Or(n.Short, n.Message))
		s.err().hint(0, n.Hint)
	}
}

// table has a row for each user. It says which set they are of where there are several.
func (st Status) table() table {
	drawn := 0
	for _, set := range st.Sets {
		if len(set.Users) > 0 {
			drawn++
		}
	}
	var t table
	row := func(set string, cells ...string) {
		if st.AllSets || drawn > 1 {
			cells = append([]string{set}, cells...)
		}
		t.add(cells...)
	}
	row("SET", "USER", "STATE", "UNTIL", "LEFT", "FILE", "GROUPS", "OUTSIDE", "GRANTS")
	for _, set := range st.Sets {
		for i, u := range set.Users {
			until, left, file := "-", "-", "-"
			if !u.Until.IsZero() {
				until, left = timeWords(u.Until), leftWords(u.Until.Sub(st.Server))
			}
			if u.File != "" {
				file = filepath.Base(st.file(u)) // the operator knows in which directory
			}
			row(set.Desired.Set, u.User, stateWords(u), until, left, file, orDash(strings.Join(u.Groups, " ")), outsideCell(set.Outside[i]), orDash(grantsWords(u.Grants)))
		}
	}
	return t
}

// told returns the warnings that people read: one of the cluster only once for all sets.
func (st Status) told() []plan.Warning {
	var list []plan.Warning
	for _, set := range st.Sets {
		for _, w := range st.warnings(set) {
			if !w.OfCluster() || !slices.ContainsFunc(list, func(before plan.Warning) bool { return before.Code == w.Code }) {
				list = append(list, w)
			}
		}
	}
	return list
}

// warnings returns all of a set; none of one that could not be looked at.
func (st Status) warnings(set observe.SetStatus) []plan.Warning {
	if set.Failed != nil {
		return nil
	}
	return plan.StatusWarnings(set.Desired, set.Observed, st.Now)
}

// errors makes notes of why not everybody may be listed.
func (st Status) errors() []note {
	var list []note
	if st.Others != nil {
		list = ledgerNotes(*st.Others)
	}
	for _, set := range st.Sets {
		if set.Failed != nil {
			list = append(list, setNotRead(set.Desired.Set, set.Failed, "provision status"))
			continue
		}
		for _, p := range plan.LedgerProblems(set.Desired, set.Observed, st.Now) {
			n := problemNote(set.Desired.Set, p)
			n.Short = cut(inDocument, func(names lister) string {
				what, _ := problemWords(set.Desired.Set, p, names)
				return what
			})
			list = append(list, n)
		}
	}
	return list
}

// grantsWords writes the grants of one role together, "edit (a b)", to keep a row on its line.
func grantsWords(grants []plan.Grant) string {
	var words []string
	for _, group := range together(grants, func(g plan.Grant) any { return g.Role }) {
		where := each(group, func(g plan.Grant) string { return cmp.Or(g.Namespace, "whole cluster") })
		words = append(words, plan.Quoted(group[0].Role.Name)+" ("+strings.Join(where, " ")+")")
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

// grantTexts writes grants as kubectl names objects: "clusterrole/edit -n payments". Never nil.
func grantTexts(grants []plan.Grant) []string {
	return each(grants, func(g plan.Grant) string { return objectName(g.Role.In(g.Namespace)) })
}

// statusDoc is the table for programs.
type statusDoc struct {
	head
	Expiring int             `json:"expiring"`
	Errors   []note          `json:"errors"` // why this may not be everybody
	Users    []statusUserDoc `json:"users"`
	Warnings []note          `json:"warnings"`
	// Approvers are those who may approve certificates for any name and group, but for the administrators of every cluster.
	Approvers []approverDoc `json:"approvers"`
}

// statusUserDoc is a row of it.
type statusUserDoc struct {
	Set      string        `json:"set"`
	User     string        `json:"user"`
	Groups   []string      `json:"groups"`
	Until    time.Time     `json:"until,omitzero"`
	Older    time.Time     `json:"olderUntil,omitzero"` // an earlier certificate ends later than that
	State    plan.State    `json:"state"`
	Grants   []string      `json:"grants"`
	Key      plan.KeyPlace `json:"key,omitempty"`      // where the private key is; absent: in the kubeconfig
	SealedTo []string      `json:"sealedTo,omitempty"` // fingerprints and comments of those who can open it
	File     string        `json:"file,omitempty"`
	Expiring bool          `json:"expiring,omitempty"`
	Blocked  bool          `json:"blocked"` // every certificate of theirs that lives

	Certificates []plan.Record `json:"certificates"` // that live
	Outside      []outsideDoc  `json:"outside"`      // what bindings that are not of the set grant, and the set's do not
}

// document makes the document, in the order of the table.
func (st Status) document() statusDoc {
	d := statusDoc{
		head: st.head("Status"), Expiring: st.Expiring(), Errors: append(orEmpty(st.errors()), brokenNotes(st.Broken)...),
		Users: []statusUserDoc{}, Warnings: orEmpty(approverNotes(st.Approvers)), Approvers: approverDocs(st.Approvers.List),
	}
	for _, set := range st.Sets {
		for _, w := range st.warnings(set) {
			d.Warnings = append(d.Warnings, warningNote(set.Desired.Set, w))
		}
		for i, u := range set.Users {
			d.Users = append(d.Users, statusUserDoc{
				Set: set.Desired.Set, User: u.User, Groups: orEmpty(u.Groups), Until: u.Until, Older: u.Older, State: u.State, Key: u.Key, SealedTo: each(u.SealedTo, recipient.Recipient.String), File: st.file(u), Expiring: st.expires(set, u),
				Grants: grantTexts(u.Grants), Blocked: u.Blocked, Certificates: orEmpty(u.Certificates), Outside: outsideDocs(set.Outside[i]),
			})
		}
	}
	return d
}
