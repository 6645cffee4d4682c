package view

import (
	"time"

	"provision/internal/plan"
	"provision/internal/recipient"
)

// statusDoc is the table for programs.
type statusDoc struct {
	head
	Expiring int             `json:"expiring"` // how many certificates end within the time of --expiring
	Errors   []note          `json:"errors"`   // why this may not be everybody
	Users    []statusUserDoc `json:"users"`
	Warnings []note          `json:"warnings"`
	Covered  []string        `json:"covered"` // rolebinding/x -n y: of no set, and the sets grant everybody in it the same
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
	Ends     time.Time     `json:"ends,omitzero"`       // the user, by the users file (until)
	State    plan.State    `json:"state"`
	Grants   []grantDoc    `json:"grants"`             // by the set's own bindings
	Key      plan.KeyPlace `json:"key,omitempty"`      // where the private key is; absent: in the kubeconfig
	SealedTo []string      `json:"sealedTo,omitempty"` // fingerprints and comments of those who can open it
	File     string        `json:"file,omitempty"`
	Expiring bool          `json:"expiring,omitempty"` // theirs ends within that time
	Blocked  bool          `json:"blocked"`            // every certificate of theirs that lives

	Certificates []plan.Record `json:"certificates"` // that live
	Outside      []grantDoc    `json:"outside"`      // what bindings that are not of the set grant, and the set's do not
}

// document makes the document, in the order of the table.
func (st Status) document() statusDoc {
	d := statusDoc{
		head: st.head("Status"), Expiring: st.Expiring(), Errors: append(orEmpty(st.errors()), brokenNotes(st.Broken)...),
		Users: []statusUserDoc{}, Warnings: orEmpty(approverNotes(st.Approvers)), Approvers: approverDocs(st.Approvers.List), Covered: []string{},
	}
	for _, set := range st.Sets {
		for _, w := range st.warnings(set) {
			d.Warnings = append(d.Warnings, warningNote(set.Desired.Set, w))
		}
		d.Covered = append(d.Covered, each(set.Covered, func(b plan.Binding) string { return objectName(b.Object()) })...)
		through := plan.ThroughOf(set.Observed.Bindings)
		for i, u := range set.Users {
			d.Users = append(d.Users, statusUserDoc{
				Set: set.Desired.Set, User: u.User, Groups: orEmpty(u.Groups), Until: u.Until, Older: u.Older, Ends: u.Ends, State: u.State, Key: u.Key, SealedTo: each(u.SealedTo, recipient.Recipient.String), File: st.file(u), Expiring: st.expires(set, u),
				Grants: grantDocs(u, through), Blocked: u.Blocked, Certificates: orEmpty(u.Certificates), Outside: outsideDocs(set.Outside[i]),
			})
		}
	}
	return d
}
