package cluster

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// ObserveLedger fills in the records of a set: those in the namespace of its ledger, and those in other namespaces, which
// the file may have named earlier. An entry that cannot be read is a problem of the plan and no error: nothing may be
// issued until a person has looked. Somebody who only removes and may not read the ledger goes on without it, so for them
// that is a problem, too.
func (c *Client) ObserveLedger(ctx context.Context, desired plan.Desired, o *plan.Observed) error {
	namespace := desired.LedgerNamespace
	unreadable := func(name, detail string) {
		at := plan.Object{Kind: "ConfigMap", Namespace: namespace, Name: name}
		o.LedgerProblems = append(o.LedgerProblems, plan.Problem{Code: plan.LedgerUnreadable, Object: at, Detail: detail})
	}
	shards, everywhere, err := c.findShards(ctx, namespace, desired.Set)
	if removing := desired.Revoke || desired.Destroy; removing && isPermissionError(err) {
		o.LedgerNamespace = true // so that nobody creates it
		unreadable(ledgerName(desired.Set, 0), err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	o.LedgerUnsearched = !everywhere
	type entries struct {
		records []plan.Record
		others  []string
	}
	read := make([]entries, len(shards))
	var g errgroup.Group
	for i, s := range shards {
		g.Go(func() error {
			read[i].records, read[i].others = recordsOf(s)
			return nil
		})
	}
	_ = g.Wait()
	elsewhere := map[string]*plan.LedgerElsewhere{}
	for i, s := range shards {
		records, others := read[i].records, read[i].others
		switch {
		case s.Namespace == namespace:
			o.LedgerNamespace = true
			o.Ledger = append(o.Ledger, records...)
			for _, key := range others {
				unreadable(s.Name, "the entry "+key+" is not a record")
			}
		case len(records) > 0:
			if elsewhere[s.Namespace] == nil {
				elsewhere[s.Namespace] = &plan.LedgerElsewhere{Namespace: s.Namespace}
			}
			elsewhere[s.Namespace].Records = append(elsewhere[s.Namespace].Records, records...)
		}
	}
	if len(elsewhere) > 0 {
		ours, err := c.MadeForLedgers(ctx, slices.Collect(maps.Keys(elsewhere)))
		if err != nil {
			return err
		}
		for _, at := range slices.Sorted(maps.Keys(elsewhere)) {
			elsewhere[at].Ours = slices.Contains(ours, at)
			o.LedgersElsewhere = append(o.LedgersElsewhere, *elsewhere[at])
		}
	}
	if o.LedgerNamespace {
		return nil
	}
	if o.LedgerNamespace, err = c.namespaceExists(ctx, namespace); err != nil {
		return c.permission(ctx, err, plan.Permission{Verb: "get", Resource: "namespaces", Name: namespace}, "read namespace/"+namespace)
	}
	return nil
}

// findShards finds the ConfigMaps of a set's ledger in all namespaces. Where that is not allowed it looks in the namespace
// of the ledger and in the default one, and everywhere is false.
func (c *Client) findShards(ctx context.Context, namespace, set string) (shards []*corev1.ConfigMap, everywhere bool, err error) {
	shards, err = c.shardsIn(ctx, metav1.NamespaceAll, set)
	if !isPermissionError(err) {
		return shards, true, err
	}
	if shards, err = c.shardsIn(ctx, namespace, set); err != nil || namespace == plan.DefaultLedgerNamespace {
		return shards, false, err
	}
	usual, err := c.shardsIn(ctx, plan.DefaultLedgerNamespace, set)
	if isPermissionError(err) {
		err = nil
	}
	return append(shards, usual...), false, err
}

// shardsIn returns the ConfigMaps of a set's ledger in one namespace, or in all, in the order of their numbers.
func (c *Client) shardsIn(ctx context.Context, namespace, set string) ([]*corev1.ConfigMap, error) {
	var shards []*corev1.ConfigMap
	err := c.eachShard(ctx, namespace, plan.SetLabel+"="+set+",", func(m *corev1.ConfigMap) {
		if isLedgerName(set, m.Name) {
			shards = append(shards, m)
		}
	})
	slices.SortFunc(shards, func(a, b *corev1.ConfigMap) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), strings.Compare(a.Name, b.Name))
	})
	return shards, err
}

// eachShard calls do with every ConfigMap in a namespace, or in all, that has the ledger's label and the labels of a
// selector, which is empty or ends with a comma.
func (c *Client) eachShard(ctx context.Context, namespace, selector string, do func(*corev1.ConfigMap)) error {
	opts := metav1.ListOptions{LabelSelector: selector + ledgerLabel + "=true", Limit: ledgerPage}
	return each(ctx, c, plan.Permission{Resource: "configmaps", Namespace: namespace}, opts, c.kube.core.ConfigMaps(namespace).List, do)
}

// Ledgers reads the records of every set, sorted by set and namespace: in all namespaces, or, where that is not allowed, in
// those that are given, and then everywhere is false.
func (c *Client) Ledgers(ctx context.Context, namespaces []string) (list []plan.SetLedger, everywhere bool, err error) {
	type place struct{ set, namespace string }
	found := map[place]plan.SetLedger{}
	note := func(m *corev1.ConfigMap) {
		at := place{m.Labels[plan.SetLabel], m.Namespace}
		if !isLedgerName(at.set, m.Name) {
			return
		}
		ledger, known := found[at]
		if !known {
			ledger = plan.SetLedger{Set: at.set, Namespace: at.namespace}
		}
		if made := m.CreationTimestamp.Time; !known || made.Before(ledger.Since) {
			ledger.Since = made
		}
		records, _ := recordsOf(m)
		ledger.Records = append(ledger.Records, records...)
		found[at] = ledger
	}
	err = c.eachShard(ctx, metav1.NamespaceAll, "", note)
	everywhere = !isPermissionError(err)
	if !everywhere {
		err = nil
		for _, namespace := range slices.Compact(slices.Sorted(slices.Values(namespaces))) {
			if err = c.eachShard(ctx, namespace, "", note); err != nil {
				break
			}
		}
	}
	list = slices.SortedFunc(maps.Values(found), func(a, b plan.SetLedger) int {
		return cmp.Or(strings.Compare(a.Set, b.Set), strings.Compare(a.Namespace, b.Namespace))
	})
	return list, everywhere, err
}
