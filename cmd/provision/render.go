package main

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"strings"
	"time"

	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/spec"
)

// fewRows is how many rows of one kind are listed before the rest becomes a count. What is removed is always listed.
const fewRows = 50

// view draws plans and reports for people.
type view struct {
	dir      *outdir.Dir
	endpoint plan.Endpoint // the operator's own
	all      bool          // list every row
	nothing  string        // what a plan without changes says; "": how much is as the file says
}

// render draws one plan: what goes first, then what changes, then what comes; warnings, errors, one summary line. Number is
// how many were drawn before it.
func (v view) render(w io.Writer, s style, p computed, number int) {
	e := v.endpoint
	if number > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s on cluster %s (%s), kubeconfigs in %s\n", s.bold("set "+p.Set), e.Name, e.Server, v.dir.Path())
	if p.Ledger.Namespace != spec.DefaultLedgerNamespace {
		fmt.Fprintf(w, "the ledger is in the namespace %s\n", p.Ledger.Namespace)
	}
	if own := endpointWords(p, e); own != "" {
		fmt.Fprintf(w, "the kubeconfigs will say: %s\n", flat(own))
	}
	v.users(w, s, p.Plan)
	v.roles(w, s, p.Plan)
	v.bindings(w, s, p.Plan)
	v.requests(w, s, p.Plan)
	v.ledger(w, s, p.Plan)
	v.warnings(w, s, p.Warnings)
	if len(p.Problems) > 0 {
		fmt.Fprintf(w, "\n%s\n", s.bold("errors"))
		for _, problem := range p.Problems {
			what, hint := problemWords(p.Set, problem)
			if at := problem.Pos.String(); at != "" {
				what = at + ": " + what
			}
			fmt.Fprintf(w, "  %s %s\n", s.red("x"), flat(what))
			if hint != "" {
				fmt.Fprintf(w, "    %s\n", s.faint("hint: "+flat(hint)))
			}
		}
	}
	if len(p.missing) > 0 {
		fmt.Fprintf(w, "\n%s\n", s.bold("missing permissions"))
		fmt.Fprintf(w, "  %s %s\n", s.red("x"), flat(lackWords(p.operator, len(p.missing), " that this plan needs")))
		var newNamespaces []string
		if p.Ledger.CreateNamespace {
			newNamespaces = []string{p.Ledger.Namespace}
		}
		fmt.Fprint(w, rulesYAML(p.operator, p.missing, newNamespaces)) // from the first column on, to be copied
	}
	fmt.Fprintf(w, "\n%s\n", v.summary(s, p))
}

// warnings lists the grave ones first, and each of them.
func (v view) warnings(w io.Writer, s style, list []plan.Warning) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", s.bold("warnings"))
	shown, hidden := 0, 0
	for _, grave := range []bool{true, false} {
		for _, warning := range list {
			if warning.Grave() != grave {
				continue
			}
			if !v.all && !grave && shown == fewRows {
				hidden++
				continue
			}
			if !grave {
				shown++
			}
			fmt.Fprintf(w, "  %s %s\n", s.yellow("!"), flat(warningWords(warning)))
		}
	}
	if hidden > 0 {
		fmt.Fprintf(w, "  %s ... and %s more (--show-all lists them)\n", s.yellow("!"), thousands(hidden))
	}
}

func (v view) summary(s style, p computed) string {
	left := plans{p}.leftOut()
	if p.blocked() {
		var parts []string
		if n := len(p.Problems); n > 0 {
			parts = append(parts, plural(n, "error")+" to fix")
		}
		if n := len(p.missing); n > 0 {
			parts = append(parts, plural(n, "permission")+" missing")
		}
		return s.bold("plan: ") + s.red("cannot be applied: "+strings.Join(parts, ", "))
	}
	line := v.changes(s, p)
	if left > 0 {
		line += "\n      " + s.red("not all can be done: "+plural(left, "error"))
	}
	return line
}

// changes counts what a plan that can be applied does.
func (v view) changes(s style, p computed) string {
	sum := p.Summarize()
	if !p.Changes() && v.nothing != "" {
		return s.bold("plan: ") + v.nothing
	}
	if !p.Changes() {
		away := 0
		for _, u := range p.Users {
			if u.Elsewhere != nil {
				away++
			}
		}
		line := s.bold("plan: ") + fmt.Sprintf("no changes: %s, %s and %s are as the file says",
			plural(sum.Kubeconfigs[plan.Keep]-away, "user"), plural(sum.Roles[plan.Keep], "role"), plural(sum.Bindings[plan.Keep], "binding"))
		if away > 0 {
			line += ", " + s.yellow(plural(away, "kubeconfig")+" not here")
		}
		return line
	}
	var parts []string
	add := func(counts map[plan.Op]int, noun string, ops ...plan.Op) {
		for _, op := range ops {
			if n := counts[op]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s to %s", plural(n, noun), op))
			}
		}
	}
	add(sum.Certificates, "certificate", plan.Issue, plan.Renew, plan.Reissue, plan.Resume)
	rewrites := 0
	for _, u := range p.Users {
		if u.Kubeconfig.Op == plan.Rewrite && u.Certificate.Op == plan.Keep {
			rewrites++
		}
	}
	add(map[plan.Op]int{plan.Rewrite: rewrites, plan.Remove: sum.Kubeconfigs[plan.Remove]}, "kubeconfig", plan.Rewrite, plan.Remove)
	add(sum.Roles, "role", plan.Create, plan.Update, plan.Delete)
	add(sum.Bindings, "binding", plan.Create, plan.Update, plan.Delete)
	add(map[plan.Op]int{plan.Delete: len(p.Requests)}, "request", plan.Delete)
	add(map[plan.Op]int{plan.Update: len(p.Ledger.Records)}, "ledger record", plan.Update)
	line := s.bold("plan: ") + strings.Join(parts, ", ")
	if words := estimateWords(p.Estimate(p.observed.Ledger, runtime.GOMAXPROCS(0))); words != "" {
		line += "\n      " + words
	}
	return line
}

// estimateWords says how long an apply takes and why, where it is long enough to ask.
func estimateWords(e plan.Estimate) string {
	if e.Time < 5*time.Second {
		return ""
	}
	about := "takes about " + e.Time.Round(time.Second).String()
	switch {
	case e.Keys:
		return about + ": RSA keys are slow to make"
	case e.Measured:
		return fmt.Sprintf("%s: the cluster's signer issues about %d certificates a second", about, e.Signer)
	}
	return fmt.Sprintf("%s: a stock signer issues about %d certificates a second", about, e.Signer)
}

// flat keeps a text on its line and in its colour: names from the cluster may hold anything.
func flat(text string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`, "\x1b", `\u001b`).Replace(text)
}

// endpointWords says where the users will connect to, if that is not where the operator does.
func endpointWords(p computed, operator plan.Endpoint) string {
	if len(p.desired.Users) == 0 {
		return ""
	}
	e := p.desired.Users[0].Kubeconfig.Endpoint // all users of a set have the same
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
		words = append(words, "proxy "+withoutPassword(e.ProxyURL))
	}
	return strings.Join(words, ", ")
}

func withoutPassword(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Redacted()
}
