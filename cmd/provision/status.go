package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
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
	doc := statusDoc{FormatVersion: formatVersion, Kind: "Status", Errors: []note{}, Users: []statusUser{}}
	for _, set := range sets {
		desired := plan.Expand(set, client.Endpoint())
		observed, err := observe(ctx, desired, client, dir)
		if err != nil {
			return err
		}
		for _, p := range plan.LedgerProblems(desired, observed, now) {
			what, hint := problemWords(set.Name, p)
			doc.Errors = append(doc.Errors, note{Set: set.Name, Code: string(p.Code), Message: what, Hint: hint})
		}
		for _, u := range plan.Status(desired, observed, now) {
			row := statusUser{Set: set.Name, User: u.User, Groups: orEmpty(u.Groups), Until: u.Until, Older: u.Older, State: u.State, Grants: orEmpty(u.Grants), Certificates: orEmpty(u.Certificates)}
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
	Kind          string       `json:"kind"`
	Expiring      int          `json:"expiring"`
	Errors        []note       `json:"errors"` // why this may not be everybody
	Users         []statusUser `json:"users"`
}

type statusUser struct {
	Set      string     `json:"set"`
	User     string     `json:"user"`
	Groups   []string   `json:"groups"`
	Until    time.Time  `json:"until,omitzero"`
	Older    time.Time  `json:"olderUntil,omitzero"` // an earlier certificate ends later than that
	State    plan.State `json:"state"`
	Grants   []string   `json:"grants"`
	File     string     `json:"file,omitempty"`
	Expiring bool       `json:"expiring,omitempty"`

	Certificates []plan.Record `json:"certificates"` // that live
}

func printStatus(s streams, doc statusDoc, now time.Time) error {
	sets := map[string]bool{}
	for _, u := range doc.Users {
		sets[u.Set] = true
	}
	var t table
	row := func(set string, cells ...string) {
		if len(sets) > 1 {
			cells = append([]string{set}, cells...)
		}
		t.add(cells...)
	}
	row("SET", "USER", "STATE", "UNTIL", "LEFT", "FILE", "GROUPS", "GRANTS")
	var expiring, older []string
	for _, u := range doc.Users {
		until, left := "-", "-"
		if !u.Until.IsZero() {
			until, left = timeWords(u.Until), leftWords(u.Until.Sub(now))
		}
		row(u.Set, u.User, string(u.State), until, left, fileWords(u.File), orDash(strings.Join(u.Groups, " ")), orDash(grantsWords(u.Grants)))
		if u.Expiring {
			expiring = append(expiring, plan.Quoted(u.User))
		}
		if !u.Older.IsZero() {
			older = append(older, fmt.Sprintf("%s until %s", plan.Quoted(u.User), timeWords(u.Older)))
		}
	}
	if err := t.write(s.out); err != nil {
		return errors.New("write to standard output: " + err.Error())
	}
	if len(older) > 0 {
		fmt.Fprintf(s.out, "\nan earlier certificate goes on for longer: %s\n", flat(listed(older)))
	}
	if len(expiring) > 0 {
		fmt.Fprintf(s.out, "\n%s\n", s.outStyle.red(plural(len(expiring), "certificate")+" expiring: "+flat(listed(slices.Compact(expiring)))))
	}
	for _, e := range doc.Errors {
		fmt.Fprintf(s.err, "%s %s\n", s.errStyle.yellow("warning:"), flat("not everybody may be listed: "+e.Message))
		printHint(s, e.Hint)
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
