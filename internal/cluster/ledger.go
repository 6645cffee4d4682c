package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"provision/internal/plan"
)

// Ledger writes a set's records. It is safe for concurrent use; writes run one after another.
type Ledger struct {
	client    *Client
	namespace string
	set       string

	mu     sync.Mutex
	shards []*corev1.ConfigMap
	at     map[string]int // ledgerKey -> shard
	ready  bool           // the namespace exists
	swept  bool           // what has expired is gone, in whatever ConfigMap it was
}

// OpenLedger reads where the records of a set are now. With create the first Write makes the namespace, unless it is there.
func (c *Client) OpenLedger(ctx context.Context, namespace, set string, create bool) (*Ledger, error) {
	var shards []*corev1.ConfigMap
	err := c.retry(ctx, plan.Permission{Verb: "list", Resource: "configmaps"}, func() (err error) {
		shards, err = c.shardsIn(ctx, namespace, set)
		return err
	})
	if err != nil {
		return nil, err
	}
	l := &Ledger{client: c, namespace: namespace, set: set, shards: shards, at: map[string]int{}, ready: !create}
	for i, s := range shards {
		for key := range s.Data {
			l.at[key] = i
		}
	}
	return l, nil
}

// Lists reports whether there is an entry for a key.
func (l *Ledger) Lists(keyHash string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.at[ledgerKey(keyHash)]
	return ok
}

// Write puts records in place and drops others (by key hash), in as few updates as there are ConfigMaps concerned.
// Entries that are out of date by now are dropped on the way; the first Write drops them wherever they are, because no
// other may ever concern the ConfigMap that they are in. Records of other writers are never overwritten: each update is
// bound to the version it was made from.
func (l *Ledger) Write(ctx context.Context, put []plan.Record, drop []string) error {
	now := l.client.Earliest()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ready {
		if err := l.client.CreateLedgerNamespace(ctx, l.namespace); err != nil {
			return err
		}
		l.ready = true
	}
	change, err := l.place(put, drop, now)
	if err != nil {
		return err
	}
	for _, shard := range slices.Sorted(maps.Keys(change)) {
		if err := l.write(ctx, shard, change[shard], now); err != nil {
			return err
		}
	}
	l.swept = true
	return nil
}

// place decides which entries of which ConfigMaps change: shard -> key -> value, "" to drop. A record that is known stays
// where it is; a new one goes where there is room, also that of what has expired. A ConfigMap without changes is only
// swept.
func (l *Ledger) place(put []plan.Record, drop []string, now time.Time) (map[int]map[string]string, error) {
	change := map[int]map[string]string{}
	note := func(shard int, key, value string) {
		if change[shard] == nil {
			change[shard] = map[string]string{}
		}
		change[shard][key] = value
	}
	gone := func(value string) bool { return !l.swept && expired(value, now) }
	rooms := make([]room, len(l.shards))
	for i, s := range l.shards {
		var old int
		if rooms[i], old = roomIn(s, gone); old > 0 {
			change[i] = map[string]string{}
		}
	}
	for _, r := range put {
		data, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encode the ledger record of %q: %w", r.User, err)
		}
		key := ledgerKey(r.KeyHash)
		shard, ok := l.at[key]
		if !ok {
			size := len(key) + len(data)
			for shard = 0; shard < len(rooms) && !rooms[shard].fits(size); shard++ {
			}
			if shard == len(rooms) {
				l.shards = append(l.shards, l.fresh(shard))
				rooms = append(rooms, room{maxRecords, maxLedgerBytes})
			}
			rooms[shard].records--
			rooms[shard].bytes -= size
			l.at[key] = shard
		}
		note(shard, key, string(data))
	}
	for _, hash := range drop {
		key := ledgerKey(hash)
		if shard, ok := l.at[key]; ok {
			note(shard, key, "")
			delete(l.at, key)
		}
	}
	return change, nil
}

// fresh is a ConfigMap that is not there yet, with the first free number from n on.
func (l *Ledger) fresh(n int) *corev1.ConfigMap {
	for slices.ContainsFunc(l.shards, func(s *corev1.ConfigMap) bool { return s.Name == ledgerName(l.set, n) }) {
		n++
	}
	m := meta(l.set, l.namespace, ledgerName(l.set, n))
	m.Labels[ledgerLabel] = "true"
	return &corev1.ConfigMap{ObjectMeta: m}
}

// write changes some entries of one ConfigMap, and reads it again as often as somebody else changes it at the same time.
func (l *Ledger) write(ctx context.Context, shard int, change map[string]string, now time.Time) error {
	what, configMaps := l.object(l.shards[shard].Name), l.configMaps()
	for range conflictTries {
		next := l.shards[shard].DeepCopy()
		edit(next, change, now)
		verb, send := "update", configMaps.update
		if next.ResourceVersion == "" {
			verb, send = "create", configMaps.create
		}
		written, err := send(ctx, next)
		if err == nil {
			if !l.keeps(written, next, change) {
				return fmt.Errorf("write the ledger: %s: %w", what, ErrAltered)
			}
			l.shards[shard] = written
			return nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !(verb == "update" && apierrors.IsNotFound(err)) {
			if yes := l.shards[shard].Immutable; yes != nil && *yes {
				err = fmt.Errorf("it is immutable: make it anew (kubectl get %s -o yaml | sed '/^immutable: true$/d' | kubectl replace --force -f -): %w", what, err)
			}
			return l.client.permission(ctx, err, configMaps.may(verb), "write the ledger, "+what)
		}
		if l.shards[shard], err = l.reread(ctx, next.Name); err != nil {
			return err
		}
	}
	return fmt.Errorf("write the ledger: somebody keeps editing %s", what)
}

// object names a ConfigMap of the ledger as kubectl does.
func (l *Ledger) object(name string) string {
	return plan.Object{Kind: "ConfigMap", Namespace: l.namespace, Name: name}.String()
}

// configMaps are those in the ledger's namespace.
func (l *Ledger) configMaps() resource[*corev1.ConfigMap] {
	need := plan.Permission{Resource: "configmaps", Namespace: l.namespace}
	return resource[*corev1.ConfigMap]{l.client, l.client.kube.core.ConfigMaps(l.namespace), need}
}

// reread reads a ConfigMap after somebody else has written it. One without the ledger's labels would not be found again.
func (l *Ledger) reread(ctx context.Context, name string) (*corev1.ConfigMap, error) {
	what, configMaps := l.object(name), l.configMaps()
	found, err := configMaps.get(ctx, name)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("write the ledger: %s was deleted while provision ran: run `provision apply --rebuild-ledger`", what)
	case err != nil:
		return nil, l.client.permission(ctx, err, configMaps.may("get"), "read the ledger, "+what)
	case !l.labelled(found):
		return nil, fmt.Errorf("write the ledger: %s has the name of the ledger's, but not its labels: give them back "+
			"(kubectl label --overwrite %s %s=%s %s=true), or remove it", what, what, plan.SetLabel, l.set, ledgerLabel)
	}
	return found, nil
}

// labelled reports whether a ConfigMap has the labels by which the ledger is found.
func (l *Ledger) labelled(m *corev1.ConfigMap) bool {
	return m.Labels[plan.SetLabel] == l.set && m.Labels[ledgerLabel] == "true"
}

// keeps reports whether what the API server has written of a change is what was sent, and will be found again: nothing may be
// issued that is not recorded.
func (l *Ledger) keeps(written, sent *corev1.ConfigMap, change map[string]string) bool {
	for key := range change {
		value, there := written.Data[key]
		want, wanted := sent.Data[key]
		if there != wanted || value != want {
			return false
		}
	}
	return l.labelled(written)
}
