package main

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

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
		line += "\n      " + s.red(plural(left, "object")+" left as found: see errors")
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

// row is one change with the lines below it.
type row struct {
	sign  string
	text  string
	below []string
	whole bool // neither it nor a line below it is ever left out: what is granted here must be seen
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

// rows draws a section: - first, then ~, then +; long runs of ~ and + are cut.
func (v view) rows(w io.Writer, s style, title string, list []row, unchanged int) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", s.bold(title))
	for _, sign := range []string{"-", "~", "+"} {
		shown, hidden := 0, 0
		for _, r := range list {
			if r.sign != sign {
				continue
			}
			if !v.all && !r.whole && sign != "-" && shown >= fewRows {
				hidden++
				continue
			}
			shown++
			fmt.Fprintf(w, "  %s %s\n", s.symbol(sign), flat(r.text))
			v.below(w, s, r)
		}
		if hidden > 0 {
			fmt.Fprintf(w, "  %s ... and %s more like these (--show-all lists them)\n", s.symbol(sign), thousands(hidden))
		}
	}
	if unchanged > 0 {
		fmt.Fprintf(w, "    %s\n", s.faint(thousands(unchanged)+" unchanged"))
	}
}

// below draws the + and - lines below a row.
func (v view) below(w io.Writer, s style, r row) {
	shown, hidden := 0, 0
	for _, line := range r.below {
		if !v.all && !r.whole && strings.HasPrefix(line, "+") && shown == fewRows {
			hidden++
			continue
		}
		shown++
		fmt.Fprintf(w, "      %s%s\n", s.symbol(line[:1]), flat(line[1:]))
	}
	if hidden > 0 {
		fmt.Fprintf(w, "      %s ... and %s more (--show-all lists them)\n", s.symbol("+"), thousands(hidden))
	}
}

func (v view) users(w io.Writer, s style, p plan.Plan) {
	var list []row
	unchanged, width := 0, 0
	for _, u := range p.Users {
		if !u.Idle() {
			width = max(width, runewidth.StringWidth(plan.Quoted(u.Name)))
		}
	}
	inError := map[string]bool{}
	for _, problem := range p.Problems {
		inError[problem.User] = true
	}
	for _, u := range p.Users {
		name := runewidth.FillRight(plan.Quoted(u.Name), width)
		switch {
		case u.Kubeconfig.Op == plan.Remove:
			list = append(list, row{"-", fmt.Sprintf("%s  remove kubeconfig %s: %s", name, v.dir.File(u.Name), reasonsWords(u.Kubeconfig.Reasons)), nil, false})
		case u.Certificate.Op != plan.Keep:
			sign := "~"
			if u.Certificate.Before == nil && u.Certificate.Op != plan.Reissue {
				sign = "+"
			}
			list = append(list, row{sign, fmt.Sprintf("%s  %s certificate (%s): %s", name, u.Certificate.Op, certificateWords(u.Certificate.After), reasonsWords(u.Certificate.Reasons)), nil, false})
		case u.Abandon:
			list = append(list, row{"-", fmt.Sprintf("%s  drop the key of an earlier try", name), nil, false})
		case u.Kubeconfig.Op != plan.Keep:
			list = append(list, row{"~", fmt.Sprintf("%s  rewrite kubeconfig: %s", name, reasonsWords(u.Kubeconfig.Reasons)), nil, false})
		case !inError[u.Name]:
			unchanged++
		}
	}
	v.rows(w, s, "users", list, unchanged)
}

// certificateWords says what is asked for.
func certificateWords(c *plan.Certificate) string {
	words := spec.FormatDuration(c.Duration) + ", " + string(c.KeyAlgorithm)
	if len(c.Groups) > 0 {
		words += ", " + quotedWords(c.Groups)
	}
	return words
}

// quotedWords joins names so that no name looks like two.
func quotedWords(names []string) string {
	quoted := make([]string, 0, len(names))
	for _, n := range names {
		quoted = append(quoted, plan.Quoted(n))
	}
	return strings.Join(quoted, " ")
}

func (v view) roles(w io.Writer, s style, p plan.Plan) {
	var list []row
	unchanged := 0
	for _, c := range p.Roles {
		if c.Op == plan.Keep {
			unchanged++
			continue
		}
		of := c.After
		if of == nil {
			of = c.Before
		}
		r := row{sign(c.Op), fmt.Sprintf("%s %s: %s", c.Op, objectName(of.Kind(), of.Namespace, of.Name), reasonsWords(c.Reasons)), nil, true}
		if c.Op == plan.Create {
			r.below = signed("+", plan.RuleTexts(c.After.Rules))
		}
		r.below = append(r.below, changedLines(c.Reasons)...)
		list = append(list, r)
	}
	v.rows(w, s, "roles", list, unchanged)
}

func (v view) bindings(w io.Writer, s style, p plan.Plan) {
	var list []row
	powerful := powerfulRoles(p)
	unchanged := 0
	for _, c := range p.Bindings {
		if c.Op == plan.Keep {
			unchanged++
			continue
		}
		of := c.After
		if of == nil {
			of = c.Before
		}
		r := row{sign(c.Op), fmt.Sprintf("%s %s (%s): %s", c.Op, objectName(of.Kind(), of.Namespace, of.Name),
			objectName(of.RoleRef.Kind, "", of.RoleRef.Name), reasonsWords(c.Reasons)), nil, powerful[of.RoleRef]}
		switch c.Op {
		case plan.Create:
			r.below = signed("+", plan.SubjectTexts(c.After.Subjects))
		case plan.Delete:
			r.below = signed("-", plan.SubjectTexts(c.Before.Subjects))
		}
		r.below = append(r.below, changedLines(c.Reasons)...)
		list = append(list, r)
	}
	v.rows(w, s, "bindings", list, unchanged)
}

// powerfulRoles are those that the plan warns of.
func powerfulRoles(p plan.Plan) map[plan.RoleRef]bool {
	refs := map[plan.RoleRef]bool{{Kind: "ClusterRole", Name: "cluster-admin"}: true}
	for _, w := range p.Warnings {
		switch w.Code {
		case plan.PowerfulRole:
			refs[plan.RoleRef{Kind: plan.Role{Namespace: w.Namespace}.Kind(), Name: w.Name}] = true
		case plan.PowerfulGrant:
			kind, name, _ := strings.Cut(w.Name, "/")
			refs[plan.RoleRef{Kind: map[string]string{"role": "Role", "clusterrole": "ClusterRole"}[kind], Name: name}] = true
		}
	}
	return refs
}

// requests lists requests that would be issued for nobody.
func (v view) requests(w io.Writer, s style, p plan.Plan) {
	var list []row
	for _, c := range p.Requests {
		list = append(list, row{sign(c.Op), fmt.Sprintf("%s %s: %s", c.Op, objectName("certificatesigningrequest", "", c.Before.Name), reasonsWords(c.Reasons)), nil, false})
	}
	v.rows(w, s, "requests", list, 0)
}

// ledger says what the record of certificates learns, besides the certificates that are issued now.
func (v view) ledger(w io.Writer, s style, p plan.Plan) {
	var list []row
	if p.Ledger.CreateNamespace && p.Changes() {
		list = append(list, row{"+", "create namespace/" + p.Ledger.Namespace + ", which has no records of this set yet", nil, false})
	}
	var left []string
	type kind struct {
		op   plan.Op
		code plan.ReasonCode
	}
	alike := map[kind][]string{}
	var kinds []kind
	last := map[kind]row{}
	for _, c := range p.Ledger.Records {
		of := c.After
		if of == nil {
			of = c.Before
		}
		if c.Op == plan.Update && len(c.Reasons) == 1 && c.Before.Removed.IsZero() && !of.Removed.IsZero() {
			left = append(left, of.User)
			continue
		}
		k := kind{c.Op, c.Reasons[0].Code}
		if alike[k] == nil {
			kinds = append(kinds, k)
		}
		alike[k] = append(alike[k], plan.Quoted(of.User))
		last[k] = row{sign(c.Op), fmt.Sprintf("%s record of %s (until %s): %s", c.Op, plan.Quoted(of.User), timeWords(of.Until()), reasonsWords(c.Reasons)), nil, false}
	}
	for _, k := range kinds {
		r := last[k]
		if n := len(alike[k]); n > 1 {
			r.text = fmt.Sprintf("%s %s of %s: %s", k.op, plural(n, "record"), listed(slices.Compact(alike[k])), reasonWords(plan.Reason{Code: k.code}))
		}
		list = append(list, r)
	}
	if len(left) > 0 {
		names := listed(slices.Compact(left)) // one may have several certificates
		list = append(list, row{"~", "note who left, so that nobody else gets the name while a certificate for it lives: " + names, nil, false})
	}
	v.rows(w, s, "ledger", list, 0)
}

func sign(op plan.Op) string {
	switch op {
	case plan.Create:
		return "+"
	case plan.Delete:
		return "-"
	}
	return "~"
}

// changedLines lists what an update takes away and adds, one per line.
func changedLines(reasons []plan.Reason) []string {
	var lines []string
	for _, r := range reasons {
		if r.Code == plan.SubjectsChanged || r.Code == plan.RulesChanged {
			lines = append(lines, signed("-", r.Removed)...)
			lines = append(lines, signed("+", r.Added)...)
		}
	}
	return lines
}

func signed(sign string, texts []string) []string {
	lines := make([]string, 0, len(texts))
	for _, t := range texts {
		lines = append(lines, sign+" "+t)
	}
	return lines
}
