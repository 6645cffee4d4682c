package view

import (
	"strings"

	"provision/internal/hint"
	"provision/internal/plan"
	"provision/internal/savedplan"
)

// Saved is a plan that was saved, in a file of this name. All is to list every row and every name.
type Saved struct {
	File  string
	Saved savedplan.File
	All   bool
}

// Print writes it as plan has shown it, but for the permissions that are missing: only the cluster can say which.
func (v Saved) Print(s Streams, format string) error {
	page := Page{
		Dir: v.Saved.OutputDir, Endpoint: plan.Endpoint{Name: v.Saved.Cluster.Name, Server: v.Saved.Cluster.Server}, UID: v.Saved.Cluster.UID,
		All: v.All, Reading: true, At: v.Saved.Saved,
	}
	all := v.Saved.Plans()
	if format != "text" {
		return page.Plans(s, format, all)
	}
	p := s.out()
	p.line(0, "", "saved "+timeWords(v.Saved.Saved)+" from "+strings.Join(v.Saved.Filename, ", ")+"; provision apply "+hint.ShellWord(v.File)+" computes it again before it does anything")
	if list := v.Saved.Unplanned; len(list) > 0 {
		p.line(0, p.yellow("!"), "not in it, as they could not be looked at: the sets "+strings.Join(list, ", "))
	}
	p.gap()
	return page.Plans(s, format, all)
}
