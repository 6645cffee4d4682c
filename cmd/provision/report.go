package main

import (
	"context"
	"errors"
	"fmt"

	"provision/internal/apply"
	"provision/internal/plan"
)

// report draws how a run ended: each failure with its way out, then one summary line per set.
func (v view) report(s streams, reports []apply.Report, dry bool) {
	if len(reports) == 0 {
		fmt.Fprintln(s.out, "nothing to do")
	}
	for _, r := range reports {
		for _, one := range r.Results {
			if one.Status != apply.Failed {
				continue
			}
			name := objectName(one.Kind, one.Namespace, one.Name)
			fmt.Fprintf(s.err, "%s %s: %s\n", s.errStyle.red("failed:"), name, oneLine(one.Err))
			if hint := hintFor(one.Err); hint != "" && r.Stopped == nil {
				fmt.Fprintf(s.err, "  %s\n", s.errStyle.faint("hint: "+hint))
			}
		}
		if r.Stopped != nil && !errors.Is(r.Stopped, context.Canceled) {
			printError(s, fmt.Errorf("stopped early: %w", r.Stopped))
		}
		v.summaryLine(s, r, dry)
	}
}

func (v view) summaryLine(s streams, r apply.Report, dry bool) {
	certificates, kubeconfigs, objects := 0, 0, 0
	for _, one := range r.Results {
		if one.Status != apply.Done {
			continue
		}
		switch {
		case one.Kind != "User":
			objects++
		case one.Op == plan.Rewrite || one.Op == plan.Remove:
			kubeconfigs++
		default:
			certificates++
		}
	}
	verb := "applied: "
	if dry {
		verb = "dry run, nothing was kept: "
	}
	line := fmt.Sprintf("%s%s issued into %s", s.outStyle.bold(verb), plural(certificates, "certificate"), v.dir.Path())
	if kubeconfigs > 0 {
		line += fmt.Sprintf(", %s rewritten or removed", plural(kubeconfigs, "kubeconfig"))
	}
	if objects > 0 {
		line += fmt.Sprintf(", %s changed in the cluster", plural(objects, "object"))
	}
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
