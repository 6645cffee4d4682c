package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"provision/internal/observe"
	"provision/internal/plan"
)

// outsideWords tells of rights that one role gives and the file does not, with the bindings and their subjects.
func outsideWords(w plan.Warning, names lister) string {
	what := map[plan.WarningCode]string{
		plan.OutsideAdmin:  "as good as cluster-admin, and not of this file",
		plan.OutsideUnread: "not of this file, and what it allows is not known, as you may not read the role",
		plan.OutsideGrant:  "not of this file",
	}[w.Code]
	if w.Name != "" {
		what += ", but of the set " + w.Name
	}
	var bindings []string
	for i := 0; i < len(w.Held); {
		at := w.Held[i].Binding
		var who []plan.Subject
		for ; i < len(w.Held) && w.Held[i].Binding.Namespace == at.Namespace && w.Held[i].Binding.Name == at.Name; i++ {
			who = append(who, w.Held[i].Subject)
		}
		bindings = append(bindings, fmt.Sprintf("%s (%s)", objectName(at.Object()), names(subjectTexts(who))))
	}
	return fmt.Sprintf("%s: %s by %s", what, objectName(w.Role.In("")), names(bindings))
}

// grantDoc is what somebody has by a binding, for programs.
type grantDoc struct {
	Role      string     `json:"role"`                // clusterrole/x
	Namespace string     `json:"namespace,omitempty"` // none: in the whole cluster
	Through   string     `json:"through"`             // the subject of the binding: user ann, group dev
	Binding   string     `json:"binding"`             // rolebinding/x -n y
	Set       string     `json:"set,omitempty"`       // whose binding it is, if it is another set's
	Power     plan.Power `json:"power,omitempty"`     // clusterAdmin (as good as that, where it is bound), limited, or unknown: the role may not be read; none: nobody has looked
	Until     time.Time  `json:"until,omitzero"`      // when it ends by itself, by the users file
}

// grantDocs writes what somebody has by their set's bindings for programs. Never nil.
func grantDocs(u plan.UserStatus, by plan.Through) []grantDoc {
	return each(u.Grants, func(g plan.Grant) grantDoc {
		d := grantDoc{Role: objectName(g.Role.In("")), Namespace: g.Namespace, Until: u.GrantEnds[g]}
		if s, binding, is := by.To(u.User, u.Groups, g); is {
			d.Through, d.Binding = throughText(s), objectName(binding)
		}
		return d
	})
}

// outsideDocs writes rights from outside the file for programs. Never nil.
func outsideDocs(list []plan.Held) []grantDoc {
	return each(list, func(h plan.Held) grantDoc {
		b := h.Binding
		return grantDoc{
			Binding: objectName(b.Object()), Namespace: b.Namespace, Role: objectName(b.RoleRef.In("")), Through: throughText(h.Subject), Set: h.Set, Power: h.Power,
		}
	})
}

// throughText names a subject as programs compare it, without quotes.
func throughText(s plan.Subject) string { return strings.ToLower(s.Kind) + " " + s.Name }

// outsideCell counts somebody's rights from outside the file, with an exclamation mark where one is as good as cluster-admin, or
// may be.
func outsideCell(list []plan.Held) string {
	if len(list) == 0 {
		return "-"
	}
	cell := strconv.Itoa(len(list))
	if slices.ContainsFunc(list, func(h plan.Held) bool { return h.Power != plan.PowerLimited }) {
		cell += " !"
	}
	return cell
}

// covered lists the commands that delete what sets grant as well.
func (p pen) covered(sets []observe.SetStatus) {
	var commands []string
	for _, set := range sets {
		commands = append(commands, each(set.Covered, func(b plan.Binding) string { return "kubectl delete " + objectName(b.Object()) })...)
	}
	if len(commands) == 0 {
		return
	}
	p.gap()
	p.text(0, "", "other bindings grant nobody anything that these sets do not, and can go:")
	for _, command := range commands {
		p.line(2, "", command)
	}
}

// outside lists below a table what its people have from outside their files, in one line for all that is alike.
func (p pen) outside(list []plan.Held) {
	told := map[plan.HeldKey]bool{}
	list = slices.DeleteFunc(slices.Clone(list), func(h plan.Held) bool {
		again := told[h.Key()]
		told[h.Key()] = true
		return again
	})
	for i, warning := range plan.OutsideWarnings(list) {
		if i == 0 {
			p.gap()
		}
		p.text(2, p.yellow("!"), cut(inDocument, func(names lister) string { return warningsWords([]plan.Warning{warning}, names) }))
	}
}
