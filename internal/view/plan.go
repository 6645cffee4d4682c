package view

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Plans writes plans to standard output, for people or as a document.
func (v Page) Plans(s Streams, format string, all plan.Proposals) error {
	if format == "text" {
		v.plans(s.out(), all)
		return nil
	}
	return printDocument(s.Out, format, planDocument(all, v))
}

// plans draws plans. Of several, those that do nothing and have nothing to tell get a line each, and a sum ends them all. A warning
// of the cluster is told with the first of them only.
func (v Page) plans(p pen, all plan.Proposals) {
	all = slices.Clone(all)
	told := map[plan.WarningCode]bool{}
	for i := range all {
		all[i].Warnings = slices.DeleteFunc(slices.Clone(all[i].Warnings), func(w plan.Warning) bool { return w.OfCluster() && told[w.Code] })
		for _, w := range all[i].Warnings {
			told[w.Code] = true
		}
	}
	var quiet plan.Proposals
	drawn := 0
	for _, one := range all {
		if len(all) > 1 && !one.Changes() && len(one.Warnings)+one.ErrorCount()+len(one.Missing) == 0 {
			quiet = append(quiet, one)
			continue
		}
		if drawn > 0 {
			p.gap()
		}
		v.plan(p, one)
		drawn++
	}
	if len(all) < 2 {
		return
	}
	if drawn > 0 && len(quiet) > 0 {
		p.gap()
	}
	for _, one := range quiet {
		p.line(0, p.bold("set "+one.Set)+":", v.changes(style{}, one))
	}
	p.gap()
	p.line(0, p.bold("all:"), sum(p.style, all))
}

// plan draws one plan: its changes, its warnings and errors, what is held back and what permissions are missing, and a summary.
func (v Page) plan(p pen, one plan.Proposal) {
	p.text(0, p.bold("set "+one.Set), fmt.Sprintf("on cluster %s (%s), kubeconfigs in %s", v.Endpoint.Name, v.Endpoint.Server, v.Dir))
	if one.Ledger.Namespace != usersfile.DefaultLedgerNamespace {
		p.line(0, "", "the ledger is in the namespace "+one.Ledger.Namespace)
	}
	if own := endpointWords(one, v.Endpoint); own != "" {
		p.text(0, "", "the kubeconfigs will say: "+own)
	}
	if one.Failed != nil {
		p.title("errors")
		p.text(2, p.red("x"), OneLine(one.Failed))
		p.hint(4, hintFor(one.Failed, v.command()))
		p.gap()
		p.line(0, p.bold("plan:"), p.red("none: this set could not be looked at, and is left as it is"))
		return
	}
	v.sections(p, one.Plan, one.Observed)
	v.selections(p, one.Selections)
	v.endings(p, one.Endings)
	v.warnings(p, one.Warnings)
	v.problems(p, one.Set, one.Problems)
	if one.Held != nil {
		p.title("held back, and not done, because of the errors above:")
		v.sections(p, *one.Held, one.Observed)
	}
	if len(one.Missing) > 0 {
		v.missing(p, one)
	}
	p.gap()
	v.others(p, one)
	v.summary(p, one)
}

// warnings lists the grave ones first, and all of them; those that are alike together.
func (v Page) warnings(p pen, list []plan.Warning) {
	if len(list) == 0 {
		return
	}
	p.title("warnings")
	shown, hidden := 0, 0
	groups := together(list, likeness)
	for _, grave := range []bool{true, false} {
		for _, group := range groups {
			if group[0].Grave() != grave {
				continue
			}
			whole := grave || group[0].Code == plan.LeaverBound
			if !v.All && !whole && shown == fewRows {
				hidden += len(group)
				continue
			}
			if !whole {
				shown++
			}
			p.text(2, p.yellow("!"), v.brief(func(names lister) string { return warningsWords(group, names) }))
			for _, way := range warningsWays(group, v.names) {
				p.line(6, "", way)
			}
		}
	}
	if hidden > 0 {
		p.line(2, p.yellow("!"), "... and "+thousands(hidden)+" more (--show-all lists them)")
	}
}

// problems lists what must be fixed in a set, those that are alike together, with what is left out for them.
func (v Page) problems(p pen, set string, list []plan.Problem) {
	if len(list) == 0 {
		return
	}
	p.title("errors")
	for _, group := range together(list, likenessOfProblem) {
		var hint string
		p.text(2, p.red("x"), v.brief(func(names lister) (what string) {
			what, hint = problemsWords(set, group, names)
			return what
		}))
		if left := v.brief(func(names lister) string { return leftOutWords(leftOut(group), names) }); left != "" {
			p.text(4, "", "left out: "+left)
		}
		if hint != "" {
			p.line(4, "", p.faint("hint: "+hint)) // one line: names may be in it
		}
	}
}

// missing lists the permissions that the operator lacks for a plan. In a plan that is only read they are a note; in one that is to
// be applied they are an error, with the roles that would give them.
func (v Page) missing(p pen, one plan.Proposal) {
	lacks := Plural(len(one.Missing), "permission")
	if v.Reading {
		p.title("what applying this takes")
		p.text(2, p.yellow("!"), fmt.Sprintf("%s lacks %s for it: somebody who has them applies this, or provision apply prints the roles to give them", one.Operator, lacks))
		for _, text := range permissionTexts(one.Missing, v.names) {
			p.line(4, "", text)
		}
		return
	}
	p.title("missing permissions")
	mark, that := p.red("x"), " that this plan needs"
	if !one.Blocked() {
		mark, that = p.yellow("!"), " that this plan needs, and what can be taken away without them is"
	}
	p.line(2, mark, lackWords(one.Operator, len(one.Missing), that))
	var newNamespaces []string
	if one.Ledger.CreateNamespace {
		newNamespaces = []string{one.Ledger.Namespace}
	}
	p.objects(rulesYAML(one.Operator, one.Missing, newNamespaces)) // from the first column on, to be copied
}

// endpointWords says what of the users' server differs from the operator's own; "": nothing.
func endpointWords(p plan.Proposal, operator plan.Endpoint) string {
	if len(p.Desired.Users) == 0 {
		return ""
	}
	e := p.Desired.Users[0].Kubeconfig.Endpoint // all users of a set have the same
	var words []string
	if e.Server != operator.Server {
		words = append(words, "server "+e.Server)
	}
	if !bytes.Equal(e.CertificateAuthorityData, operator.CertificateAuthorityData) {
		words = append(words, "another CA than yours")
	}
	if e.TLSServerName != operator.TLSServerName {
		words = append(words, "tls-server-name "+orDash(e.TLSServerName))
	}
	if e.ProxyURL != operator.ProxyURL {
		words = append(words, "proxy "+orNone(usersfile.WithoutPassword(e.ProxyURL)))
	}
	return strings.Join(words, ", ")
}
