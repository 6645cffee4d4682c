package main

import (
	"context"
	"time"

	"provision/internal/cluster"
	"provision/internal/doctor"
	"provision/internal/observe"
	"provision/internal/usersfile"
	"provision/internal/view"
)

type doctorCmd struct {
	clusterFlags
	outputFlags
	Sign            bool          `help:"Ask for one certificate of ten minutes for nobody, approve it, log in with it, and delete the request."`
	LedgerNamespace string        `default:"provision-system" placeholder:"NAMESPACE" complete:"free" help:"The namespace of the ledger, if the users file has another than provision-system."`
	StallTimeout    time.Duration `type:"time" default:"30s" placeholder:"TIME" complete:"free" help:"With --sign: wait this long for the signer. Default: 30s."`
}

func (c *doctorCmd) Run(ctx context.Context, s view.Streams) error {
	client, err := c.open(ctx, s, []usersfile.Set{}, cluster.ToRead)
	if err != nil {
		return err
	}
	patience := time.Duration(0)
	if c.Sign {
		patience = c.StallTimeout
	}
	e := observe.Examine(ctx, client, c.LedgerNamespace, patience)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d := view.Diagnosis{Page: view.PageOf(client, ""), Examination: e, Ledger: c.LedgerNamespace}
	if err := d.Print(s, c.Output); err != nil {
		return err
	}
	if doctor.Fails(doctor.Judge(e)) {
		return exitCode(exitError)
	}
	return nil
}
