package main

import (
	"context"
	"errors"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/verify"
	"provision/internal/view"
)

type verifyCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	Strict bool `help:"Exit with 1 on any right from outside the file, not only on those as good as cluster-admin."`
}

func (c *verifyCmd) Run(ctx context.Context, s view.Streams) error {
	sets, broken, client, err := begin(ctx, s, c, cluster.ToVerify)
	if err != nil {
		return err
	}
	dir, err := outdir.OpenRead(c.OutputDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	var verified []verify.Set
	for _, set := range sets {
		d := plan.Expand(set, client.Context())
		results, err := verify.Run(ctx, d, client, dir)
		if err != nil {
			return err
		}
		verified = append(verified, verify.Set{Desired: d, Results: results})
	}
	v := view.Verification{Page: view.PageOf(client, dir.Path()), Sets: verified, Strict: c.Strict}
	v.Broken = broken
	err = verify.LookOutside(ctx, client, verified, c.Strict)
	if refused := errors.As(err, &v.Unseen); err != nil && !refused {
		return err
	}
	if err := v.Print(s, c.Output); err != nil {
		return err
	}
	if !v.OK() && len(broken) == 0 {
		return exitCode(exitError)
	}
	return view.BrokenError(broken)
}
