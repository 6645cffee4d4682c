package view

import (
	"provision/internal/cluster"
	"provision/internal/plan"
)

// document is a plan for programs.
type document struct {
	head
	Operator string            `json:"operator"` // who ran this, as the API server calls them
	Sets     []setDoc          `json:"sets"`
	Changes  bool              `json:"changes"`
	Blocked  bool              `json:"blocked"` // permissions are missing: apply would refuse a set, see sets
	Summary  plan.Summary      `json:"summary"`
	Actions  []action          `json:"actions"`
	Held     []action          `json:"held"`   // what an error holds back, and apply does not do
	Others   []action          `json:"others"` // those that --target leaves out, as they are for others
	Warnings []note            `json:"warnings"`
	Errors   []note            `json:"errors"`
	Missing  []plan.Permission `json:"missingPermissions"`
}

// setDoc is what one plan is about.
type setDoc struct {
	Set       string     `json:"set"`
	Cluster   clusterDoc `json:"cluster"` // as the operator's own context has it
	OutputDir string     `json:"outputDir"`
	Changes   bool       `json:"changes"`
	Blocked   bool       `json:"blocked"` // apply would refuse it: permissions are missing
	Ends      []plan.End `json:"ends"`    // what of the users file ends by itself, the earliest first
	// Selections are the namespaces that the users file selects by labels.
	Selections []plan.Selection `json:"selections"`
}

// action is one change. Before and After are the object as it is and as it will be; neither holds a secret.
type action struct {
	Set       string      `json:"set"`
	Kind      string      `json:"kind"`
	Operation plan.Op     `json:"operation"`
	Name      string      `json:"name"`
	Namespace string      `json:"namespace,omitempty"`
	User      string      `json:"user,omitempty"`
	Reason    string      `json:"reason"`
	Reasons   []reasonDoc `json:"reasons"`
	Before    any         `json:"before,omitempty"`
	After     any         `json:"after,omitempty"`
}

// leftOutDoc is a role of the set that is left out, or a grant with the subjects that do not get it.
type leftOutDoc struct {
	Kind      string         `json:"kind"` // of the role: Role or ClusterRole
	Namespace string         `json:"namespace,omitempty"`
	Name      string         `json:"name"`
	Subjects  []plan.Subject `json:"subjects,omitempty"` // none: the role itself
}

// planDocument makes the document of plans, those that nothing is done for too.
func planDocument(all plan.Proposals, v Page) document {
	d := document{
		head: v.head("Plan"), Sets: []setDoc{}, Changes: all.Changes(), Blocked: all.Blocked(),
		Summary: all.Summary(), Actions: []action{}, Held: []action{}, Others: []action{}, Warnings: []note{}, Errors: []note{}, Missing: []plan.Permission{},
	}
	d.Errors = append(d.Errors, brokenNotes(v.Broken)...)
	for _, p := range all {
		d.Operator = p.Operator
		d.Sets = append(d.Sets, setDoc{Set: p.Set, Cluster: v.cluster(), OutputDir: v.Dir, Changes: p.Changes(), Blocked: p.Blocked(), Ends: orEmpty(p.Endings), Selections: orEmpty(p.Selections)})
		d.Actions = appendActions(d.Actions, p.Plan)
		if p.Held != nil {
			d.Held = appendActions(d.Held, *p.Held)
		}
		if p.Others != nil {
			d.Others = appendActions(d.Others, *p.Others)
		}
		for _, w := range p.Warnings {
			d.Warnings = append(d.Warnings, warningNote(p.Set, w))
		}
		d.Errors = append(d.Errors, errorNotes(p)...)
		d.Missing = append(d.Missing, p.Missing...)
	}
	return d
}

// appendActions adds the changes of a plan, in the order in which a person reads them.
func appendActions(list []action, p plan.Plan) []action {
	if c := p.Block; c != nil {
		list = appendAction(list, *c, action{Set: p.Set, Kind: "ValidatingAdmissionPolicy", Name: cluster.BlockName(p.Set)})
	}
	for _, c := range p.Namespaces {
		list = appendAction(list, c, action{Set: p.Set, Kind: "Namespace", Name: c.After.Name})
	}
	for _, c := range p.Roles {
		of := c.Object()
		list = appendAction(list, c, action{Set: p.Set, Kind: of.Kind(), Name: of.Name, Namespace: of.Namespace})
	}
	for _, c := range p.Bindings {
		of := c.Object()
		list = appendAction(list, c, action{Set: p.Set, Kind: of.Kind(), Name: of.Name, Namespace: of.Namespace})
	}
	for _, u := range p.Users {
		list = appendAction(list, u.Certificate, action{Set: p.Set, Kind: "Certificate", Name: u.Name, User: u.Name})
		file := u.Kubeconfig.Object()
		if file != nil {
			list = appendAction(list, u.Kubeconfig, action{Set: p.Set, Kind: "Kubeconfig", Name: file.File, User: u.Name})
		}
	}
	for _, c := range p.Requests {
		list = appendAction(list, c, action{Set: p.Set, Kind: "CertificateSigningRequest", Name: c.Before.Name, User: c.Before.User})
	}
	for _, c := range p.Forgotten {
		list = appendAction(list, c, action{Set: p.Set, Kind: "ClusterEntry", Name: c.Before.File, User: c.Before.User})
	}
	for _, c := range p.Ledger.Records {
		of := c.Object()
		list = appendAction(list, c, action{Set: p.Set, Kind: "LedgerRecord", Name: of.KeyHash, Namespace: p.Ledger.Namespace, User: of.User})
	}
	return list
}

// appendAction adds one change, which a tells about, if it changes anything.
func appendAction[T any](list []action, c plan.Change[T], a action) []action {
	if c.Op == plan.Keep {
		return list
	}
	a.Operation, a.Reasons, a.Reason = c.Op, reasonDocs(c.Reasons), reasonsWords(c.Reasons, everyone)
	if c.Before != nil {
		a.Before = c.Before
	}
	if c.After != nil {
		a.After = c.After
	}
	return append(list, a)
}

// errorNotes makes notes of why a plan could not be made, and of its problems with what they leave out.
func errorNotes(p plan.Proposal) []note {
	var list []note
	if p.Failed != nil {
		list = append(list, setNotRead(p.Set, p.Failed, "provision plan"))
	}
	for _, problem := range p.Problems {
		n := problemNote(p.Set, problem)
		for _, r := range problem.Roles {
			n.LeftOut = append(n.LeftOut, leftOutDoc{Kind: plan.Role{Namespace: r.Namespace}.Kind(), Namespace: r.Namespace, Name: r.Name})
		}
		for _, b := range problem.Grants {
			n.LeftOut = append(n.LeftOut, leftOutDoc{Kind: b.RoleRef.Kind, Namespace: b.Namespace, Name: b.RoleRef.Name, Subjects: b.Subjects})
		}
		list = append(list, n)
	}
	return list
}
