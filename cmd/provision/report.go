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
func (v view) report(s streams, reports []apply.Report, dry bool) {
	if len(reports) == 0 {
		fmt.Fprintln(s.out, "nothing to do")
	}
	for _, r := range reports {
		for hint, failures := range failuresByHint(r) {
			for _, one := range failures {
				fmt.Fprintf(s.err, "%s %s: %s\n", s.errStyle.red("failed:"), flat(objectName(one.Kind, one.Namespace, one.Name)), oneLine(one.Err))
			}
			if hint != "" && r.Stopped == nil {
				fmt.Fprintf(s.err, "%s\n", s.errStyle.faint("hint: "+strings.ReplaceAll(hint, "\n", "\n      ")))
			}
		}
		if r.Stopped != nil && !errors.Is(r.Stopped, context.Canceled) {
			printError(s, fmt.Errorf("stopped early: %w", r.Stopped))
		}
		v.summaryLine(s, r, dry)
	}
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

func (v view) summaryLine(s streams, r apply.Report, dry bool) {
	certificates, rewritten, removed, dropped, objects := 0, 0, 0, 0, 0
	for _, one := range r.Results {
		switch {
		case one.Status != apply.Done:
		case one.Kind != "User":
			objects++
		case one.Op == plan.Rewrite:
			rewritten++
		case one.Op == plan.Remove:
			removed++
		case one.Op == plan.Delete:
			dropped++
		default:
			certificates++
		}
	}
	var parts []string
	add := func(n int, noun, done string) {
		if n > 0 {
			parts = append(parts, plural(n, noun)+" "+done)
		}
	}
	add(certificates, "certificate", "issued into "+v.dir.Path())
	add(rewritten, "kubeconfig", "rewritten")
	add(removed, "kubeconfig", "removed")
	add(dropped, "key", "of an earlier try dropped")
	add(objects, "object", "changed in the cluster")
	if len(parts) == 0 {
		parts = append(parts, "nothing")
	}
	verb := "applied: "
	if dry {
		verb = "dry run, nothing was kept: "
	}
	line := s.outStyle.bold(verb) + strings.Join(parts, ", ")
	if n := r.Count(apply.Failed); n > 0 {
		line += ", " + s.outStyle.red(fmt.Sprintf("%d failed", n))
	}
	fmt.Fprintln(s.out, line)
	if pending, not := r.Count(apply.Pending), r.Count(apply.NotStarted); pending+not > 0 {
		why := "stopped"
		if errors.Is(r.Stopped, context.Canceled) {
			why = "interrupted"
		}
		fmt.Fprintf(s.out, "%s: %s waiting for the signer, %d not started: run `provision apply` again to go on\n", why, plural(pending, "request"), not)
	}
}
