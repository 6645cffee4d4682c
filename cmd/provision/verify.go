package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"provision/internal/cluster"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/verify"
	"provision/internal/view"
)

type verifyCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	pickFlags
	Output string `short:"o" type:"format" formats:"text,name,csv,markdown,junit,json,yaml" default:"text" placeholder:"FORMAT" help:"Output format: text, name (of those who differ), csv, markdown, junit, json, yaml, jsonpath=TEMPLATE or go-template=TEMPLATE."`
	Failed bool   `help:"List only those who differ from the file."`
	Strict bool   `help:"Exit with 1 on any right from outside the file, not only on those as good as cluster-admin."`
}

func (c *verifyCmd) Run(ctx context.Context, s view.Streams) error {
	sets, broken, client, err := begin(ctx, s, c, cluster.ToVerify)
	if err != nil {
		return err
	}
	err = c.check(sets, func(name string) bool {
		return slices.ContainsFunc(sets, func(set usersfile.Set) bool {
			return slices.ContainsFunc(set.Users, func(u usersfile.User) bool { return u.Name == name })
		})
	})
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
		d, observed := plan.Expand(set, client.Context()), plan.Observed{ClockAhead: client.ClockAhead()}
		if len(d.Selections) > 0 {
			if observed.NamespaceLabels, err = client.NamespaceLabels(ctx); err != nil {
				return err
			}
		}
		d = d.At(observed, time.Now())
		d.Users = slices.DeleteFunc(d.Users, func(u plan.User) bool { return !c.meant(u.Certificate.User) })
		results, err := verify.Run(ctx, d, client, dir)
		if err != nil {
			return err
		}
		verified = append(verified, verify.Set{Desired: d, Results: results})
	}
	v := view.Verification{Page: view.PageOf(client, dir.Path()), Sets: verified, Strict: c.Strict, Failed: c.Failed}
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
