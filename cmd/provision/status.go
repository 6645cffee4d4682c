package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

type statusCmd struct {
	coverFlags
	dirFlags
	clusterFlags
	pickFlags
	Output   string   `short:"o" type:"format" formats:"text,wide,name,csv,markdown,json,yaml" default:"text" placeholder:"FORMAT" help:"Output format: text, wide, name, csv, markdown, json, yaml, jsonpath=TEMPLATE or go-template=TEMPLATE."`
	State    []string `sep:"none" placeholder:"STATE" complete:"state" help:"Only users in this state. May be repeated."`
	Group    []string `sep:"none" placeholder:"GROUP" complete:"group" help:"Only users with this group in a living certificate. May be repeated."`
	Role     []string `sep:"none" placeholder:"ROLE" complete:"role" help:"Only users to whom a binding of the set grants this role. May be repeated."`
	SortBy   string   `enum:"user,until,state" default:"user" placeholder:"COLUMN" help:"Order within a set: user, until or state. Default: user."`
	Expiring string   `placeholder:"TIME" complete:"free" help:"Only users of the file whose certificate ends within this time, such as 14d, or has ended. Exit with 2 if there is one."`
}

func (c *statusCmd) Run(ctx context.Context, s view.Streams) error {
	var within time.Duration
	if c.Expiring != "" {
		var err error
		if within, err = usersfile.ParseDuration(c.Expiring); err != nil {
			return fmt.Errorf("--expiring %s: %w", c.Expiring, err)
		}
	}
	for _, state := range c.State {
		if err := view.KnownState(state); err != nil {
			return err
		}
	}
	sets, broken, client, err := begin(ctx, s, c, cluster.ToRead)
	if err != nil {
		return err
	}
	wanted, others := c.wanted(ctx, client, sets)
	if others != nil && others.Err != nil {
		return others.Err
	}
	dir, err := outdir.OpenRead(c.OutputDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	now := time.Now()
	found, err := observe.Status(ctx, wanted, client, dir, now)
	if err != nil {
		return err
	}
	err = c.check(sets, func(name string) bool {
		return slices.ContainsFunc(found, func(set observe.SetStatus) bool {
			return set.Failed != nil || slices.ContainsFunc(set.Users, func(u plan.UserStatus) bool { return u.User == name })
		})
	})
	if err != nil {
		return err
	}
	st := view.Status{Page: view.PageOf(client, dir.Path()), Sets: found, Others: others, AllSets: c.AllSets, Within: within, Now: now, Server: client.ServerTime()}
	st.Broken, st.Approvers = broken, observe.AllApprovers(ctx, client)
	st.Only = c.User
	st.Pick(c.picked, c.SortBy)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := st.Print(s, c.Output); err != nil {
		return err
	}
	if st.Empty() && len(c.User)+len(c.State)+len(c.Group)+len(c.Role) > 0 {
		s.Note("nobody is listed: no user is as the flags ask")
	}
	switch {
	case slices.ContainsFunc(found, func(set observe.SetStatus) bool { return set.Failed != nil }):
		return exitCode(exitError)
	case len(broken) > 0:
		return view.BrokenError(broken)
	case st.Expiring() > 0:
		return exitCode(exitChanges)
	}
	return nil
}

// picked reports whether a row is asked for.
func (c *statusCmd) picked(u plan.UserStatus) bool {
	return c.meant(u.User) &&
		(len(c.State) == 0 || slices.Contains(c.State, string(u.State))) &&
		(len(c.Group) == 0 || slices.ContainsFunc(u.Groups, func(group string) bool { return slices.Contains(c.Group, group) })) &&
		(len(c.Role) == 0 || slices.ContainsFunc(u.Grants, func(g plan.Grant) bool { return slices.Contains(c.Role, g.Role.Name) }))
}
