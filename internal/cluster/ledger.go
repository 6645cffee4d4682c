package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"provision/internal/plan"
)

// The ledger of a set is a row of ConfigMaps, each with up to maxRecords records: one per key of data, as JSON. A
// record stays in the ConfigMap that has it, so that a change writes one object. An object may have 1 MiB: 1,000 usual
// records are about half of that, and new ones are put elsewhere from maxLedgerBytes on. The rest is for what an
// outcome adds to each record, less than 300 bytes.
const (
	ledgerLabel    = "provision/ledger"
	maxRecords     = 1000
	maxLedgerBytes = 700 << 10
)

// ledgerKey is the key of a record in a ConfigMap: enough of the key's hash to be its own.
func ledgerKey(keyHash string) string { return keyHash[:min(len(keyHash), 32)] }

// recordOf reads the entry of a ConfigMap, and says whether it is a record.
func recordOf(key, value string) (r plan.Record, ok bool) {
	err := json.Unmarshal([]byte(value), &r)
	return r, err == nil && r.User != "" && ledgerKey(r.KeyHash) == key
}

// ledgerName is the name of the n-th ConfigMap of a set.
func ledgerName(set string, n int) string {
	return "provision-" + set + "-" + strconv.Itoa(n)
}

// isLedgerName says whether a ConfigMap has a name that ledgerName gives. Labels alone make nobody's ConfigMap a part of the
// ledger.
func isLedgerName(set, name string) bool {
	digits, _ := strings.CutPrefix(name, "provision-"+set+"-")
	n, err := strconv.Atoi(digits)
	return err == nil && n >= 0 && name == ledgerName(set, n)
}

// ledger reads a set's records. What cannot be read is a problem of the plan, not an error: nothing may be issued
// until a person has looked.
func (c *Client) ledger(ctx context.Context, namespace, set string) ([]plan.Record, []plan.Problem, bool, error) {
	shards, err := c.ledgerShards(ctx, namespace, set)
	if err != nil {
		return nil, nil, false, err
	}
	var records []plan.Record
	var problems []plan.Problem
	for _, s := range shards {
		for _, key := range slices.Sorted(maps.Keys(s.Data)) {
			r, ok := recordOf(key, s.Data[key])
			if !ok {
				problems = append(problems, plan.Problem{
					Code: plan.LedgerUnreadable, Namespace: namespace, Name: s.Name, Detail: "the entry " + key + " is not a record",
				})
				continue
			}
			records = append(records, r)
		}
	}
	exists := len(shards) > 0
	if !exists {
		_, err := c.kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, nil, false, c.permission(err, plan.Permission{Verb: "get", Resource: "namespaces", Name: namespace}, "read namespace/"+namespace)
		}
		exists = err == nil
	}
	return records, problems, exists, nil
}

func (c *Client) ledgerShards(ctx context.Context, namespace, set string) ([]*corev1.ConfigMap, error) {
	var shards []*corev1.ConfigMap
	opts := metav1.ListOptions{LabelSelector: plan.SetLabel + "=" + set + "," + ledgerLabel + "=true"}
	err := c.all(ctx, opts, plan.Permission{Resource: "configmaps", Namespace: namespace},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.kube.CoreV1().ConfigMaps(namespace).List(ctx, o)
		},
		func(obj runtime.Object) error {
			if m := obj.(*corev1.ConfigMap); isLedgerName(set, m.Name) {
				shards = append(shards, m)
			}
			return nil
		})
	slices.SortFunc(shards, func(a, b *corev1.ConfigMap) int {
		if len(a.Name) != len(b.Name) {
			return len(a.Name) - len(b.Name)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return shards, err
}

// OtherLedgers finds the records of some users in the ledgers that other sets keep in a namespace, by set.
func (c *Client) OtherLedgers(ctx context.Context, namespace, set string, users map[string]bool) (map[string][]plan.Record, error) {
	found := map[string][]plan.Record{}
	opts := metav1.ListOptions{LabelSelector: plan.SetLabel + "!=" + set + "," + ledgerLabel + "=true"}
	err := c.all(ctx, opts, plan.Permission{Resource: "configmaps", Namespace: namespace},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.kube.CoreV1().ConfigMaps(namespace).List(ctx, o)
		},
		func(obj runtime.Object) error {
			m := obj.(*corev1.ConfigMap)
			of := m.Labels[plan.SetLabel]
			if !isLedgerName(of, m.Name) {
				return nil
			}
			for key, value := range m.Data {
				if r, ok := recordOf(key, value); ok && users[r.User] {
					found[of] = append(found[of], r)
				}
			}
			return nil
		})
	return found, err
}

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

// OpenLedger reads where the records of a set are now. create says that the namespace may have to be made.
func (c *Client) OpenLedger(ctx context.Context, namespace, set string, create bool) (*Ledger, error) {
	var shards []*corev1.ConfigMap
	err := retry(ctx, func() (err error) {
		shards, err = c.ledgerShards(ctx, namespace, set)
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

// Lists says whether there is an entry for a key.
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
func (l *Ledger) Write(ctx context.Context, put []plan.Record, drop []string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.namespaceExists(ctx); err != nil {
		return err
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

// place says which entries of which ConfigMaps change: shard -> key -> value, "" to drop. A record that is known stays
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

func (l *Ledger) fresh(n int) *corev1.ConfigMap {
	for slices.ContainsFunc(l.shards, func(s *corev1.ConfigMap) bool { return s.Name == ledgerName(l.set, n) }) {
		n++
	}
	m := meta(l.set, l.namespace, ledgerName(l.set, n), "", "")
	m.Labels[ledgerLabel] = "true"
	return &corev1.ConfigMap{ObjectMeta: m}
}

// room is how much more fits into a ConfigMap.
type room struct{ records, bytes int }

// fits says whether a new record of a size has room. Bytes are kept back for what is added once it is issued.
func (r room) fits(size int) bool { return r.records > 0 && r.bytes >= size }

// roomIn is the room there is once what is gone is dropped, and how many entries that are. There is none in one that
// cannot be written.
func roomIn(s *corev1.ConfigMap, gone func(value string) bool) (room, int) {
	if s.Immutable != nil && *s.Immutable {
		return room{}, 0
	}
	r, old := room{maxRecords, maxLedgerBytes}, 0
	for key, value := range s.Data {
		if gone(value) {
			old++
			continue
		}
		r.records--
		r.bytes -= len(key) + len(value)
	}
	return r, old
}

// expired says whether an entry is a record that may be dropped.
func expired(value string, now time.Time) bool {
	var r plan.Record
	return json.Unmarshal([]byte(value), &r) == nil && r.User != "" && r.Droppable(now)
}

// write changes some entries of one ConfigMap.
func (l *Ledger) write(ctx context.Context, shard int, change map[string]string, now time.Time) error {
	api := l.client.kube.CoreV1().ConfigMaps(l.namespace)
	what := "configmap/" + l.shards[shard].Name + " -n " + l.namespace
	for range 8 {
		next := l.shards[shard].DeepCopy()
		edit(next, change, now)
		var written *corev1.ConfigMap
		verb := "update"
		err := retry(ctx, func() (err error) {
			if next.ResourceVersion == "" {
				verb = "create"
				written, err = api.Create(ctx, next, metav1.CreateOptions{})
			} else {
				written, err = api.Update(ctx, next, metav1.UpdateOptions{})
			}
			return err
		})
		if err == nil {
			l.shards[shard] = written
			return nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !(verb == "update" && apierrors.IsNotFound(err)) {
			return l.client.permission(err, plan.Permission{Verb: verb, Resource: "configmaps", Namespace: l.namespace}, "write the ledger, "+what)
		}
		var found *corev1.ConfigMap
		err = retry(ctx, func() (err error) {
			found, err = api.Get(ctx, next.Name, metav1.GetOptions{})
			return err
		})
		switch {
		case apierrors.IsNotFound(err):
			return fmt.Errorf("write the ledger: %s was deleted while provision ran: run `provision apply --rebuild-ledger`", what)
		case err != nil:
			return l.client.permission(err, plan.Permission{Verb: "get", Resource: "configmaps", Namespace: l.namespace}, "read the ledger, "+what)
		case found.Labels[plan.SetLabel] != l.set || found.Labels[ledgerLabel] != "true":
			return fmt.Errorf("write the ledger: %s: %w", what, ErrForeign)
		}
		l.shards[shard] = found
	}
	return fmt.Errorf("write the ledger: somebody keeps editing %s", what)
}

// edit applies a change to a ConfigMap and drops what has expired.
func edit(m *corev1.ConfigMap, change map[string]string, now time.Time) {
	if m.Data == nil {
		m.Data = map[string]string{}
	}
	for key, value := range m.Data {
		if expired(value, now) {
			delete(m.Data, key)
		}
	}
	for key, value := range change {
		if value == "" {
			delete(m.Data, key)
		} else {
			m.Data[key] = value
		}
	}
}

func (l *Ledger) namespaceExists(ctx context.Context) error {
	if l.ready {
		return nil
	}
	err := retry(ctx, func() error {
		_, err := l.client.kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: l.namespace, Labels: map[string]string{managedBy: "provision"},
		}}, metav1.CreateOptions{})
		return err
	})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return l.client.permission(err, plan.Permission{Verb: "create", Resource: "namespaces"}, "create namespace/"+l.namespace+" for the ledger")
	}
	l.ready = true
	return nil
}
