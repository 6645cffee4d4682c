package view

import (
	"fmt"
	"strings"

	"provision/internal/observe"
	"provision/internal/plan"
)

// approvers tells who may approve requests for client certificates, first and with the way to take it away where that is everybody.
// Nothing is said where it is nobody but those who are administrators of every cluster. brief is how lists are cut.
func (p pen) approvers(a observe.Approvers, brief func(func(lister) string) string) {
	if len(a.List) == 0 {
		return
	}
	p.gap()
	var others []plan.Approver
	for _, one := range a.List {
		if !one.Everybody() {
			others = append(others, one)
			continue
		}
		by := each(one.By, func(h plan.Held) string { return objectName(h.Binding.Object()) })
		p.line(0, p.yellow("!"), fmt.Sprintf("%s (everybody) may approve client certificates for any name and group, by %s", one.Subject, everyone(by)))
		for _, command := range approverWays(one) {
			p.line(4, "", command)
		}
	}
	if len(others) > 0 {
		p.line(0, "", brief(func(names lister) string {
			return "these may approve client certificates for any name and group: " + names(each(others, approverText))
		}))
	}
}

// approverText names one with the bindings by which they may.
func approverText(a plan.Approver) string {
	var about []string
	if a.You {
		about = append(about, "you")
	}
	if len(a.With) > 0 {
		about = append(about, "if also "+strings.Join(each(a.With, plan.Subject.String), " or "))
	}
	about = append(about, each(a.By, func(h plan.Held) string { return objectName(h.Binding.Object()) })...)
	return withBrackets(a.Subject.String(), about...)
}

// approverWays are the commands that take it away from them, each with what it takes as a comment.
func approverWays(a plan.Approver) []string {
	var ways []string
	for _, h := range a.By {
		if h.Subject == a.Subject && h.Set == "" { // what a set grants its users file takes away
			ways = append(ways, wayLine(wayOut(h.Binding, "", []plan.Subject{h.Subject}, nil, everyone)))
		}
	}
	return ways
}

// approversUnknown says why nobody is named; "": they are known.
func approversUnknown(a observe.Approvers) string {
	if a.Err == nil {
		return ""
	}
	return "who may approve client certificates for any name and group is not known: " + OneLine(a.Err)
}

// approverNotes are what a document says of that.
func approverNotes(a observe.Approvers) []note {
	if words := approversUnknown(a); words != "" {
		return []note{{Code: "ApproversNotRead", Message: words}}
	}
	return nil
}

// approverDoc is one who may approve requests for client certificates, for programs.
type approverDoc struct {
	Subject   string   `json:"subject"` // user ann, group dev, serviceaccount ci/robot
	Everybody bool     `json:"everybody"`
	You       bool     `json:"you"`
	With      []string `json:"with"` // subjects one of whom they have to be as well; none: nothing more is needed
	Bindings  []string `json:"bindings"`
	Commands  []string `json:"commands"` // take it away; none for what a set grants
}

// approverDocs writes them for programs. Never nil.
func approverDocs(list []plan.Approver) []approverDoc {
	return each(list, func(a plan.Approver) approverDoc {
		return approverDoc{
			Subject: a.Subject.String(), Everybody: a.Everybody(), You: a.You, With: each(a.With, plan.Subject.String),
			Bindings: each(a.By, func(h plan.Held) string { return objectName(h.Binding.Object()) }), Commands: orEmpty(approverWays(a)),
		}
	})
}
