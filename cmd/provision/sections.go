package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"provision/internal/plan"
	"provision/internal/spec"
)

// row is one change with the lines below it.
type row struct {
	sign  string
	text  string
	below []string
	whole bool // neither it nor a line below it is ever left out: what is granted here must be seen
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
		of := c.Object()
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
		of := c.Object()
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
	refs := map[plan.RoleRef]bool{plan.ClusterAdminRole: true}
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
		of := c.Object()
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
