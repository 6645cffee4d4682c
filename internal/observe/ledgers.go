package observe

import (
	"context"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// Ledgers are the records that all sets of the cluster keep, as far as they could be read.
type Ledgers struct {
	List       []plan.SetLedger // sorted by set and namespace
	Everywhere bool             // all namespaces were searched
	Err        error            // why they could not be read; nil: they were
}

// AllLedgers reads the records of all sets: in all namespaces, or, where that is not allowed, in those that are given.
func AllLedgers(ctx context.Context, client *cluster.Client, namespaces []string) Ledgers {
	var l Ledgers
	l.List, l.Everywhere, l.Err = client.Ledgers(ctx, namespaces)
	return l
}
