package view

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"provision/internal/apply"
	"provision/internal/plan"
)

// Report draws how a run of plans ended, each failure with its way out and then a line per set, or writes it as a document. The
// format "" is that of a command with a document of its own, which does not tell what failed: then only that is drawn.
func (v Page) Report(s Streams, format string, all plan.Proposals, reports []apply.Report, dry bool) (err error) {
	switch format {
	case "text":
		v.report(s, all, reports, dry)
	case "":
		v.failures(s, reports, dry)
		unproved(s, reports)
	default:
		if err = printDocument(s.Out, format, v.reportDocument(all, reports, dry)); err != nil { // a template failed on it
			v.failures(s, reports, dry)
		}
	}
	if err != nil || s.Unwritten() != nil { // what was done must be known all the same
		v.summaries(s.err(), reports, dry)
	}
	return err
}

// report draws failures, warnings of what was issued, and what was done.
func (v Page) report(s Streams, all plan.Proposals, reports []apply.Report, dry bool) {
	v.failures(s, reports, dry)
	for _, r := range reports {
		for _, group := range together(issued(all, r), likeness) {
			s.Warning(v.brief(func(names lister) string { return warningsWords(group, names) }))
		}
	}
	unproved(s, reports)
	if !dry {
		v.handOut(s.out(), handedOut(reports))
	}
	v.summaries(s.out(), reports, dry)
	for _, one := range all {
		v.others(s.out(), one)
	}
}

// summaries draws what was done: one line per set.
func (v Page) summaries(p pen, reports []apply.Report, dry bool) {
	if len(reports) == 0 {
		p.line(0, "", "nothing to do")
	}
	for _, r := range reports {
		v.done(p, r, len(reports) > 1, dry)
	}
}

// done draws what was done of one set, what of it was not asked in a dry run, and what is left to do. Several sets are told apart
// by name.
func (v Page) done(p pen, r apply.Report, several, dry bool) {
	verb := "applied"
	if dry {
		verb = "dry run, nothing was kept; the API server accepts"
	}
	if several {
		verb += " (" + r.Set + ")"
	}
	text := v.doneWords(r, dry)
	if n := r.Count(apply.Failed); n > 0 {
		text += ", " + p.red(thousands(n)+" failed")
	}
	p.line(0, p.bold(verb+":"), text)
	for _, n := range r.NotAsked {
		p.line(0, "not asked:", notAskedWords(n))
	}
	var open []string
	if n := r.Count(apply.Pending); n > 0 {
		open = append(open, Plural(n, "request")+" waiting for the signer")
	}
	if n := r.Count(apply.NotStarted); n > 0 {
		open = append(open, thousands(n)+" not started")
	}
	if len(open) == 0 {
		return
	}
	why, again := "stopped:", fmt.Sprintf(": run `%s` again to go on", v.Verb.Command)
	if errors.Is(r.Stopped, context.Canceled) {
		why = "interrupted:"
	}
	if dry {
		again = ""
	}
	p.line(0, why, strings.Join(open, ", ")+again)
}

// doneWords counts what was done of one set, in the words in which its plan said it.
func (v Page) doneWords(r apply.Report, dry bool) string {
	type deed struct {
		kind apply.Kind
		op   plan.Op
	}
	count := map[deed]int{}
	for _, one := range r.Results {
		if one.Kind == apply.Certificate {
			one.Op = plan.Issue // it is a new one, also where it was renewed or resumed
		}
		if one.Status == apply.Done {
			count[deed{one.Kind, one.Op}]++
		}
	}
	var parts []string
	add := func(n int, noun string, op plan.Op, done string) {
		if dry {
			done = "to " + string(op)
		}
		if n > 0 {
			parts = append(parts, Plural(n, noun)+" "+done)
		}
	}
	add(count[deed{apply.Certificate, plan.Issue}], "certificate", plan.Issue, "issued into "+v.Dir)
	for _, of := range []struct {
		kind apply.Kind
		noun string
	}{{apply.Kubeconfig, "kubeconfig"}, {apply.ClusterEntry, "obsolete context"}, {apply.Namespace, "namespace"}, {apply.Role, "role"}, {apply.Binding, "binding"}, {apply.Request, "request"}} {
		add(count[deed{of.kind, plan.Rewrite}], of.noun, plan.Rewrite, "rewritten")
		add(count[deed{of.kind, plan.Remove}], of.noun, plan.Remove, "removed")
		add(count[deed{of.kind, plan.Create}], of.noun, plan.Create, "created")
		add(count[deed{of.kind, plan.Update}], of.noun, plan.Update, "updated")
		add(count[deed{of.kind, plan.Delete}], of.noun, plan.Delete, "deleted")
	}
	add(count[deed{apply.OldKey, plan.Delete}], "old key", "drop", "dropped")
	for _, of := range []struct {
		op   plan.Op
		done string
	}{{plan.Create, "created"}, {plan.Update, "updated"}, {plan.Delete, "deleted"}} {
		add(count[deed{apply.Block, of.op}], "block", of.op, of.done)
	}
	add(r.Recorded, "ledger record", plan.Update, "updated")
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// issued returns warnings of certificates that were issued for another time than was asked for, or with which nobody could log in.
func issued(all plan.Proposals, r apply.Report) []plan.Warning {
	asked := map[string]plan.Certificate{}
	for _, p := range all {
		for _, u := range p.Users {
			if p.Set == r.Set && u.Certificate.Op != plan.Keep {
				asked[u.Name] = *u.Certificate.After
			}
		}
	}
	var list []plan.Certificate
	var ends []time.Time
	for _, p := range all {
		for _, ca := range p.Observed.ClientCA {
			ends = append(ends, ca.NotAfter)
		}
	}
	for _, one := range r.Results {
		if c, ok := asked[one.Object.Name]; ok && one.Kind == apply.Certificate && !one.NotAfter.IsZero() {
			c.NotBefore, c.NotAfter = one.NotBefore, one.NotAfter
			list, ends = append(list, c), append(ends, one.CAEnds...)
		}
	}
	warnings := plan.LifeWarnings(list, ends)
	if users := r.NotProved(); len(users) > 0 {
		warnings = append(warnings, plan.Warning{Code: plan.NotProved, Items: users})
	}
	return warnings
}

// notAskedWords says what a dry run did not ask the API server about, and why.
func notAskedWords(n apply.NotAsked) string {
	switch n.Code {
	case apply.LedgerInNewNamespace:
		return fmt.Sprintf("the ledger's ConfigMap and Lease in namespace %s, which is not there yet; you have the permissions for them", n.Namespace)
	case apply.InNewNamespace:
		return fmt.Sprintf("roles and bindings in namespace %s, which is not there yet; you have the permissions for them", n.Namespace)
	case apply.Approvals:
		return "the approval of requests: a dry run keeps none that could be approved; you have the permissions for it"
	case apply.TakenName:
		return fmt.Sprintf("%s: the one that is in its place goes first, and a dry run keeps it", objectName(plan.Object{Kind: n.Kind, Namespace: n.Namespace, Name: n.Name}))
	}
	return string(n.Code)
}

// copyStaysWords says that a copy could not be removed, and how to end it.
func copyStaysWords(r apply.Result) string {
	s := fmt.Sprintf("%s is a copy that somebody made of this set's, and was not removed: %s", objectName(r.Object), OneLine(r.Err))
	if r.Kind == apply.Binding {
		s += "; whoever is in it has the original too, and this there besides"
	}
	return s + ". Whatever copies has to leave out what has the label " + plan.SetLabel + " (hierarchical namespaces: kubectl annotate the original propagate.hnc.x-k8s.io/none=true)"
}

// reportDoc is a report for programs.
type reportDoc struct {
	head
	DryRun   bool                 `json:"dryRun"` // nothing was kept
	Sets     []string             `json:"sets"`
	Summary  map[apply.Status]int `json:"summary"`
	Results  []resultDoc          `json:"results"`
	Errors   []note               `json:"errors"`   // of the plans: what was left as it is
	Warnings []note               `json:"warnings"` // of the plans, and of what was issued
	Stopped  string               `json:"stopped,omitempty"`
	// Unrecorded is why the ledger could not be written, for which nothing was issued.
	Unrecorded string           `json:"unrecorded,omitempty"`
	NotAsked   []apply.NotAsked `json:"notAsked,omitempty"` // of a dry run: what the API server was not asked about
}

type resultDoc struct {
	Set       string       `json:"set"`
	Kind      string       `json:"kind"`
	Operation plan.Op      `json:"operation"`
	Name      string       `json:"name"`
	Namespace string       `json:"namespace,omitempty"`
	Reason    string       `json:"reason"`
	Reasons   []reasonDoc  `json:"reasons"`
	Status    apply.Status `json:"status"`
	Error     string       `json:"error,omitempty"`
	Hint      string       `json:"hint,omitempty"`

	// Of a user. NotAfter is that of the certificate which was issued.
	NotAfter time.Time     `json:"notAfter,omitzero"`
	File     string        `json:"file,omitempty"`    // their kubeconfig
	Key      plan.KeyPlace `json:"key,omitempty"`     // where its private key is; absent: in the kubeconfig
	HandOut  bool          `json:"handOut,omitempty"` // they do not have it yet as it is now
}

// reportDocument makes the document of a run, with the warnings and errors of its plans.
func (v Page) reportDocument(all plan.Proposals, reports []apply.Report, dry bool) reportDoc {
	d := reportDoc{head: v.head("Report"), DryRun: dry, Sets: []string{}, Summary: map[apply.Status]int{}, Results: []resultDoc{}, Errors: []note{}, Warnings: []note{}}
	d.Errors = append(d.Errors, brokenNotes(v.Broken)...)
	for _, p := range all {
		d.Sets = append(d.Sets, p.Set)
		d.Errors = append(d.Errors, errorNotes(p)...)
		for _, w := range p.Warnings {
			d.Warnings = append(d.Warnings, warningNote(p.Set, w))
		}
	}
	for _, r := range reports {
		if r.Stopped != nil {
			d.Stopped = OneLine(r.Stopped)
		}
		if r.Unrecorded != nil {
			d.Unrecorded = OneLine(r.Unrecorded)
		}
		d.NotAsked = append(d.NotAsked, r.NotAsked...)
		for _, w := range issued(all, r) {
			d.Warnings = append(d.Warnings, warningNote(r.Set, w))
		}
		for _, one := range r.Results {
			d.Summary[one.Status]++
			doc := v.resultDocument(r.Set, one, dry)
			if one.Err != nil {
				doc.Error, doc.Hint = OneLine(one.Err), hintFor(one.Err, v.Verb.Command)
			}
			d.Results = append(d.Results, doc)
		}
	}
	return d
}

// resultDocument makes the document of one result but for its error.
func (v Page) resultDocument(set string, r apply.Result, dry bool) resultDoc {
	d := resultDoc{
		Set: set, Kind: r.Object.Kind, Operation: r.Op, Name: r.Object.Name, Namespace: r.Object.Namespace, Status: r.Status,
		Reason: reasonsWords(r.Reasons, everyone), Reasons: reasonDocs(r.Reasons), NotAfter: r.NotAfter, HandOut: !dry && r.HandedOut(),
	}
	if r.User == nil {
		return d
	}
	if k := r.User.Kubeconfig.Object(); k != nil {
		d.File = filepath.Join(v.Dir, k.File)
	}
	d.Key = keyOf(*r.User)
	return d
}
