package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"provision/internal/apply"
	"provision/internal/plan"
)

// formatVersion of the documents for programs. A field may come without a new version, none goes or changes.
const formatVersion = "1"

// document is a plan for programs.
type document struct {
	FormatVersion string            `json:"formatVersion"`
	Kind          string            `json:"kind"`     // Plan; other documents say Report, Status, Verification, Remainder
	Operator      string            `json:"operator"` // who ran this, as the API server calls them
	Sets          []setDoc          `json:"sets"`
	Changes       bool              `json:"changes"`
	Blocked       bool              `json:"blocked"` // errors or missing permissions: apply would refuse
	Summary       plan.Summary      `json:"summary"`
	Seconds       int               `json:"estimatedSeconds"` // that an apply takes, roughly
	Actions       []action          `json:"actions"`
	Warnings      []note            `json:"warnings"`
	Errors        []note            `json:"errors"`
	Missing       []plan.Permission `json:"missingPermissions"`
}

// setDoc is what one plan is about.
type setDoc struct {
	Set       string     `json:"set"`
	Cluster   clusterDoc `json:"cluster"` // as the operator's own context has it
	OutputDir string     `json:"outputDir"`
	Changes   bool       `json:"changes"`
}

type clusterDoc struct {
	Name   string `json:"name"`
	Server string `json:"server"`
}

// action is one change. Before and After are the object as it is and as it will be; neither holds a secret.
type action struct {
	Set       string        `json:"set"`
	Kind      string        `json:"kind"`
	Operation plan.Op       `json:"operation"`
	Name      string        `json:"name"`
	Namespace string        `json:"namespace,omitempty"`
	User      string        `json:"user,omitempty"`
	Reason    string        `json:"reason"`
	Reasons   []plan.Reason `json:"reasons"`
	Before    any           `json:"before,omitempty"`
	After     any           `json:"after,omitempty"`
}

// note is a warning or an error.
type note struct {
	Set     string   `json:"set"`
	Code    string   `json:"code"`
	Message string   `json:"message"`
	User    string   `json:"user,omitempty"`  // whom it is about, when it is one
	Users   []string `json:"users,omitempty"` // and when they are several
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	Hint    string   `json:"hint,omitempty"` // the way out
}

func planDocument(all plans, v view) document {
	d := document{
		FormatVersion: formatVersion, Kind: "Plan", Sets: []setDoc{}, Changes: all.changes(), Blocked: all.blocked(),
		Summary: all.summary(), Actions: []action{}, Warnings: []note{}, Errors: []note{}, Missing: []plan.Permission{},
	}
	for _, p := range all {
		d.Operator = p.operator
		d.Sets = append(d.Sets, setDoc{Set: p.Set, Cluster: clusterDoc{v.endpoint.Name, v.endpoint.Server}, OutputDir: v.dir.Path(), Changes: p.Changes()})
		d.Seconds += int(p.Estimate(p.observed.Ledger, runtime.GOMAXPROCS(0)).Time.Seconds())
		for _, c := range p.Roles {
			of := c.Object()
			d.Actions = appendAction(d.Actions, c, action{Set: p.Set, Kind: of.Kind(), Name: of.Name, Namespace: of.Namespace})
		}
		for _, c := range p.Bindings {
			of := c.Object()
			d.Actions = appendAction(d.Actions, c, action{Set: p.Set, Kind: of.Kind(), Name: of.Name, Namespace: of.Namespace})
		}
		for _, u := range p.Users {
			d.Actions = appendAction(d.Actions, u.Certificate, action{Set: p.Set, Kind: "Certificate", Name: u.Name, User: u.Name})
			file := u.Kubeconfig.Object()
			if file != nil {
				d.Actions = appendAction(d.Actions, u.Kubeconfig, action{Set: p.Set, Kind: "Kubeconfig", Name: file.File, User: u.Name})
			}
		}
		for _, c := range p.Requests {
			d.Actions = appendAction(d.Actions, c, action{Set: p.Set, Kind: "CertificateSigningRequest", Name: c.Before.Name, User: c.Before.User})
		}
		for _, c := range p.Ledger.Records {
			of := c.Object()
			d.Actions = appendAction(d.Actions, c, action{Set: p.Set, Kind: "LedgerRecord", Name: of.KeyHash, Namespace: p.Ledger.Namespace, User: of.User})
		}
		for _, w := range p.Warnings {
			d.Warnings = append(d.Warnings, warningNote(p.Set, w))
		}
		d.Errors = append(d.Errors, p.errorNotes()...)
		d.Missing = append(d.Missing, p.missing...)
	}
	return d
}

func warningNote(set string, w plan.Warning) note {
	n := note{Set: set, Code: string(w.Code), Message: warningWords(w), User: w.User}
	if w.User == "" && w.OfUsers() {
		n.Users = w.Items
		if len(n.Users) == 1 {
			n.User = n.Users[0]
		}
	}
	return n
}

// errorNotes are a plan's problems.
func (p computed) errorNotes() []note {
	var list []note
	for _, problem := range p.Problems {
		what, hint := problemWords(p.Set, problem)
		list = append(list, note{Set: p.Set, Code: string(problem.Code), Message: what, User: problem.User, File: problem.Pos.File, Line: problem.Pos.Line, Hint: hint})
	}
	return list
}

// summary counts the operations of all plans.
func (all plans) summary() plan.Summary {
	total := plan.Plan{}.Summarize()
	for _, p := range all {
		sum := p.Summarize()
		merge(total.Certificates, sum.Certificates)
		merge(total.Kubeconfigs, sum.Kubeconfigs)
		merge(total.Roles, sum.Roles)
		merge(total.Bindings, sum.Bindings)
	}
	return total
}

// orEmpty makes a list that is written as [], never as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func merge(into, from map[plan.Op]int) {
	for _, op := range slices.Sorted(maps.Keys(from)) {
		into[op] += from[op]
	}
}

func appendAction[T any](list []action, c plan.Change[T], a action) []action {
	if c.Op == plan.Keep {
		return list
	}
	a.Operation, a.Reasons, a.Reason = c.Op, orEmpty(c.Reasons), reasonsWords(c.Reasons)
	if c.Before != nil {
		a.Before = c.Before
	}
	if c.After != nil {
		a.After = c.After
	}
	return append(list, a)
}

// reportDoc is an apply's report for programs.
type reportDoc struct {
	FormatVersion string               `json:"formatVersion"`
	Kind          string               `json:"kind"`
	DryRun        bool                 `json:"dryRun"` // nothing was kept
	Summary       map[apply.Status]int `json:"summary"`
	Results       []resultDoc          `json:"results"`
	Errors        []note               `json:"errors"`   // of the plans: what was left as it is
	Warnings      []note               `json:"warnings"` // of what was issued
	Stopped       string               `json:"stopped,omitempty"`
}

type resultDoc struct {
	Set       string       `json:"set"`
	Kind      string       `json:"kind"`
	Operation plan.Op      `json:"operation"`
	Name      string       `json:"name"`
	Namespace string       `json:"namespace,omitempty"`
	Status    apply.Status `json:"status"`
	Error     string       `json:"error,omitempty"`
	Hint      string       `json:"hint,omitempty"`
	NotAfter  time.Time    `json:"notAfter,omitzero"`
}

func reportDocument(all plans, reports []apply.Report, dry bool) reportDoc {
	d := reportDoc{FormatVersion: formatVersion, Kind: "Report", DryRun: dry, Summary: map[apply.Status]int{}, Results: []resultDoc{}, Errors: []note{}, Warnings: []note{}}
	for _, p := range all {
		d.Errors = append(d.Errors, p.errorNotes()...)
	}
	for _, r := range reports {
		if r.Stopped != nil {
			d.Stopped = oneLine(r.Stopped)
		}
		for _, w := range all.issued(r) {
			d.Warnings = append(d.Warnings, warningNote(r.Set, w))
		}
		for _, one := range r.Results {
			d.Summary[one.Status]++
			doc := resultDoc{Set: r.Set, Kind: one.Kind, Operation: one.Op, Name: one.Name, Namespace: one.Namespace, Status: one.Status, NotAfter: one.NotAfter}
			if one.Err != nil {
				doc.Error, doc.Hint = oneLine(one.Err), hintFor(one.Err)
			}
			d.Results = append(d.Results, doc)
		}
	}
	return d
}

// printDocument writes one document as JSON or YAML.
func printDocument(w io.Writer, format string, doc any) error {
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", format, err)
	}
	data = append(data, '\n')
	if format == "yaml" {
		if data, err = yaml.JSONToYAML(data); err != nil {
			return fmt.Errorf("encode yaml: %w", err)
		}
	}
	_, err = w.Write(data)
	return err
}
