package view

import (
	"fmt"
	"slices"
	"strings"

	"provision/internal/hint"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// stillGiven says what the users file wants once a certificate was revoked: until it gives a higher generation, the next apply binds
// nobody in place of what was taken.
func (r Remainder) stillGiven(p pen, set usersfile.Set) {
	c := *r.Certificate
	at := slices.IndexFunc(set.Users, func(u usersfile.User) bool { return u.Name == c.User })
	if at < 0 {
		return
	}
	revoked, given := plan.GenerationOf(set.Name, c), set.Users[at].Generation
	if given > revoked {
		return
	}
	what := fmt.Sprintf("still says generation %d for %s: raise it", given, plan.Quoted(c.User))
	if given == 0 {
		what = fmt.Sprintf("gives %s no generation: give one", plan.Quoted(c.User))
	}
	then := "does all the rest and ends with 1"
	if r.DryRun {
		then = "would do all the rest and end with 1"
	}
	p.gap()
	if revoked == 0 {
		p.line(0, "", fmt.Sprintf("the certificate has no generation: what the set %s grants to the name %s is gone from every kubeconfig of theirs", set.Name, plan.Quoted(c.User)))
	}
	p.line(0, "", fmt.Sprintf("%s %s (generation: %d), or the next apply stops at it: it %s; %s gets a new kubeconfig with it", set.Pos.File, what, max(revoked, given)+1, then, plan.Quoted(c.User)))
}

// NothingOfCertificate refuses a certificate that no set of the plans has anything of: what it is, and what can be done.
func NothingOfCertificate(value string, s plan.Stolen, all plan.Proposals, others observe.Ledgers) error {
	for _, p := range all {
		if why := unread(p); why != nil {
			return fmt.Errorf("nothing was changed: whether the set %s knows the certificate could not be found out: %w", p.Set, why)
		}
	}
	c := s.Certificate
	for _, p := range all {
		if c != nil && p.Observed.ClientCA == nil {
			return fmt.Errorf("%s: no ledger lists the certificate for %s, and whether a CA of this cluster has signed it is not known: %s: nothing was changed", value, plan.Quoted(c.User), p.Observed.ClientCAError)
		}
		if c != nil && s.Foreign(p.Observed, c.NotBefore) {
			return fmt.Errorf("%s: the certificate for %s is not signed by a client CA of this cluster, so nobody can log in with it here: nothing was changed", value, plan.Quoted(c.User))
		}
	}
	for _, l := range others.List {
		if slices.ContainsFunc(l.Records, func(r plan.Record) bool { return r.CredentialID == s.CredentialID }) {
			return hint.With(fmt.Errorf("the certificate is of the set %s: nothing was changed", l.Set), fmt.Sprintf("provision revoke --set %s --certificate %s", l.Set, s.CredentialID))
		}
	}
	if c == nil {
		return hint.With(fmt.Errorf("no ledger of this cluster lists a certificate with the id %s: nothing was changed", s.CredentialID),
			"if you have its file, give that: what a certificate says need not be in a ledger")
	}
	for _, g := range c.Groups {
		if set := usersfile.SetOfGeneration(g); set != "" {
			return hint.With(fmt.Errorf("%s: the certificate for %s is of the set %s: nothing was changed", value, plan.Quoted(c.User), set),
				fmt.Sprintf("provision revoke --set %s --certificate %s", set, hint.ShellWord(value)))
		}
	}
	as := "kubectl auth can-i --list --as " + hint.ShellWord(c.User)
	for _, g := range c.Groups {
		as += " --as-group " + hint.ShellWord(g)
	}
	is := fmt.Sprintf("%s: no set of this run has the user %s, for whom the certificate is", value, plan.Quoted(c.User))
	if len(c.Groups) > 0 {
		is += " (as a member of " + strings.Join(each(c.Groups, plan.Quoted), ", ") + ")"
	}
	return hint.With(fmt.Errorf("%s, until %s: nothing was changed", is, timeWords(c.NotAfter)), "to see what the cluster allows it: "+as)
}

// CertificateEnded refuses a certificate that ends nothing by being revoked.
func CertificateEnded(value string, c plan.Certificate) error {
	return fmt.Errorf("%s: the certificate for %s has ended on %s, and nobody can log in with it: nothing was changed", value, plan.Quoted(c.User), timeWords(c.NotAfter))
}
