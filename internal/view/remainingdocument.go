package view

import (
	"strings"
	"time"

	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// remainderDoc is a Remainder for programs.
type remainderDoc struct {
	head
	Certificate string        `json:"certificate,omitempty"` // the id of the one that was revoked while its owner stays
	Sets        []string      `json:"sets"`
	DryRun      bool          `json:"dryRun"` // nothing was kept: what would remain
	Users       []leftWithDoc `json:"users"`
	Traces      []traceDoc    `json:"traces"` // what they could have made or read until now, which goes on
	// AuditQuery is a jq command that finds in an audit log what was done with their certificates.
	AuditQuery string        `json:"auditQuery,omitempty"`
	Approvers  []approverDoc `json:"approvers"` // who may approve certificates for any name and group
	Errors     []note        `json:"errors"`    // why this may not be all
}

// leftWithDoc is what one person is left with.
type leftWithDoc struct {
	User    string         `json:"user"`
	Until   time.Time      `json:"until,omitzero"` // none: no certificate of theirs lives
	Groups  []string       `json:"groups"`
	Blocked bool           `json:"blocked"` // every certificate of theirs that these sets know
	Grants  []leftGrantDoc `json:"grants"`
	Others  []inSetDoc     `json:"otherSets"` // that know living certificates of that name, too
}

// inSetDoc is what another set knows of them.
type inSetDoc struct {
	Set       string    `json:"set"`
	Namespace string    `json:"namespace"` // of its ledger
	Until     time.Time `json:"until"`
	Groups    []string  `json:"groups"`
	Removed   bool      `json:"removed"`           // the person has left that set already
	Command   string    `json:"command,omitempty"` // has them leave it; none if they have
}

// leftGrantDoc is what a binding still grants to them.
type leftGrantDoc struct {
	Binding   string `json:"binding"`
	Role      string `json:"role"`
	Through   string `json:"through"`
	Set       string `json:"set,omitempty"`
	Proof     string `json:"proof,omitempty"`
	Allowed   bool   `json:"allowed"`
	Namespace string `json:"namespace,omitempty"`
	// These are questions about what no block refuses, to which the API server says yes.
	Impersonates string `json:"impersonates,omitempty"`    // to act as others
	Alters       string `json:"altersAdmission,omitempty"` // to change webhooks and policies, the block among them
	Command      string `json:"command,omitempty"`         // takes it away; not for what a set grants to a group
}

// document makes the document, with what is not known as its errors.
func (r Remainder) document() remainderDoc {
	d := remainderDoc{
		head: r.head("Remainder"), DryRun: r.DryRun, Users: []leftWithDoc{}, Traces: traceDocs(r.Traces), AuditQuery: r.auditQuery(), Approvers: approverDocs(r.Approvers.List),
		Errors: orEmpty(append(ledgerNotes(r.Others), approverNotes(r.Approvers)...)),
	}
	if r.Certificate != nil {
		d.Certificate = r.Certificate.CredentialID
	}
	d.Sets = each(r.Sets, func(set usersfile.Set) string { return set.Name })
	for _, p := range r.Plans {
		for _, damage := range p.Observed.LedgerProblems {
			what, _ := problemWords(p.Set, damage, everyone)
			d.Errors = append(d.Errors, note{Set: p.Set, Code: string(damage.Code), Message: what})
		}
	}
	d.Errors = append(d.Errors, brokenNotes(r.Broken)...)
	ways := taken{}
	for _, one := range r.People {
		_, blocked := r.blocks(one.User)
		d.Users = append(d.Users, leftWithDoc{
			User: one.User, Until: one.Until, Groups: one.Groups, Blocked: blocked,
			Grants: each(one.Grants, func(a cluster.Access) leftGrantDoc { return r.grantDoc(a, one.User, ways) }),
			Others: each(one.Others, func(o observe.InSet) inSetDoc {
				d := inSetDoc{Set: o.Set, Namespace: o.Namespace, Until: o.Until, Groups: orEmpty(o.Groups), Removed: o.Removed}
				if !o.Removed {
					d.Command = revokeThere(o.Set, one.User)
				}
				return d
			}),
		})
	}
	return d
}

// grantDoc writes what a binding grants to a user. The commands of a document count on those before them.
func (r Remainder) grantDoc(a cluster.Access, user string, ways taken) leftGrantDoc {
	d := leftGrantDoc{
		Binding: objectName(a.Binding.Object()), Namespace: a.Binding.Namespace, Role: objectName(a.Binding.RoleRef.In("")),
		Through: strings.ToLower(a.Subject.Kind) + " " + a.Subject.Name, Set: a.Set, Proof: a.Proof, Allowed: a.Allowed, Impersonates: a.Impersonates, Alters: a.Alters,
	}
	if r.own(a.Set) {
		d.Command = r.keptGroup(a)
	} else {
		if command, about := ways.wayOut(a.Binding, a.Set, []plan.Subject{a.Subject}, []string{user}, everyone); command != "" || a.Set == "" {
			d.Command = wayLine(command, about)
		}
	}
	return d
}
