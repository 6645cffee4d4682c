package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/spec"
)

type statusCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	Expiring string `placeholder:"TIME" help:"Exit with 2 when a certificate of a user in the file ends within this time, such as 14d, or has ended."`
}

func (c *statusCmd) Help() string {
	return `Shows who has what, until when: one row per user of the file, and one per person who left and whose certificate
still authenticates. Changes nothing.

GROUPS are those in her living certificates, GRANTS those of the set's bindings in the cluster: what the file says and
nobody has applied is not among them.

States: valid; renew soon, reissue, expired, missing, pending (the next apply acts); elsewhere (a valid certificate whose
kubeconfig is not in this directory); not yet (the certificate has not begun: a clock is wrong); removed (no longer in the
file, or revoked).

Examples:
  provision status -f users.yaml
  provision status --expiring 14d || notify-the-team

Exit status: 0 done, 1 error, 2 something ends within --expiring, 130 interrupted.`
}

func (c *statusCmd) Run(ctx context.Context, s streams) error {
	var within time.Duration
	if c.Expiring != "" {
		var err error
		if within, err = spec.ParseDuration(c.Expiring); err != nil {
			return fmt.Errorf("--expiring %s: %w", c.Expiring, err)
		}
	}
	sets, err := spec.Load(c.Filename, s.in)
	if err != nil {
		return err
	}
	client, err := c.open(ctx, sets)
	if err != nil {
		return err
	}
	dir, err := outdir.OpenRead(c.OutputDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	now := time.Now()
	doc := statusDoc{FormatVersion: formatVersion, Users: []statusUser{}}
	for _, set := range sets {
		desired := plan.Expand(set, client.Endpoint())
		observed, err := observe(ctx, desired, client, dir)
		if err != nil {
			return err
		}
		for _, u := range plan.Status(desired, observed, now) {
			row := statusUser{Set: set.Name, User: u.User, Groups: orEmpty(u.Groups), Until: u.Until, State: u.State, Grants: orEmpty(u.Grants)}
			if u.File != "" {
				row.File = dir.File(u.User)
			}
			if within > 0 && u.State != plan.StateRemoved && !u.Until.IsZero() && u.Until.Sub(now) < within {
				row.Expiring = true
				doc.Expiring++
			}
			doc.Users = append(doc.Users, row)
		}
	}
	if c.Output != "text" {
		if err := printDocument(s.out, c.Output, doc); err != nil {
			return err
		}
	} else if err := printStatus(s, doc, now); err != nil {
		return err
	}
	if doc.Expiring > 0 {
		return exitCode(exitChanges)
	}
	return nil
}

// statusDoc is the table for programs.
type statusDoc struct {
	FormatVersion string       `json:"formatVersion"`
	Expiring      int          `json:"expiring"`
	Users         []statusUser `json:"users"`
}

type statusUser struct {
	Set      string     `json:"set"`
	User     string     `json:"user"`
	Groups   []string   `json:"groups"`
	Until    time.Time  `json:"until,omitzero"`
	State    plan.State `json:"state"`
	Grants   []string   `json:"grants"`
	File     string     `json:"file,omitempty"`
	Expiring bool       `json:"expiring,omitempty"`
}

func printStatus(s streams, doc statusDoc, now time.Time) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USER\tSTATE\tUNTIL\tLEFT\tFILE\tGROUPS\tGRANTS")
	for _, u := range doc.Users {
		until, left := "-", "-"
		if !u.Until.IsZero() {
			until, left = timeWords(u.Until), leftWords(u.Until.Sub(now))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", flat(u.User), u.State, until, left,
			flat(fileWords(u.File)), orDash(flat(strings.Join(u.Groups, " "))), orDash(flat(grantsWords(u.Grants))))
	}
	if err := w.Flush(); err != nil {
		return errors.New("write to standard output: " + err.Error())
	}
	if doc.Expiring > 0 {
		fmt.Fprintf(s.out, "\n%s\n", s.outStyle.red(plural(doc.Expiring, "certificate")+" expiring"))
	}
	return nil
}

// fileWords is a file's name: which directory it is in, the user has said.
func fileWords(path string) string {
	if path == "" {
		return "-"
	}
	return filepath.Base(path)
}

// grantsWords writes "clusterrole/edit -n a" and "clusterrole/edit -n b" as "edit (a b)", to keep a row on its line.
func grantsWords(grants []string) string {
	var order []string
	in := map[string][]string{}
	for _, g := range grants {
		role, namespace, _ := strings.Cut(g, " -n ")
		if _, ok := in[role]; !ok {
			order = append(order, role)
		}
		in[role] = append(in[role], namespace)
	}
	words := make([]string, 0, len(order))
	for _, role := range order {
		_, name, _ := strings.Cut(role, "/")
		where := strings.Join(in[role], " ")
		if where == "" {
			where = "whole cluster"
		}
		words = append(words, name+" ("+where+")")
	}
	return strings.Join(words, ", ")
}

// leftWords writes the time that is left: days, and below two days hours, below two hours minutes.
func leftWords(d time.Duration) string {
	switch {
	case d <= 0:
		return "ended"
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
