package view

import (
	"fmt"
	"slices"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// sections draws everything that a plan changes, of which o was observed.
func (v Page) sections(p pen, of plan.Plan, o plan.Observed) {
	v.block(p, of.Block)
	v.users(p, of, o)
	v.namespaces(p, of.Namespaces)
	v.roles(p, of.Roles)
	v.bindings(p, of)
	v.requests(p, of.Requests)
	v.forgotten(p, of.Forgotten)
	v.ledger(p, of)
}

// reasons says why something changes.
func (v Page) reasons(list []plan.Reason) string {
	return v.brief(func(names lister) string { return reasonsWords(list, names) })
}

// why says why an object changes. That the cluster lacks what is created goes without saying.
func (v Page) why(op plan.Op, list []plan.Reason) string {
	if op == plan.Create && len(list) == 1 && list[0].Code == plan.InFile {
		return ""
	}
	return ": " + v.reasons(list)
}

// removal says what is removed of a user's kubeconfig: a file with entries for other clusters stays.
func removal(f plan.File) string {
	if len(f.Taken) > 0 {
		return "remove this cluster's entry from kubeconfig"
	}
	return "remove kubeconfig"
}

// certificateWords says what is asked for: how long, what key, which groups, and in whose hands the key will be.
func certificateWords(c *plan.Certificate) string {
	words := usersfile.FormatDuration(c.Duration)
	if !c.Until.IsZero() {
		words += ", no later than " + momentWords(c.Until)
	}
	words += ", " + string(c.KeyAlgorithm)
	if c.Key == plan.KeyOwn {
		words += ", own key " + shortKey(c.KeyHash)
	}
	if len(c.Groups) > 0 {
		words += ", " + quotedWords(c.Groups)
	}
	if c.Key == plan.KeySealed {
		words += "; private key " + certificateKeyWords(*c)
	}
	return words
}

// namespaces lists those that are made.
func (v Page) namespaces(p pen, changes []plan.Change[plan.Namespace]) {
	var list []row
	for _, c := range changes {
		list = append(list, row{sign: sign(c.Op), text: fmt.Sprintf("%s %s", c.Op, objectName(c.After.Object()))})
	}
	if len(changes) > few {
		names := each(changes, func(c plan.Change[plan.Namespace]) string { return c.After.Name })
		list = []row{{sign: "+", text: "create " + Plural(len(changes), "namespace"), below: []line{{names: names}}}}
	}
	v.rows(p, "namespaces", list, 0)
}

// selections tells which namespaces the file selects by labels. That it is none is a warning.
func (v Page) selections(p pen, list []plan.Selection) {
	lines := 0
	for _, s := range list {
		if len(s.Namespaces) == 0 {
			continue
		}
		if lines == 0 {
			p.title("namespaces by their labels")
		}
		if lines++; lines > fewRows && !v.All {
			p.text(2, "", "... and more selectors (--show-all lists them)")
			return
		}
		most := fewLines
		if v.All {
			most = allLines
		}
		p.text(2, "", s.Selector+": "+Plural(len(s.Namespaces), "namespace"))
		p.list(6, "", "", s.Namespaces, most)
	}
}

// roles lists those of the set that change, with every rule that is given: none is left out.
func (v Page) roles(p pen, changes []plan.Change[plan.Role]) {
	var list []row
	unchanged := 0
	for _, c := range changes {
		if c.Op == plan.Keep {
			unchanged++
			continue
		}
		of := c.Object()
		r := row{sign: sign(c.Op), text: fmt.Sprintf("%s %s%s", c.Op, objectName(of.Object()), v.why(c.Op, c.Reasons)), whole: true}
		if c.Op == plan.Create {
			r.below = signed("+", ruleTexts(c.After.Rules))
		}
		r.below = append(r.below, changedLines(c.Reasons)...)
		list = append(list, r)
	}
	v.rows(p, "roles", list, unchanged)
}

// bindings lists those of the set that change, with their subjects. Of those that give power nobody is left out.
func (v Page) bindings(p pen, of plan.Plan) {
	var list []row
	powerful := powerfulRoles(of)
	unchanged := 0
	for _, c := range of.Bindings {
		if c.Op == plan.Keep {
			unchanged++
			continue
		}
		b := c.Object()
		name, role := objectName(b.Object()), objectName(b.RoleRef.In(""))
		r := row{sign: sign(c.Op), text: fmt.Sprintf("%s %s (%s)%s", c.Op, name, role, v.why(c.Op, c.Reasons)), whole: powerful[b.RoleRef]}
		// No other has lines below.
		//exhaustive:ignore
		switch c.Op {
		case plan.Create:
			r.below = subjectLines("+", c.After.Subjects)
		case plan.Delete:
			r.below = subjectLines("-", c.Before.Subjects)
		}
		r.below = append(r.below, changedLines(c.Reasons)...)
		list = append(list, r)
	}
	v.rows(p, "bindings", list, unchanged)
}

// powerfulRoles returns the roles that the plan warns of, and cluster-admin.
func powerfulRoles(p plan.Plan) map[plan.RoleRef]bool {
	refs := map[plan.RoleRef]bool{plan.ClusterAdminRole: true}
	for _, w := range p.Warnings {
		if w.Code == plan.PowerfulRole || w.Code == plan.PowerfulGrant {
			refs[w.Role] = true
		}
	}
	return refs
}

// requests lists requests that would be issued for nobody.
func (v Page) requests(p pen, changes []plan.Change[plan.Request]) {
	var list []row
	for _, c := range changes {
		list = append(list, row{sign: sign(c.Op), text: fmt.Sprintf("%s %s: %s", c.Op, objectName(plan.Object{Kind: "CertificateSigningRequest", Name: c.Before.Name}), v.reasons(c.Reasons))})
	}
	v.rows(p, "requests", list, 0)
}

// forgotten lists the entries of clusters that are no more.
func (v Page) forgotten(p pen, changes []plan.Change[plan.ClusterEntry]) {
	var list []row
	for _, c := range changes {
		e := c.Before
		list = append(list, row{sign: "-", text: fmt.Sprintf("%s  remove context %s for cluster %s at %s: %s", e.File, orDash(e.Context), e.Cluster, orDash(e.Server), v.reasons(c.Reasons))})
	}
	v.rows(p, "obsolete contexts", list, 0)
}

// ledger lists what the record of certificates learns, besides the certificates that are issued now. Records that change in one
// way, for one reason, are one row.
func (v Page) ledger(p pen, of plan.Plan) {
	var list []row
	if of.Ledger.CreateNamespace && of.Changes() {
		list = append(list, row{sign: "+", text: "create namespace/" + of.Ledger.Namespace + " for the records of this set"})
	}
	type way struct {
		op     plan.Op
		reason plan.ReasonCode
	}
	var left []string
	var records []plan.Change[plan.Record]
	for _, c := range of.Ledger.Records {
		if c.Op == plan.Update && len(c.Reasons) == 1 && c.Before.Removed.IsZero() && !c.Object().Removed.IsZero() {
			left = append(left, c.Object().User)
			continue
		}
		records = append(records, c)
	}
	for _, group := range together(records, func(c plan.Change[plan.Record]) any { return way{c.Op, c.Reasons[0].Code} }) {
		c := group[len(group)-1]
		text := fmt.Sprintf("%s record of %s (until %s): %s", c.Op, plan.Quoted(c.Object().User), timeWords(c.Object().Until()), v.reasons(c.Reasons))
		if n := len(group); n > 1 {
			users := slices.Compact(each(group, func(c plan.Change[plan.Record]) string { return plan.Quoted(c.Object().User) }))
			text = fmt.Sprintf("%s %s of %s: %s", c.Op, Plural(n, "record"), v.names(users), v.reasons([]plan.Reason{{Code: c.Reasons[0].Code}}))
		}
		list = append(list, row{sign: sign(c.Op), text: text})
	}
	if len(left) > 0 {
		names := v.names(slices.Compact(left)) // one may have several certificates
		list = append(list, row{sign: "~", text: "reserve the name of who left until the certificate ends: " + names})
	}
	v.rows(p, "ledger", list, 0)
}

// sign returns the sign of what is done to an object.
func sign(op plan.Op) string {
	// Every other changes what is there.
	//exhaustive:ignore
	switch op {
	case plan.Create:
		return "+"
	case plan.Delete:
		return "-"
	}
	return "~"
}
