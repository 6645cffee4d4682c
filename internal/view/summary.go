package view

import (
	"fmt"
	"strings"
	"time"

	"provision/internal/plan"
)

// summary ends one plan: what it does, how long that takes at the least, and why not all can be done.
func (v Page) summary(p pen, one plan.Proposal) {
	lacks := Plural(len(one.Missing), "permission") + " missing"
	if one.Blocked() && !v.Reading {
		p.line(0, p.bold("plan:"), p.red("cannot be applied: "+lacks))
		return
	}
	p.text(0, p.bold("plan:"), v.changes(p.style, one))
	below := len("plan: ")
	if one.Changes() {
		if least := signerTime(one.Summarize().Certificates); least >= worthTelling {
			p.line(below, "", "a stock signer takes at least "+least.String())
		}
	}
	if left := len(one.Problems); left > 0 {
		p.line(below, "", p.red("not all can be done: "+Plural(left, "error")))
	}
	if one.Blocked() {
		p.line(below, "", p.yellow(one.Operator+" may not apply it: "+lacks))
	}
}

// sum counts what several plans do together.
func sum(s style, all plan.Proposals) string {
	changing, failing := 0, 0
	for _, one := range all {
		if one.Changes() {
			changing++
		}
		if one.ErrorCount()+len(one.Missing) > 0 {
			failing++
		}
	}
	text := fmt.Sprintf("%s, %d with changes", Plural(len(all), "set"), changing)
	if failing > 0 {
		text += ", " + s.red(fmt.Sprintf("%d with errors", failing))
	}
	if parts := amountWords(all.Summary(), all); parts != "" {
		text += ": " + parts
	}
	return text
}

// changes counts what a plan does, or why it does nothing.
func (v Page) changes(s style, one plan.Proposal) string {
	sum := one.Summarize()
	if one.Changes() {
		return amountWords(sum, plan.Proposals{one})
	}
	if v.Verb.nothing != "" {
		return v.Verb.nothing
	}
	away := 0
	for _, u := range one.Users {
		if u.Elsewhere != nil {
			away++
		}
	}
	text := "no changes"
	if len(one.Problems) == 0 && one.Held == nil && one.Others == nil { // else somebody is left out, or something held back
		text += fmt.Sprintf(": %s, %s and %s are as the file says",
			Plural(sum.Kubeconfigs[plan.Keep]-away, "user"), Plural(sum.Roles[plan.Keep], "role"), Plural(sum.Bindings[plan.Keep], "binding"))
	}
	if away > 0 {
		text += ", " + s.yellow(Plural(away, "kubeconfig")+" not here")
	}
	return text
}

// amountWords counts what plans do, of which sum is the summary; "": nothing.
func amountWords(sum plan.Summary, all plan.Proposals) string {
	var parts []string
	add := func(counts map[plan.Op]int, noun string, ops ...plan.Op) {
		for _, op := range ops {
			if n := counts[op]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s to %s", Plural(n, noun), op))
			}
		}
	}
	add(sum.Certificates, "certificate", plan.Issue, plan.Renew, plan.Reissue, plan.Resume)
	rewrites, dropped, requests, records, forgotten := 0, 0, 0, 0, 0
	blocks := map[plan.Op]int{}
	for _, p := range all {
		if p.Block != nil {
			blocks[p.Block.Op]++
		}
		for _, u := range p.Users {
			switch {
			case u.Certificate.Op != plan.Keep:
			case u.Kubeconfig.Op == plan.Rewrite:
				rewrites++
			case u.Kubeconfig.Op == plan.Keep && u.Abandon:
				dropped++
			}
		}
		requests += len(p.Requests)
		records += len(p.Ledger.Records)
		forgotten += len(p.Forgotten)
	}
	add(map[plan.Op]int{plan.Rewrite: rewrites, plan.Remove: sum.Kubeconfigs[plan.Remove]}, "kubeconfig", plan.Rewrite, plan.Remove)
	if dropped > 0 {
		parts = append(parts, Plural(dropped, "old key")+" to drop")
	}
	add(sum.Namespaces, "namespace", plan.Create)
	add(sum.Roles, "role", plan.Create, plan.Update, plan.Delete)
	add(sum.Bindings, "binding", plan.Create, plan.Update, plan.Delete)
	add(blocks, "block", plan.Create, plan.Update, plan.Delete)
	add(map[plan.Op]int{plan.Delete: requests}, "request", plan.Delete)
	add(map[plan.Op]int{plan.Remove: forgotten}, "obsolete context", plan.Remove)
	add(map[plan.Op]int{plan.Update: records}, "ledger record", plan.Update)
	return strings.Join(parts, ", ")
}

// worthTelling is how long an apply takes for which a person would rather know before they say yes.
const worthTelling = 5 * time.Second

// signerTime is how long the signer takes for the certificates that are asked for, at the least, where it has the stock limits: so
// many at once, and so many a second after that (kube-controller-manager's --kube-api-burst and --kube-api-qps,
// pkg/controller/apis/config/v1alpha1/defaults.go:SetDefaults_KubeControllerManagerConfiguration).
func signerTime(certificates map[plan.Op]int) time.Duration {
	const burst, rate = 30, 20
	asked := certificates[plan.Issue] + certificates[plan.Renew] + certificates[plan.Reissue] // one that is resumed may be issued
	return time.Duration(max(0, asked-burst)/rate) * time.Second
}
