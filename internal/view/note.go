package view

import (
	"strings"

	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// note is a warning or an error in a document.
type note struct {
	Set     string   `json:"set"`
	Code    string   `json:"code"`
	Message string   `json:"message"`
	User    string   `json:"user,omitempty"`  // the user that it is about, if it is one
	Users   []string `json:"users,omitempty"` // the users that it is about, if they are several
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	Hint    string   `json:"hint,omitempty"` // the way out

	LeftOut []leftOutDoc `json:"leftOut,omitempty"` // what the plan leaves out for an error
	Outside []grantDoc   `json:"outside,omitempty"` // the rights from outside the file that it is about

	Short string `json:"-"` // the message as people read it, if that has fewer names
}

// warningNote makes a note of a warning, with all its names: programs cannot ask for more.
func warningNote(set string, w plan.Warning) note {
	n := note{Set: set, Code: string(w.Code), Message: warningWords(w, everyone), User: w.User, Hint: strings.Join(warningWays(w, everyone), "\n")}
	if w.Outside() {
		n.Outside = outsideDocs(w.Held)
	}
	if w.User == "" && w.OfUsers() {
		n.Users = w.Items
		if len(n.Users) == 1 {
			n.User = n.Users[0]
		}
	}
	return n
}

// problemNote makes a note of a problem, with all its names.
func problemNote(set string, p plan.Problem) note {
	what, hint := problemWords(set, p, everyone)
	return note{Set: set, Code: string(p.Code), Message: what, User: p.User, Users: p.Items, File: p.Pos.File, Line: p.Pos.Line, Hint: hint}
}

// setNotRead makes a note of a set that could not be looked at; command is to be run again once that is mended.
func setNotRead(set string, err error, command string) note {
	return note{Set: set, Code: "SetNotRead", Message: "the set " + set + " could not be looked at: " + OneLine(err), Hint: hintFor(err, command)}
}

// ledgerNotes makes notes of what is not known of other sets.
func ledgerNotes(l observe.Ledgers) []note {
	switch {
	case l.Err != nil:
		return []note{{Code: "LedgersUnknown", Message: "what other sets' certificates allow is not known: " + OneLine(l.Err)}}
	case !l.Everywhere:
		return []note{{Code: "LedgersUnsearched", Message: "sets whose ledger is in another namespace were not looked at: you may not list configmaps in all namespaces"}}
	}
	return nil
}

// brokenNotes makes a note of each mistake in the users files.
func brokenNotes(broken usersfile.Errors) []note {
	return each(broken, func(e usersfile.Error) note {
		return note{Code: "NotRead", Message: OneLine(e), File: e.Pos.File, Line: e.Pos.Line}
	})
}
