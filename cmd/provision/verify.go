package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/spec"
	"provision/internal/verify"
)

type verifyCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
}

func (c *verifyCmd) Help() string {
	return `Logs in with the kubeconfig of every user in the file, as that user would, and compares user name and groups
with the file. Then asks the API server once per grant whether the user may do what it grants.

Examples:
  provision verify
  provision verify -f users.yaml -d /secure/kubeconfigs -o json

Exit status: 0 all is as the file says, 1 a difference or an error, 130 interrupted.`
}

func (c *verifyCmd) Run(ctx context.Context, s streams) error {
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
	var all []verify.Result
	for _, set := range sets {
		results, err := verify.Run(ctx, plan.Expand(set, client.Endpoint()), client, dir, c.RequestTimeout, "provision/"+version)
		if err != nil {
			return err
		}
		all = append(all, results...)
	}
	differ := 0
	for _, r := range all {
		if !r.OK() {
			differ++
		}
	}
	if c.Output != "text" {
		if err := printDocument(s.out, c.Output, verifyDocument(all)); err != nil {
			return err
		}
	} else if err := printVerified(s, all, differ); err != nil {
		return err
	}
	if differ > 0 {
		return exitCode(exitError)
	}
	return nil
}

func printVerified(s streams, all []verify.Result, differ int) error {
	var t table
	t.add("USER", "GROUPS", "CERTIFICATE UNTIL", "GRANTS", "RESULT")
	var unreachable []string
	for _, r := range all {
		until, result := "-", "ok"
		if !r.NotAfter.IsZero() {
			until = timeWords(r.NotAfter)
		}
		switch {
		case r.Unreachable != "":
			result = "server not reached"
			unreachable = append(unreachable, r.Unreachable)
		case !r.OK():
			result = strings.Join(r.Differences, "; ")
		}
		t.add(r.User, orDash(strings.Join(r.Groups, " ")), until, strconv.Itoa(r.Grants), result)
	}
	if err := t.write(s.out); err != nil {
		return errors.New("write to standard output: " + err.Error())
	}
	if differ > 0 {
		fmt.Fprintln(s.out)
		slices.Sort(unreachable)
		for _, why := range slices.Compact(unreachable) {
			fmt.Fprintln(s.out, s.outStyle.red(flat(why)))
		}
		verb := "differ"
		if differ == 1 {
			verb = "differs"
		}
		fmt.Fprintln(s.out, s.outStyle.red(fmt.Sprintf("%d of %s %s from the file", differ, plural(len(all), "user"), verb)))
		return nil
	}
	fmt.Fprintf(s.out, "\n%s\n", s.outStyle.green(plural(len(all), "user")+" verified"))
	return nil
}

// verifyDoc is the result for programs.
type verifyDoc struct {
	FormatVersion string       `json:"formatVersion"`
	Kind          string       `json:"kind"`
	OK            bool         `json:"ok"`
	Users         []verifyUser `json:"users"`
}

type verifyUser struct {
	User        string   `json:"user"`
	OK          bool     `json:"ok"`
	Groups      []string `json:"groups"`
	NotAfter    string   `json:"notAfter,omitempty"`
	Grants      int      `json:"grants"`
	Differences []string `json:"differences"`
}

func verifyDocument(all []verify.Result) verifyDoc {
	d := verifyDoc{FormatVersion: formatVersion, Kind: "Verification", OK: true, Users: []verifyUser{}}
	for _, r := range all {
		u := verifyUser{User: r.User, OK: r.OK(), Groups: orEmpty(r.Groups), Grants: r.Grants, Differences: orEmpty(r.Differences)}
		if !r.NotAfter.IsZero() {
			u.NotAfter = r.NotAfter.UTC().Format("2006-01-02T15:04:05Z")
		}
		d.OK = d.OK && r.OK()
		d.Users = append(d.Users, u)
	}
	return d
}
