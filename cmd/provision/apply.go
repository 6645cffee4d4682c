package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"provision/internal/apply"
	"provision/internal/outdir"
	"provision/internal/spec"
)

type applyCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	Yes          bool          `short:"y" help:"Do not ask. Needed where there is no terminal."`
	Concurrency  int           `default:"32" placeholder:"N" help:"Requests to the API server at once. Default: 32."`
	StallTimeout time.Duration `default:"60s" placeholder:"TIME" help:"Stop when the signer has issued nothing for this time. Default: 60s."`
	DryRun       string        `name:"dry-run" enum:"none,server" default:"none" placeholder:"MODE" help:"none, or server: the API server checks every request and keeps nothing; no file is written."`
	ShowAll      bool          `help:"List every user and subject, however many."`
}

func (c *applyCmd) Help() string {
	return `Shows the plan, asks, and carries it out: roles and bindings, and for each user a private key, an approved
CertificateSigningRequest, and a kubeconfig in the output directory. What is interrupted is resumed by the next apply.

Examples:
  provision apply
  provision apply -f users.yaml -d /secure/kubeconfigs --yes    # in CI
  provision apply --dry-run=server --yes

Exit status: 0 done, 1 error or some users failed, 130 interrupted.`
}

func (c *applyCmd) Run(ctx context.Context, s streams) error {
	dry := c.DryRun == "server"
	if c.Concurrency < 1 {
		return fmt.Errorf("--concurrency %d: must be at least 1", c.Concurrency)
	}
	ask, err := newQuestion(s, c.Yes || dry)
	if err != nil {
		return err
	}
	sets, err := spec.Load(c.Filename, s.in)
	if err != nil {
		return err
	}
	client, err := c.open(ctx)
	if err != nil {
		return err
	}
	open := outdir.OpenWrite
	if dry {
		open = outdir.OpenRead
	}
	dir, err := open(c.OutputDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	all, err := compute(ctx, sets, client, dir)
	if err != nil {
		return err
	}
	v := view{dir: dir, client: client, all: c.ShowAll}
	if c.Output == "text" || all.blocked() {
		if err := all.render(s, c.Output, v); err != nil {
			return err
		}
	}
	switch {
	case all.blocked():
		return errBlocked
	case all.changes():
		if err := ask.confirm(ctx, all); err != nil {
			return err
		}
	}
	var reports []apply.Report
	for _, p := range all {
		if !p.Changes() || ctx.Err() != nil {
			continue
		}
		var progress apply.Progress
		bar := showProgress(s, &progress)
		reports = append(reports, apply.Run(ctx, p.Plan, client, dir, apply.Options{
			Concurrency: c.Concurrency, StallAfter: c.StallTimeout, DryRun: dry, Progress: &progress,
		}))
		bar.end()
	}
	if c.Output == "text" {
		v.report(s, reports, dry)
	} else if err := printDocument(s.out, c.Output, reportDocument(reports)); err != nil {
		return err
	}
	return outcome(ctx, reports)
}

// outcome is the exit of a run whose report has been shown.
func outcome(ctx context.Context, reports []apply.Report) error {
	if ctx.Err() != nil {
		return exitCode(exitInterrupted)
	}
	for _, r := range reports {
		if r.Stopped != nil && !errors.Is(r.Stopped, context.Canceled) || r.Count(apply.Done) < len(r.Results) {
			return exitCode(exitError)
		}
	}
	return nil
}
