// Package audit makes what an auditor gets: who can authenticate until when, what they may do and by what, who left and what is left of
// them, and what could not be read. It gathers nothing and names no object of its own: it puts in rows what was observed, writes the rows as
// a page, as tables and as a document, and lists the hashes of these files.
package audit

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/recipient"
)

// Report is all that the files of a report say.
type Report struct {
	FormatVersion string    `json:"formatVersion"`
	Kind          string    `json:"kind"`
	Time          time.Time `json:"time"` // of what is said, by the API server's clock, in UTC
	Cluster       Cluster   `json:"cluster"`
	OutputDir     string    `json:"outputDir,omitempty"`
	Program       string    `json:"program"`  // the version of provision
	Operator      string    `json:"operator"` // who made the report, as the API server calls them
	Redacted      bool      `json:"redacted"` // names stand for other names, and texts that hold names are left out

	Sources      []Source      `json:"sources"`
	Unread       []string      `json:"unread"` // why this may not be all
	Notes        []string      `json:"notes"`  // what else a reader should know
	People       []Person      `json:"people"`
	Certificates []Certificate `json:"certificates"`
	Grants       []Grant       `json:"grants"`
	Approvers    []Approver    `json:"approvers"`
	Hidden       int           `json:"hidden"` // texts that Redact has left out of Unread and Notes
}

// Cluster is the cluster, as the operator's own context has it.
type Cluster struct {
	Name   string `json:"name"`
	Server string `json:"server"`
	UID    string `json:"uid"` // of its namespace kube-system
}

// Source is a users file, or a set that only its ledger describes.
type Source struct {
	Set       string `json:"set"`
	File      string `json:"file,omitempty"`   // none: only the ledger knows the set
	Digest    string `json:"digest,omitempty"` // as certificates are recorded with it in the ledger
	Commit    string `json:"commit,omitempty"` // of git, that the working tree is at; none: the file is not there in it
	Changed   bool   `json:"changed"`          // the file is not as it is in the commit
	Namespace string `json:"ledgerNamespace,omitempty"`
}

// Person is a user of a set, or somebody who left and of whom something is left.
type Person struct {
	Set        string     `json:"set"`
	User       string     `json:"user"`
	State      plan.State `json:"state"`
	Left       bool       `json:"left"`           // the users file no longer gives them anything
	Groups     []string   `json:"groups"`         // by the users file, or in a living certificate
	Until      time.Time  `json:"until,omitzero"` // can authenticate that long; zero: cannot
	Ends       time.Time  `json:"ends,omitzero"`  // by the users file
	Key        string     `json:"key"`            // where the private key is, in words
	SealedTo   []string   `json:"sealedTo,omitempty"`
	File       string     `json:"file,omitempty"` // the kubeconfig, in the output directory; none: it is not there
	Generation int        `json:"generation,omitempty"`
	Blocked    bool       `json:"blocked"` // the API server refuses what all their certificates write
}

// Certificate is one that lives, or may live.
type Certificate struct {
	Set          string    `json:"set"`
	User         string    `json:"user"`
	CredentialID string    `json:"credentialID,omitempty"` // as audit logs show it
	KeyHash      string    `json:"keyHash"`
	Groups       []string  `json:"groups"`
	NotBefore    time.Time `json:"notBefore,omitzero"`
	NotAfter     time.Time `json:"notAfter,omitzero"` // zero: nobody has seen it, and it may live
	Intended     time.Time `json:"intended,omitzero"` // when it was asked for
	By           string    `json:"by,omitempty"`      // the operator who did
	Digest       string    `json:"digest,omitempty"`  // of the users file by which
	State        string    `json:"state"`             // valid, removed, revoked, blocked, not used, not seen
}

// Grant is what somebody has by one binding.
type Grant struct {
	Set       string     `json:"set"` // of the person
	User      string     `json:"user"`
	RoleKind  string     `json:"roleKind"`
	Role      string     `json:"role"`
	Namespace string     `json:"namespace,omitempty"` // none: the whole cluster
	Through   string     `json:"through"`             // user or group, as the binding has it
	Binding   string     `json:"binding"`
	From      string     `json:"from"` // this set, set NAME, or no set
	Power     plan.Power `json:"power,omitempty"`
	Until     time.Time  `json:"until,omitzero"` // when it ends by the users file
	Left      bool       `json:"left"`           // the person has left
}

// Where a grant comes from.
const (
	ThisSet = "this set"
	NoSet   = "no set"
)

// Approver may approve certificates for any name and group.
type Approver struct {
	Subject   string   `json:"subject"`
	Everybody bool     `json:"everybody"`
	With      []string `json:"with"` // one of these they have to be as well; none: nothing more is needed
	Bindings  []string `json:"bindings"`
}

// Of makes a report of what was observed of some sets, and of who may approve. The rest of the report is the caller's to fill in.
func Of(sets []observe.SetStatus, approvers []plan.Approver) Report {
	r := Report{FormatVersion: "1", Kind: "AuditReport", Sources: []Source{}, Unread: []string{}, Notes: []string{}, People: []Person{}, Certificates: []Certificate{}, Grants: []Grant{}, Approvers: []Approver{}}
	for _, set := range sets {
		wanted := map[string]plan.User{}
		for _, u := range set.Desired.Users {
			wanted[u.Certificate.User] = u
		}
		through := plan.ThroughOf(set.Observed.Bindings)
		for i, u := range set.Users {
			p := person(set.Desired.Set, u)
			p.Generation = wanted[u.User].Generation
			p.Groups = append(p.Groups, wanted[u.User].Groups...)
			slices.Sort(p.Groups)
			p.Groups = slices.Compact(p.Groups)
			r.People = append(r.People, p)
			for _, record := range u.Certificates {
				r.Certificates = append(r.Certificates, certificate(set, u, record))
			}
			r.Grants = append(r.Grants, grants(set, u, through, set.Outside[i])...)
		}
	}
	for _, a := range approvers {
		one := Approver{Subject: a.Subject.String(), Everybody: a.Everybody(), With: []string{}, Bindings: []string{}}
		for _, s := range a.With {
			one.With = append(one.With, s.String())
		}
		for _, h := range a.By {
			one.Bindings = append(one.Bindings, h.Binding.Object().String())
		}
		r.Approvers = append(r.Approvers, one)
	}
	return r
}

func person(set string, u plan.UserStatus) Person {
	p := Person{Set: set, User: u.User, State: u.State, Groups: append([]string{}, u.Groups...), Until: u.Until, Ends: u.Ends, File: u.File, Blocked: u.Blocked}
	if u.Older.After(p.Until) {
		p.Until = u.Older
	}
	switch u.State {
	case plan.StateRemoved, plan.StateBlocked, plan.StateEnded:
		p.Left = true
	case plan.StateExpired, plan.StateMissing, plan.StatePending:
		p.Until = time.Time{}
		if last := latest(u.Certificates); !last.IsZero() {
			p.Until = last
		}
	case plan.StateValid, plan.StateRenewSoon, plan.StateReissue, plan.StateElsewhere, plan.StateElsewhereDue, plan.StateRevoked, plan.StateNewRequest, plan.StateNotYet:
	}
	switch u.Key {
	case plan.KeyOwn:
		p.Key = "with its owner, who made it"
	case plan.KeySealed:
		p.Key = "sealed in the kubeconfig"
		for _, to := range u.SealedTo {
			p.SealedTo = append(p.SealedTo, recipient.Recipient.String(to))
		}
	case plan.KeyHere:
		if p.Key = "in the kubeconfig"; u.File == "" {
			p.Key = "in a kubeconfig that is elsewhere"
		}
	}
	if p.Until.IsZero() && u.File == "" {
		p.Key = "none"
	}
	return p
}

// latest is when the last of some certificates ends; zero: none lives.
func latest(records []plan.Record) time.Time {
	var last time.Time
	for _, r := range records {
		if r.NotAfter.After(last) {
			last = r.NotAfter
		}
	}
	return last
}

func certificate(set observe.SetStatus, u plan.UserStatus, r plan.Record) Certificate {
	c := Certificate{
		Set: set.Desired.Set, User: u.User, CredentialID: r.CredentialID, KeyHash: r.KeyHash, Groups: append([]string{}, r.Groups...),
		NotBefore: r.NotBefore, NotAfter: r.NotAfter, Intended: r.Intended, By: r.By, Digest: r.Digest,
	}
	switch {
	case set.Observed.Block.Covers(u.User, []plan.Record{r}):
		c.State = "blocked"
	case !r.Removed.IsZero():
		c.State = "removed"
	case !r.Revoked.IsZero():
		c.State = "revoked"
	case r.Refused != "":
		c.State = "not used"
	case r.NotAfter.IsZero():
		c.State = "not seen"
	default:
		c.State = "valid"
	}
	return c
}

// grants are all that somebody has, by the set's bindings and by others.
func grants(set observe.SetStatus, u plan.UserStatus, by plan.Through, outside []plan.Held) []Grant {
	left := person(set.Desired.Set, u).Left
	var list []Grant
	for _, g := range u.Grants {
		one := Grant{Set: set.Desired.Set, User: u.User, RoleKind: g.Role.Kind, Role: g.Role.Name, Namespace: g.Namespace, From: ThisSet, Until: u.GrantEnds[g], Left: left}
		if s, binding, is := by.To(u.User, u.Groups, g); is {
			one.Through, one.Binding = strings.ToLower(s.Kind)+" "+s.Name, binding.String()
		}
		list = append(list, one)
	}
	for _, h := range outside {
		one := Grant{
			Set: set.Desired.Set, User: u.User, RoleKind: h.Binding.RoleRef.Kind, Role: h.Binding.RoleRef.Name, Namespace: h.Binding.Namespace, Power: h.Power,
			Through: strings.ToLower(h.Subject.Kind) + " " + h.Subject.Name, Binding: h.Binding.Object().String(), From: NoSet, Left: left,
		}
		if h.Set != "" {
			one.From = "set " + h.Set
		}
		list = append(list, one)
	}
	slices.SortStableFunc(list, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Role, b.Role))
	})
	return list
}

// SourceOf is what a set comes from.
func SourceOf(d plan.Desired, file string) Source {
	s := Source{Set: d.Set, Digest: d.Digest, Namespace: d.LedgerNamespace}
	if !d.Unfiled {
		s.File = file
	}
	return s
}

// where names the place of a grant.
func (g Grant) where() string { return cmp.Or(g.Namespace, "whole cluster") }
