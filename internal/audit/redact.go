package audit

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Redact returns the report with other names for people, groups, operators and for bindings, the same one wherever a name stands, and
// without texts that may hold a name: those are counted. Sets, namespaces, roles and what identifies certificates stay.
func (r Report) Redact() Report {
	people, groups, operators, bindings := map[string]bool{}, map[string]bool{}, map[string]bool{r.Operator: true}, map[string]bool{}
	for _, p := range r.People {
		people[p.User] = true
		noteAll(groups, p.Groups)
	}
	for _, c := range r.Certificates {
		operators[c.By] = true
		noteAll(groups, c.Groups)
	}
	subject := func(text string) {
		if kind, name, _ := strings.Cut(text, " "); kind == "group" {
			groups[name] = true
		} else if !people[name] {
			operators[name] = true
		}
	}
	for _, g := range r.Grants {
		subject(g.Through)
		bindings[g.Binding] = true
	}
	for _, a := range r.Approvers {
		subject(a.Subject)
		for _, with := range a.With {
			subject(with)
		}
		noteAll(bindings, a.Bindings)
	}
	person, group, operator, binding := stand("person", people), stand("group", groups), stand("operator", operators), stand("binding", bindings)
	about := func(text string) string {
		kind, name, _ := strings.Cut(text, " ")
		switch {
		case kind == "group":
			return "group " + group[name]
		case people[name]:
			return kind + " " + person[name]
		}
		return kind + " " + operator[name]
	}

	r.Redacted, r.Hidden, r.OutputDir = true, len(r.Unread)+len(r.Notes), ""
	if len(r.Unread) > 0 {
		r.Unread = []string{fmt.Sprintf("%d things could not be read; what they were is left out, since it may name people", len(r.Unread))}
	}
	r.Notes = []string{}
	r.Operator = operator[r.Operator]
	r.Sources = mapped(r.Sources, func(s Source) Source {
		if s.File != "" {
			s.File = filepath.Base(s.File)
		}
		return s
	})
	r.People = mapped(r.People, func(p Person) Person {
		p.User, p.Groups = person[p.User], mapped(p.Groups, func(g string) string { return group[g] })
		if p.File != "" {
			p.File = p.User + ".kubeconfig"
		}
		if n := len(p.SealedTo); n > 0 {
			p.SealedTo = []string{fmt.Sprintf("%d recipients", n)}
		}
		return p
	})
	r.Certificates = mapped(r.Certificates, func(c Certificate) Certificate {
		c.User, c.By, c.Groups = person[c.User], operator[c.By], mapped(c.Groups, func(g string) string { return group[g] })
		return c
	})
	r.Grants = mapped(r.Grants, func(g Grant) Grant {
		g.User, g.Through, g.Binding = person[g.User], about(g.Through), binding[g.Binding]
		return g
	})
	r.Approvers = mapped(r.Approvers, func(a Approver) Approver {
		a.Subject, a.With, a.Bindings = about(a.Subject), mapped(a.With, about), mapped(a.Bindings, func(b string) string { return binding[b] })
		return a
	})
	return r
}

func noteAll(names map[string]bool, list []string) {
	for _, name := range list {
		names[name] = true
	}
}

// stand gives each name another. They are numbered in an order that tells nothing of the alphabet.
func stand(kind string, names map[string]bool) map[string]string {
	all := map[string]string{"": ""}
	maps.DeleteFunc(names, func(name string, _ bool) bool {
		if strings.HasPrefix(name, "system:") { // Kubernetes' own
			all[name] = name
		}
		return name == "" || all[name] != ""
	})
	list := slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return cmp.Compare(string(x[:]), string(y[:]))
	})
	width := len(fmt.Sprint(len(list)))
	for i, name := range list {
		all[name] = fmt.Sprintf("%s-%0*d", kind, width, i+1)
	}
	return all
}

func mapped[T any](list []T, f func(T) T) []T {
	out := make([]T, len(list))
	for i, one := range list {
		out[i] = f(one)
	}
	return out
}
