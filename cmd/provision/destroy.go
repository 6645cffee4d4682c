package main

import (
	"context"

	"provision/internal/plan"
	"provision/internal/spec"
)

type destroyCmd struct {
	fileFlags
	dirFlags
	clusterFlags
	outputFlags
	changeFlags
}

func (c *destroyCmd) Help() string {
	return `Removes a whole set: its roles, its bindings, and the kubeconfigs of all its users. Shows the plan and asks first.
Certificates cannot be revoked: the plan says until when each still authenticates. The ledger that lists them,
the set's Lease and the namespace of both (provision-system) stay.

Examples:
  provision destroy -f users.yaml

Exit status: 0 done, 1 error, 130 interrupted.`
}

func (c *destroyCmd) Run(ctx context.Context, s streams) error {
	ask, err := newQuestion(s, c.Yes || c.dry())
	if err != nil {
		return err
	}
	sets, err := spec.Load(c.Filename, s.in)
	if err != nil {
		return err
	}
	client, err := c.open(ctx, sets)
	if err != nil {
		return err
	}
	var intents []intent
	for _, set := range sets {
		intents = append(intents, intent{set.Pos.File, plan.Nothing(set), plan.Destroy, 0})
	}
	ch := change{c.changeFlags, c.OutputDir, c.Output, client, s, verbDestroy, nil}
	_, err = ch.run(ctx, intents, ask)
	return err
}
