package view

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Remainder is what revoke ends with: what people can still do.
type Remainder struct {
	Page
	Plans     plan.Proposals      // that were carried out
	Sets      []usersfile.Set     // of these plans, with their users files
	Others    observe.Ledgers     // of all sets
	People    []observe.Remainder // in the order in which they were named
	Traces    []plan.Trace        // that they may have left
	DryRun    bool                // nothing was kept: it is what would remain
	Approvers observe.Approvers
	// Certificate is the one that was revoked while its owner stays; nil: people were revoked.
	Certificate *plan.Certificate
}

// Print writes it to standard output, and what is not known beside it to standard error.
func (r Remainder) Print(s Streams, format string) error {
	if format == "text" {
		r.draw(s.out())
		for _, n := range append(ledgerNotes(r.Others), approverNotes(r.Approvers)...) {
			s.Warning(n.Message)
		}
		return r.unprinted(s, nil)
	}
	return r.unprinted(s, printDocument(s.Out, format, r.document()))
}

// unprinted draws on standard error what standard output did not get, or what a template failed on: what remains must be known all the
// same. It returns err.
func (r Remainder) unprinted(s Streams, err error) error {
	if err != nil || s.Unwritten() != nil {
		r.draw(s.err())
	}
	return err
}

// unread returns why it is not known what a set has of anybody: it could not be looked at, or a part of its ledger cannot be read;
// nil: it is known.
func unread(p plan.Proposal) error {
	if p.Failed != nil || len(p.Observed.LedgerProblems) == 0 {
		return p.Failed
	}
	what, _ := problemWords(p.Set, p.Observed.LedgerProblems[0], everyone)
	return errors.New(what)
}

// OwnRead reports whether the ledgers of the sets themselves could be read whole.
func (r Remainder) OwnRead() bool {
	return !slices.ContainsFunc(r.Plans, func(p plan.Proposal) bool { return len(p.Observed.LedgerProblems) > 0 })
}

// own reports whether one of the plans was for a set.
func (r Remainder) own(set string) bool {
	return slices.ContainsFunc(r.Plans, func(p plan.Proposal) bool { return p.Set == set })
}

// draw writes what people can still do, once for all for whom it is the same, and which users files still name them.
func (r Remainder) draw(p pen) {
	ways := taken{}
	for _, group := range together(r.People, r.likeness) {
		r.person(p, group, ways)
	}
	r.traces(p)
	r.audit(p)
	p.approvers(r.Approvers, r.brief)
	for _, set := range r.Sets {
		if r.Certificate != nil {
			r.stillGiven(p, set)
		} else {
			r.stillNamed(p, set)
		}
		r.stillBinds(p, set)
	}
}

// likeness is equal for people who have the same groups, and to whom the same bindings grant.
func (r Remainder) likeness(one observe.Remainder) any {
	type alike struct {
		lives                  bool
		groups, grants, others string
		blocked                string
	}
	l := alike{lives: !one.Until.IsZero(), groups: values(one.Groups)}
	l.blocked, _ = r.blocks(one.User)
	for _, a := range one.Grants {
		through := a.Subject
		if through.Kind == "User" {
			through.Name = ""
		}
		l.grants += values(a.Binding.Kind(), a.Binding.Namespace, a.Binding.Name, through, a.Set, a.Proof, a.Allowed, a.Impersonates, a.Alters)
	}
	for _, o := range one.Others {
		l.others += values(o.Set, o.Namespace, o.Groups, o.Removed)
	}
	return l
}

// person writes what one person can still do, or several for whom it is the same.
func (r Remainder) person(p pen, group []observe.Remainder, ways taken) {
	one := group[0]
	until, ends := untilWords(group, func(one observe.Remainder) time.Time { return one.Until })
	who, as, nothing := p.bold(plan.Quoted(one.User)), "a member", "no binding in the cluster grants anything to that name"
	if len(group) > 1 {
		who, as, nothing = p.bold(thousands(len(group))+" users"), "members", "no binding in the cluster grants anything to those names"
	}
	if len(one.Groups) > 0 {
		nothing += " or these groups"
	}
	p.gap()
	switch {
	case !one.Until.IsZero():
		can := "can still authenticate " + until
		if len(one.Groups) > 0 {
			can += ", as " + as + " of " + everyone(each(one.Groups, plan.Quoted))
		}
		if len(one.Grants) > 0 {
			p.line(0, who, can+"; that still allows:")
		} else {
			p.line(0, who, can+"; "+nothing)
		}
	case !r.OwnRead():
		p.line(0, "", fmt.Sprintf("whether %s can still authenticate is not known: the ledger of this set could not be read", who))
	case !r.Others.Everywhere || r.Others.Err != nil:
		p.line(0, who, "cannot authenticate: no certificate of this set lives")
	default:
		p.line(0, who, "cannot authenticate: no certificate of this set lives, nor of another set in the cluster")
	}
	if len(group) > 1 {
		p.line(2, "", r.names(each(group, func(one observe.Remainder) string { return withBrackets(plan.Quoted(one.User), ends(one)) })))
	}
	if words, blocked := r.blocks(one.User); words != "" && !one.Until.IsZero() {
		mark := p.yellow("!")
		if blocked {
			mark = ""
		}
		p.line(2, mark, words)
		for _, way := range r.blockWays(group) {
			p.line(6, "", way)
		}
	}
	if !one.Until.IsZero() {
		r.grants(p, group, ways)
		r.otherSets(p, group)
	}
}

// grants lists what bindings still grant to people who have the same, with the way to take each away.
func (r Remainder) grants(p pen, group []observe.Remainder, ways taken) {
	for i, a := range group[0].Grants {
		owner := "not of this set"
		switch {
		case r.own(a.Set):
			owner = "of this set"
		case a.Set != "":
			owner = "of the set " + a.Set
		}
		proof := "grants nothing now"
		if a.Allowed {
			proof = "the API server says yes to: " + a.Proof
		} else if a.Proof != "" {
			proof = "the API server says no to: " + a.Proof
		}
		var subjects []plan.Subject
		for _, one := range group {
			if s := one.Grants[i].Subject; !slices.Contains(subjects, s) {
				subjects = append(subjects, s)
			}
		}
		through := strings.ToLower(subjects[0].Kind) + " " + r.names(each(subjects, func(s plan.Subject) string { return s.Name }))
		p.text(2, p.yellow("!"), fmt.Sprintf("%s (%s, through %s, %s): %s", objectName(a.Binding.Object()), objectName(a.Binding.RoleRef.In("")), through, owner, proof))
		if why := r.keptGroup(a); why != "" {
			p.line(6, "", why)
		}
		if _, blocked := r.blocks(group[0].User); blocked {
			p.unblocked(a)
		}
		if !r.own(a.Set) {
			p.line(6, "", wayLine(ways.wayOut(a.Binding, a.Set, subjects, each(group, func(one observe.Remainder) string { return one.User }), r.names)))
		}
	}
}

// otherSets lists the other sets that know people, who are known to the same ones.
func (r Remainder) otherSets(p pen, group []observe.Remainder) {
	for i, o := range group[0].Others {
		until, _ := untilWords(group, func(one observe.Remainder) time.Time { return one.Others[i].Until })
		has := "a certificate for that name"
		if len(group) > 1 {
			has = "certificates for these names"
		}
		text := fmt.Sprintf("the set %s, whose ledger is in the namespace %s, has %s %s", o.Set, o.Namespace, has, until)
		if len(o.Groups) > 0 {
			text += ", as a member of " + everyone(each(o.Groups, plan.Quoted))
		}
		if o.Removed {
			p.text(2, p.yellow("!"), text+": it was removed there already")
			continue
		}
		p.text(2, p.yellow("!"), text+": to revoke it there too:")
		p.line(6, "", revokeThere(o.Set, each(group, func(one observe.Remainder) string { return one.User })...))
	}
}

// stillNamed names those of the people that a users file still has, and what the next apply does with it.
func (r Remainder) stillNamed(p pen, set usersfile.Set) {
	in := slices.DeleteFunc(slices.Clone(r.People), func(one observe.Remainder) bool {
		return !slices.ContainsFunc(set.Users, func(u usersfile.User) bool { return u.Name == one.User })
	})
	for _, group := range together(in, func(one observe.Remainder) any { return one.Until.IsZero() }) {
		then := "does all the rest and ends with 1"
		if r.DryRun {
			then = "would do all the rest and end with 1"
		}
		if group[0].Until.IsZero() {
			then = "gives it all back" // nothing is left that keeps the name from being used again
		}
		who := "the user"
		if len(group) > 1 {
			who = fmt.Sprintf("these %s users", thousands(len(group)))
		}
		names := r.names(each(group, func(one observe.Remainder) string { return plan.Quoted(one.User) }))
		p.gap()
		p.line(0, "", fmt.Sprintf("%s still names %s: take %s out, or the next apply %s", set.Pos.File, names, who, then))
	}
}
