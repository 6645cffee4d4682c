package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"provision/internal/apply"
	"provision/internal/plan"
)

// report draws how a run ended: each failure with its way out, then one summary line per set.
func (v view) report(s streams, all plans, reports []apply.Report, dry bool) {
	if len(reports) == 0 {
		fmt.Fprintln(s.out, "nothing to do")
	}
	for _, r := range reports {
		for hint, failures := range failuresByHint(r) {
			for i, one := range failures {
				if i == fewRows && !v.all {
					fmt.Fprintf(s.err, "%s ... and %s more like these (--show-all lists them)\n", s.errStyle.red("failed:"), thousands(len(failures)-fewRows))
					break
				}
				fmt.Fprintf(s.err, "%s %s: %s\n", s.errStyle.red("failed:"), flat(objectName(one.Kind, one.Namespace, one.Name)), oneLine(one.Err))
			}
			if r.Stopped == nil {
				printHint(s, hint)
			}
		}
		if r.Stopped != nil && !errors.Is(r.Stopped, context.Canceled) {
			printError(s, fmt.Errorf("stopped early: %w", r.Stopped))
		}
		for _, w := range all.issued(r) {
			fmt.Fprintf(s.err, "%s %s\n", s.errStyle.yellow("warning:"), flat(warningWords(w)))
		}
		v.summaryLine(s, r, len(reports) > 1, dry)
	}
}

// issued warns of certificates that were issued for another time than was asked for.
func (all plans) issued(r apply.Report) []plan.Warning {
	asked := map[string]plan.Certificate{}
	for _, p := range all {
		for _, u := range p.Users {
			if p.Set == r.Set && u.Certificate.Op != plan.Keep {
				asked[u.Name] = *u.Certificate.After
			}
		}
	}
	var list []plan.Certificate
	for _, one := range r.Results {
		if c, ok := asked[one.Name]; ok && one.Kind == "User" && !one.NotAfter.IsZero() {
			c.NotBefore, c.NotAfter = one.NotBefore, one.NotAfter
			list = append(list, c)
		}
	}
	return plan.LifeWarnings(list)
}

// failuresByHint groups failures with one way out, so that it is said once below all of them.
func failuresByHint(r apply.Report) iter.Seq2[string, []apply.Result] {
	var hints []string
	by := map[string][]apply.Result{}
	for _, one := range r.Results {
		if one.Status != apply.Failed {
			continue
		}
		hint := hintFor(one.Err)
		if by[hint] == nil {
			hints = append(hints, hint)
		}
		by[hint] = append(by[hint], one)
	}
	return func(yield func(string, []apply.Result) bool) {
		for _, hint := range hints {
			if !yield(hint, by[hint]) {
				return
			}
		}
	}
}

// summaryLine says in the plan's own words what was done, of one set; several are told apart by name.
func (v view) summaryLine(s streams, r apply.Report, several, dry bool) {
	certificates, dropped := 0, 0
	by := map[string]map[plan.Op]int{"kubeconfig": {}, "role": {}, "binding": {}, "request": {}}
	for _, one := range r.Results {
		if one.Status != apply.Done {
			continue
		}
		switch one.Kind {
		case "Role", "ClusterRole":
			by["role"][one.Op]++
		case "RoleBinding", "ClusterRoleBinding":
			by["binding"][one.Op]++
		case "CertificateSigningRequest":
			by["request"][one.Op]++
		default:
			switch one.Op {
			case plan.Rewrite, plan.Remove:
				by["kubeconfig"][one.Op]++
			case plan.Delete:
				dropped++
			default:
				certificates++
			}
		}
	}
	var parts []string
	add := func(n int, noun string, op plan.Op, done string) {
		if dry {
			done = "to " + string(op)
		}
		if n > 0 {
			parts = append(parts, plural(n, noun)+" "+done)
		}
	}
	add(certificates, "certificate", plan.Issue, "issued into "+v.dir.Path())
	for _, noun := range []string{"kubeconfig", "role", "binding", "request"} {
		for _, op := range []struct {
			op   plan.Op
			done string
		}{{plan.Rewrite, "rewritten"}, {plan.Remove, "removed"}, {plan.Create, "created"}, {plan.Update, "updated"}, {plan.Delete, "deleted"}} {
			add(by[noun][op.op], noun, op.op, op.done)
		}
	}
	add(dropped, "old key", "drop", "dropped")
	add(r.Recorded, "ledger record", plan.Update, "updated")
	if len(parts) == 0 {
		parts = append(parts, "nothing")
	}
	verb := "applied"
	if dry {
		verb = "dry run, nothing was kept; the API server accepts"
	}
	if several {
		verb += " (" + r.Set + ")"
	}
	line := s.outStyle.bold(verb+": ") + strings.Join(parts, ", ")
	if n := r.Count(apply.Failed); n > 0 {
		line += ", " + s.outStyle.red(fmt.Sprintf("%d failed", n))
	}
	fmt.Fprintln(s.out, line)
	if pending, not := r.Count(apply.Pending), r.Count(apply.NotStarted); pending+not > 0 {
		why := "stopped"
		if errors.Is(r.Stopped, context.Canceled) {
			why = "interrupted"
		}
		fmt.Fprintf(s.out, "%s: %s waiting for the signer, %s not started: run `provision apply` again to go on\n", why, plural(pending, "request"), thousands(not))
	}
}
