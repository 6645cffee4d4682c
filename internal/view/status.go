package view

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	pick "provision/internal/format"
	"provision/internal/observe"
	"provision/internal/plan"
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
	Only      []string      // of whom warnings are told; empty: of everybody
	Now       time.Time     // by the clock of this machine
	Server    time.Time     // by the clock of the API server
}

// Print writes a table for people, with what they should know besides on standard error; a table for another program; names; or a
// document.
func (st Status) Print(s Streams, format string) error {
	switch format {
	case "text", "wide":
		st.draw(s, format == "wide")
		return nil
	case "name":
		for _, set := range st.Sets {
			for _, u := range set.Users {
				fmt.Fprintln(s.Out, u.User)
			}
		}
		return nil
	case "csv":
		return pick.CSV(s.Out, st.records().rows)
	case "markdown":
		return st.table(style{}, true).markdown(s.Out)
	}
	return printDocument(s.Out, format, st.document())
}

// Pick leaves only the rows for which keep is true and, where Within is set, of those the expiring ones; and puts those of each set
// in an order: by user, as they come; until, with those who have no certificate last; or state.
func (st *Status) Pick(keep func(plan.UserStatus) bool, order string) {
	type row struct {
		plan.UserStatus
		outside []plan.Held
	}
	for at := range st.Sets {
		set := &st.Sets[at]
		var rows []row
		for i, u := range set.Users {
			if keep(u) && (st.Within == 0 || st.expires(*set, u)) {
				rows = append(rows, row{u, set.Outside[i]})
			}
		}
		slices.SortStableFunc(rows, func(a, b row) int {
			switch order {
			case "until":
				if a.Until.IsZero() || b.Until.IsZero() {
					return b.Until.Compare(a.Until)
				}
				return a.Until.Compare(b.Until)
			case "state":
				return cmp.Compare(a.State, b.State)
			}
			return 0
		})
		set.Users = each(rows, func(r row) plan.UserStatus { return r.UserStatus })
		set.Outside = each(rows, func(r row) []plan.Held { return r.outside })
	}
}

// Empty reports whether no row is left, where every set could be looked at.
func (st Status) Empty() bool {
	return !slices.ContainsFunc(st.Sets, func(set observe.SetStatus) bool { return set.Failed != nil || len(set.Users) > 0 })
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
func (st Status) draw(s Streams, whole bool) {
	p := s.out()
	st.table(p.style, whole).write(p)
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
	p.covered(st.Sets)
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
	return slices.DeleteFunc(plan.StatusWarnings(set.Desired, set.Observed, st.Now), func(w plan.Warning) bool {
		return len(st.Only) > 0 && w.User != "" && !slices.Contains(st.Only, w.User)
	})
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

// grantTexts writes grants as kubectl names objects: "clusterrole/edit -n payments". Never nil.
func grantTexts(grants []plan.Grant) []string {
	return each(grants, func(g plan.Grant) string { return objectName(g.Role.In(g.Namespace)) })
}
