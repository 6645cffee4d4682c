package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"provision/internal/cluster"
	"provision/internal/hint"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

// authorizationConfig is the output of revoke for those who run the control plane: what their API servers are to refuse altogether.
const authorizationConfig = "authorization-config"

// printAuthorization prints that, for what all sets of the cluster have blocked. It changes nothing, and needs no users file: one that
// is there says which cluster is meant.
func (c *revokeCmd) printAuthorization(ctx context.Context, s view.Streams) error {
	if err := c.onlyPrints(); err != nil {
		return err
	}
	sets, _, err := c.loadAny(ctx, s)
	if err != nil {
		return err
	}
	client, err := c.open(ctx, s, sets, cluster.ToRead)
	if err != nil {
		return err
	}
	if old := client.WithoutCredentialIDs(ctx); old != "" {
		return fmt.Errorf("the API server is %s: it neither knows certificates by their ids nor this configuration, which takes Kubernetes 1.32", old)
	}
	blocks, err := client.Blocks(ctx)
	if err != nil {
		return err
	}
	ledgers := observe.AllLedgers(ctx, client, append(ledgerNamespaces(sets), usersfile.DefaultLedgerNamespace))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	refusal := plan.Refuse(blocks, ledgers.List, ledgers.Everywhere && ledgers.Err == nil, client.Certificate(), client.Earliest())
	return view.Authorization{Page: view.PageOf(client, ""), Refusal: refusal, Now: time.Now()}.Print(s)
}

// onlyPrints refuses what would have no effect: nobody is to think that a command has revoked somebody whose output went into a file.
func (c *revokeCmd) onlyPrints() error {
	if len(c.User) == 0 && c.Certificate == "" && len(c.Set) == 0 && c.Block == plan.BlockAuto && !c.dry() {
		return nil
	}
	return hint.With(errors.New("-o "+authorizationConfig+" revokes nobody: it prints what all sets of the cluster have blocked, so leave out users, --certificate, --set, --block and --dry-run"),
		"revoke first, and then run: provision revoke -o "+authorizationConfig)
}
