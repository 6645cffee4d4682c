package observe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"provision/internal/cluster"
	"provision/internal/hint"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// NamedSets returns sets that are named without their users files (--set), in the order of names: without users, and with the
// namespace in which the cluster has their ledger. Anybody who may write ConfigMaps in a namespace can make it look as if a ledger
// were there. That must not keep anybody in the set: where it is not known which ledger counts, the oldest is taken, and
// doubt tells so.
func NamedSets(ctx context.Context, client *cluster.Client, names []string) (sets []usersfile.Set, doubt, err error) {
	known, everywhere, err := client.Ledgers(ctx, []string{usersfile.DefaultLedgerNamespace})
	_, refused := errors.AsType[*cluster.PermissionError](err)
	if err != nil && !refused { // taking away goes on without a ledger
		return nil, nil, err
	}
	for _, name := range names {
		if err := usersfile.CheckSetName(name); err != nil {
			return nil, nil, fmt.Errorf("--set %s: %w", name, err)
		}
		var in []string // the oldest first
		oldest := slices.SortedStableFunc(slices.Values(known), func(a, b plan.SetLedger) int { return a.Since.Compare(b.Since) })
		for _, l := range oldest {
			if l.Set == name {
				in = append(in, l.Namespace)
			}
		}
		set := usersfile.Set{Name: name, Pos: usersfile.Pos{File: "--set " + name}, Ledger: usersfile.Ledger{Namespace: usersfile.DefaultLedgerNamespace}}
		switch {
		case slices.Contains(in, usersfile.DefaultLedgerNamespace):
		case len(in) == 0 && !everywhere && !refused:
			return nil, nil, fmt.Errorf("--set %s: namespace %s has no records of it, and you may not list configmaps in all namespaces: give its users file", name, usersfile.DefaultLedgerNamespace)
		case len(in) == 1:
			set.Ledger.Namespace = in[0]
		case len(in) > 1:
			ours, err := client.MadeForLedgers(ctx, in)
			if err != nil {
				return nil, nil, err
			}
			if set.Ledger.Namespace = in[0]; len(ours) == 1 {
				set.Ledger.Namespace = ours[0]
				break
			}
			doubt = errors.Join(doubt, hint.With(fmt.Errorf("--set %s: several namespaces have records of it (%s), and only those of the oldest, in %s, were told of this", name, strings.Join(slices.Sorted(slices.Values(in)), ", "), in[0]),
				"do it again with its users file, which says in ledger.namespace which one counts"))
		}
		sets = append(sets, set)
	}
	return sets, doubt, nil
}
