package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"provision/internal/cluster"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/view"
)

type revokeCmd struct {
	setFlags
	dirFlags
	clusterFlags
	changeFlags
	Output      string         `short:"o" type:"format" formats:"text,json,yaml,authorization-config" default:"text" placeholder:"FORMAT" help:"Output format: text, json, yaml, jsonpath=TEMPLATE or go-template=TEMPLATE. Or authorization-config, without users: what those who run the control plane give kube-apiserver, so that it refuses everything of all blocked certificates. Changes nothing."`
	Certificate string         `placeholder:"FILE|ID" complete:"kubeconfig" help:"One certificate that is to lose access while its owner stays, instead of a user: a kubeconfig or a certificate, of which nothing else is read, or its id as status -o json and audit logs show it."`
	Block       plan.BlockMode `enum:"auto,always,never" default:"auto" placeholder:"WHEN" help:"Have the API server refuse what their certificates write, whoever has granted it: auto, where the cluster and your permissions allow it; always, and fail where they do not; never."`
	User        []string       `arg:"" optional:"" name:"user" placeholder:"USER" complete:"user" help:"Who is to lose access."`
}

func (c *revokeCmd) Run(ctx context.Context, s view.Streams) error {
	if c.Output == authorizationConfig {
		return c.printAuthorization(ctx, s)
	}
	debug.SetGCPercent(400) // a tenth sooner where there are 10,000 users: until the bindings are written, every moment is the leaver's
	one, err := c.stolen()
	if err != nil {
		return err
	}
	ask, err := view.NewQuestion(s, c.Yes || c.dry())
	if err != nil {
		return err
	}
	sets, broken, err := c.loadEach(s)
	if err != nil {
		return err
	}
	client, err := c.open(ctx, s, sets, cluster.ToRemove)
	if err != nil {
		return err
	}
	sets, doubt, err := c.named(ctx, client, sets)
	if err != nil {
		return err
	}
	s.Mistakes(broken, c.ShowAll)
	// The other sets know things of these people too. Nothing waits for that: it is read when it is to be told.
	others := sync.OnceValue(func() observe.Ledgers { return observe.AllLedgers(ctx, client, ledgerNamespaces(sets)) })
	unknown := slices.Clone(c.User)
	var found *plan.Certificate
	decide := func(d plan.Desired, o plan.Observed, now time.Time) plan.Plan {
		if one != nil {
			found = cmp.Or(one.In(d, o, now), found)
			return plan.RevokeCertificate(d, o, *one, now)
		}
		unknown = slices.DeleteFunc(unknown, func(name string) bool { return plan.Knows(d, o, name) })
		return plan.Revoke(d, o, c.User, now)
	}
	about := c.User
	if one != nil && one.Certificate != nil {
		about = []string{one.Certificate.User}
	}
	var goals []plan.Goal
	for _, set := range sets {
		d := plan.Expand(set, client.Context())
		d.Revoke, d.Leavers, d.Block = true, about, c.Block
		goals = append(goals, plan.Goal{Source: set.Pos.File, Desired: d, Decide: decide, TakesAway: true, Partial: broken.LeaveOut()})
	}
	format := c.Output
	if format != "text" {
		format = "" // the remainder is the document
	}
	var begun plan.Proposals // before anything was taken away: what is planned again does not know of it
	ch := change{changeFlags: c.changeFlags, path: c.OutputDir, format: format, client: client, s: s, verb: view.Revoke, accept: func(all plan.Proposals) error {
		if begun == nil {
			begun = slices.Clone(all)
		}
		switch {
		case one == nil && len(unknown) == 0:
			return nil
		case one != nil && found != nil && !found.NotAfter.After(client.Earliest()):
			return view.CertificateEnded(c.Certificate, *found)
		case one != nil && found != nil:
			return nil
		}
		elsewhere := others()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case one != nil:
			return view.NothingOfCertificate(c.Certificate, *one, all, elsewhere)
		}
		return view.NobodyNamed(unknown, all, sets, elsewhere, client.Earliest())
	}}
	all, err := ch.run(ctx, goals, person{ask})
	if all == nil { // nothing was begun
		return err
	}
	var people []observe.Remainder
	var unknownLeft error
	if one != nil {
		c.User = []string{found.User}
		people, unknownLeft = observe.RemainingOf(ctx, client, all, *found, c.dry())
	} else {
		people, unknownLeft = observe.Remaining(ctx, client, all, others(), c.User, c.dry())
	}
	if unknownLeft != nil {
		return cmp.Or(err, fmt.Errorf("what %s can still do is not known: %w", view.Users(c.User), unknownLeft))
	}
	traces, untraced := observe.Traces(ctx, client, begun, people)
	if untraced != nil {
		doubt = cmp.Or(doubt, fmt.Errorf("what %s could have made is not known: %w", view.Users(c.User), untraced))
	}
	r := view.Remainder{Page: view.PageOf(client, c.OutputDir), Plans: all, Sets: sets, Others: others(), People: people, Traces: traces, Certificate: found, DryRun: c.dry()}
	r.All, r.Broken, r.Approvers = c.ShowAll, broken, observe.AllApprovers(ctx, client)
	if err := r.Print(s, c.Output); err != nil {
		return err
	}
	switch {
	case err != nil:
		return err
	case len(broken) > 0:
		return view.BrokenRevoke(broken)
	case !r.OwnRead():
		return fmt.Errorf("what else %s can do is not known: a ledger of these sets could not be read (above)", view.Users(c.User))
	}
	if kept := r.Kept(); len(kept) > 0 {
		return cmp.Or(doubt, view.StillGranted(kept))
	}
	return doubt
}

// stolen reads the certificate that is named instead of users; nil: users are.
func (c *revokeCmd) stolen() (*plan.Stolen, error) {
	switch {
	case c.Certificate == "" && len(c.User) == 0:
		return nil, errors.New("name who is to lose access, or a certificate (--certificate)")
	case c.Certificate == "":
		return nil, nil
	case len(c.User) > 0:
		return nil, errors.New("--certificate names one certificate, whoever its user is: leave out the users")
	}
	one, err := stolen(c.Certificate)
	return &one, err
}
