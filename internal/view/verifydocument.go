package view

import (
	"time"

	"provision/internal/plan"
	"provision/internal/verify"
)

// verifyDoc is the result for programs.
type verifyDoc struct {
	head
	OK     bool            `json:"ok"`     // all is as the users file says
	Strict bool            `json:"strict"` // any right from outside the file is a difference
	Users  []verifyUserDoc `json:"users"`
	Errors []note          `json:"errors"` // why rights from outside the file, or sets whose file has a mistake, were not looked at
}

// verifyUserDoc is a row of it.
type verifyUserDoc struct {
	Set         string        `json:"set"`
	User        string        `json:"user"`
	OK          bool          `json:"ok"` // all is as the users file says
	Groups      []string      `json:"groups"`
	NotAfter    time.Time     `json:"notAfter,omitzero"`
	Grants      int           `json:"grants"`
	Key         plan.KeyPlace `json:"key,omitempty"`  // where the private key is, if it is not here; nobody has logged in then
	Outside     []grantDoc    `json:"outside"`        // what bindings that are not of the set grant, and the file does not give as well
	Differences []string      `json:"differences"`    // from the users file
	Note        string        `json:"note,omitempty"` // what kubectl uses of the kubeconfig, if not what was verified
}

// document makes the document, in the order of the table.
func (v Verification) document() verifyDoc {
	d := verifyDoc{
		head: v.head("Verification"), OK: v.OK() && len(v.Broken) == 0, Strict: v.Strict, Users: []verifyUserDoc{},
		Errors: append(orEmpty(v.unseen()), brokenNotes(v.Broken)...),
	}
	for _, set := range v.Sets {
		for _, r := range set.Results {
			u := verifyUserDoc{
				Set: set.Desired.Set, User: r.User, OK: r.OK(), Groups: orEmpty(r.Groups), NotAfter: r.NotAfter.UTC(), Grants: r.Grants, Key: r.Key,
				Outside: outsideDocs(r.Outside), Differences: each(r.Differences, differenceWords),
			}
			if r.Current != nil {
				u.Note = currentWords([]verify.OtherCurrent{*r.Current}, everyone)
			}
			d.Users = append(d.Users, u)
		}
	}
	return d
}
