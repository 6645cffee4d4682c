package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"provision/internal/plan"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// intent is a record of a certificate that is asked for; issued, of one that is there.
func intent(i int, groups ...string) plan.Record {
	hash := fmt.Sprintf("%064x", i)
	user := fmt.Sprintf("user-%d", i)
	return plan.Record{User: user, Groups: groups, KeyHash: hash[32:] + hash[:32], Request: plan.RequestName("team", user, hash),
		Duration: time.Hour, Intended: noon, By: "admin", Digest: "sha256:" + hash}
}

func issued(r plan.Record) plan.Record {
	r.Serial, r.CredentialID = strings.Repeat("f", 40), "X509SHA256="+strings.Repeat("f", 64)
	r.NotBefore, r.NotAfter, r.Removed = noon, noon.Add(time.Hour), noon
	return r
}

// write does to the shards what Write does to the cluster's.
func write(t *testing.T, l *Ledger, put []plan.Record, drop ...string) (touched int) {
	t.Helper()
	change, err := l.place(put, drop, noon)
	if err != nil {
		t.Fatal(err)
	}
	for shard, entries := range change {
		edit(l.shards[shard], entries, noon)
	}
	l.swept = true
	return len(change)
}

func sizeOf(m *corev1.ConfigMap) int {
	size := 0
	for key, value := range m.Data {
		size += len(key) + len(value)
	}
	return size
}

// An object of the API may have 1 MiB, also when everything in it was issued and removed.
func TestLedgerFits(t *testing.T) {
	many := make([]string, 60)
	for i := range many {
		many[i] = fmt.Sprintf("%s-%02d", strings.Repeat("g", 57), i)
	}
	for _, c := range []struct {
		name            string
		groups          []string
		atMost, records int
	}{
		{"usual records", []string{"dev", "oncall"}, 3, 2500},
		{"many groups", many, 20, 2500},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Ledger{set: "team", namespace: "provision-system", at: map[string]int{}}
			var put []plan.Record
			for i := range c.records {
				put = append(put, intent(i, c.groups...))
			}
			for i := 0; i < len(put); i += 1000 {
				write(t, l, put[i:min(i+1000, len(put))])
			}
			before := map[string]int{}
			for k, shard := range l.at {
				before[k] = shard
			}
			for i := range put {
				put[i] = issued(put[i])
			}
			write(t, l, put)
			total, names := 0, map[string]bool{}
			for _, s := range l.shards {
				total += len(s.Data)
				names[s.Name] = true
				if size := sizeOf(s); size >= 1<<20 || len(s.Data) > maxRecords {
					t.Errorf("%s has %d records in %d bytes", s.Name, len(s.Data), size)
				}
			}
			if total != c.records || len(l.shards) > c.atMost || len(names) != len(l.shards) {
				t.Errorf("%d records in %d ConfigMaps", total, len(l.shards))
			}
			if !reflect.DeepEqual(before, l.at) {
				t.Error("records have moved")
			}
		})
	}
}

// A change touches the ConfigMap that has the record and no other; what was dropped makes room.
func TestLedgerPlace(t *testing.T) {
	l := &Ledger{set: "team", namespace: "provision-system", at: map[string]int{}}
	var put []plan.Record
	for i := range 2100 {
		put = append(put, intent(i))
	}
	write(t, l, put)
	if len(l.shards) != 3 {
		t.Fatalf("%d ConfigMaps", len(l.shards))
	}
	if n := write(t, l, []plan.Record{issued(intent(5))}, intent(6).KeyHash, "not there"); n != 1 {
		t.Errorf("%d ConfigMaps change", n)
	}
	if _, there := l.shards[0].Data[ledgerKey(intent(6).KeyHash)]; there || len(l.shards[0].Data) != 999 {
		t.Errorf("not dropped: %d", len(l.shards[0].Data))
	}
	write(t, l, []plan.Record{intent(5000)})
	if _, there := l.shards[0].Data[ledgerKey(intent(5000).KeyHash)]; !there {
		t.Error("the room of a dropped record is not used")
	}
}

// With every write what has expired goes; what is no record, or somebody else's, stays.
func TestLedgerEdit(t *testing.T) {
	ended := issued(intent(1))
	ended.NotAfter = noon.Add(-24 * time.Hour)
	data, err := json.Marshal(ended)
	if err != nil {
		t.Fatal(err)
	}
	just := issued(intent(2))
	just.NotAfter = ended.NotAfter.Add(1) // ended too, but this clock may be ahead
	lives, err := json.Marshal(just)
	if err != nil {
		t.Fatal(err)
	}
	m := &corev1.ConfigMap{Data: map[string]string{"ended": string(data), "lives": string(lives), "note": "of others", "broken": "{"}}
	edit(m, map[string]string{"new": "x", "note": ""}, noon)
	want := map[string]string{"lives": string(lives), "broken": "{", "new": "x"}
	if !reflect.DeepEqual(m.Data, want) {
		t.Errorf("%v, want %v", m.Data, want)
	}
}

// Two runs write one record, as a revoke does that goes on without the lock: what the other has added since it was read stays.
func TestLedgerGrown(t *testing.T) {
	asked := intent(1, "dev")
	with := func(r plan.Record, change func(*plan.Record)) plan.Record {
		change(&r)
		return r
	}
	resent := with(asked, func(r *plan.Record) { r.Resent = true })
	left := with(asked, func(r *plan.Record) { r.Removed = noon.Add(time.Minute) })
	given := with(issued(asked), func(r *plan.Record) { r.Removed = time.Time{} })
	refused := with(given, func(r *plan.Record) { r.Refused, r.Groups = "WrongSubject", []string{"dev", "ops"} })
	longer := with(given, func(r *plan.Record) { r.Serial, r.NotAfter = "2", noon.Add(2*time.Hour) })
	edited := with(left, func(r *plan.Record) { r.User = "ghost" })
	for _, c := range []struct {
		name              string
		was, writes, want plan.Record
	}{
		{"nothing new", asked, asked, asked},
		{"what was issued is noted", asked, given, given},
		{"what was issued stays", given, left, with(given, func(r *plan.Record) { r.Removed = left.Removed })},
		{"a certificate that is known better", given, longer, longer},
		{"who left has left", left, given, with(given, func(r *plan.Record) { r.Removed = left.Removed })},
		{"who left stays so since then", left, with(left, func(r *plan.Record) { r.Removed = noon.Add(time.Hour) }), with(left, func(r *plan.Record) { r.Removed = noon.Add(time.Hour) })},
		{"sent again", resent, left, with(left, func(r *plan.Record) { r.Resent = true })},
		{"refused, with what it carries", refused, left, with(refused, func(r *plan.Record) { r.Removed = left.Removed })},
		{"refused after it was asked for", asked, refused, refused},
		{"put right: it was another who left", edited, asked, asked},
		{"of another key", with(given, func(r *plan.Record) { r.KeyHash = intent(2).KeyHash }), asked, asked},
	} {
		data := func(r plan.Record) string {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		m := &corev1.ConfigMap{Data: map[string]string{"key": data(c.was)}}
		edit(m, map[string]string{"key": data(c.writes)}, noon)
		if got := m.Data["key"]; got != data(c.want) {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, data(c.want))
		}
	}
	for _, was := range []string{"", "{", "[]", "null"} {
		if got := grown(was, "{}"); got != "{}" {
			t.Errorf("over %q: %s", was, got)
		}
	}
}

// A ConfigMap that is full of what has expired is swept by the first write, whatever that is about, and used again.
func TestLedgerSweep(t *testing.T) {
	old := func(i int) plan.Record {
		r := issued(intent(i))
		r.NotBefore, r.NotAfter = noon.AddDate(-1, 0, 0), noon.AddDate(0, 0, -7)
		return r
	}
	l := &Ledger{set: "team", namespace: "provision-system", at: map[string]int{}}
	for shard := range 2 {
		l.shards = append(l.shards, l.fresh(shard))
		l.shards[shard].Data = map[string]string{}
		for i := range maxRecords {
			r := old(shard*maxRecords + i)
			data, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			l.shards[shard].Data[ledgerKey(r.KeyHash)] = string(data)
			l.at[ledgerKey(r.KeyHash)] = shard
		}
	}
	if n := write(t, l, []plan.Record{intent(5000)}); n != 2 {
		t.Errorf("%d ConfigMaps change", n)
	}
	if len(l.shards) != 2 || len(l.shards[0].Data) != 1 || len(l.shards[1].Data) != 0 {
		t.Errorf("%d ConfigMaps, with %d and %d records", len(l.shards), len(l.shards[0].Data), len(l.shards[1].Data))
	}
	if n := write(t, l, []plan.Record{intent(5001)}); n != 1 {
		t.Errorf("a later write changes %d ConfigMaps", n)
	}
}

// One that cannot be written is passed over; the next is used, or made.
func TestLedgerImmutable(t *testing.T) {
	l := &Ledger{set: "team", namespace: "provision-system", at: map[string]int{}}
	l.shards = []*corev1.ConfigMap{l.fresh(0)}
	yes := true
	l.shards[0].Immutable = &yes
	write(t, l, []plan.Record{intent(1)})
	if len(l.shards) != 2 || len(l.shards[0].Data) != 0 || len(l.shards[1].Data) != 1 || l.shards[1].Name != ledgerName("team", 1) {
		t.Errorf("%d ConfigMaps: %v", len(l.shards), l.shards)
	}
}

func TestLedgerName(t *testing.T) {
	for name, want := range map[string]bool{
		ledgerName("team", 0): true, ledgerName("team", 12): true,
		"provision-team-": false, "provision-team": false, "provision-team-x": false, "provision-team-01": false, "provision-team-+1": false,
		"provision-team--1": false, "provision-team-a-1": false, "provision-te-0": false, "0": false, "bait": false,
	} {
		if got := isLedgerName("team", name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A shard whose number another object has taken gets the next one.
func TestLedgerFresh(t *testing.T) {
	l := &Ledger{set: "team", shards: []*corev1.ConfigMap{{}, {}}}
	l.shards[0].Name, l.shards[1].Name = ledgerName("team", 0), ledgerName("team", 2)
	if got := l.fresh(2).Name; got != ledgerName("team", 3) {
		t.Errorf("fresh(2) is %s", got)
	}
}

// FuzzRecord holds that whatever is in a ConfigMap is either refused or a record that is written back as it was read.
func FuzzRecord(f *testing.F) {
	for _, r := range []plan.Record{intent(1), issued(intent(2, "dev", "oncall")), {User: "x", KeyHash: "y"}} {
		data, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(ledgerKey(r.KeyHash), string(data))
	}
	f.Add("", "{}")
	f.Add("k", `{"user": "a", "keyHash": "k", "expirationSeconds": 1e300, "intended": "yesterday"}`)
	f.Add("k", `{"user": "a", "keyHash": "k", "expirationSeconds": 9223372036854775807}`)
	f.Fuzz(func(t *testing.T, key, value string) {
		r, ok := recordOf(key, value)
		if !ok {
			return
		}
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("read and not written: %v", err)
		}
		again, ok := recordOf(key, string(data))
		back, err := json.Marshal(again)
		if !ok || err != nil || string(back) != string(data) || r.Duration != again.Duration || !r.Until().Equal(again.Until()) {
			t.Fatalf("%+v was written back as %+v", r, again)
		}
		r.Live(noon)
	})
}

// Nothing may be issued that is not recorded: what admission makes of a write is read, and a ConfigMap that will not be found
// again, for want of a label, is no record either.
func TestLedgerAltered(t *testing.T) {
	added, dropped, other := intent(1), intent(2), intent(3)
	key := func(r plan.Record) string { return ledgerKey(r.KeyHash) }
	entry := func(r plan.Record) string {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, c := range []struct {
		name  string
		alter func(m *corev1.ConfigMap)
		want  error
	}{
		{"as sent", func(*corev1.ConfigMap) {}, nil},
		{"labels and entries of others", func(m *corev1.ConfigMap) { m.Labels["team"], m.Data["note"] = "x", "y" }, nil},
		{"without the record", func(m *corev1.ConfigMap) { delete(m.Data, key(added)) }, ErrAltered},
		{"another record in its place", func(m *corev1.ConfigMap) { m.Data[key(added)] = entry(other) }, ErrAltered},
		{"with what was dropped", func(m *corev1.ConfigMap) { m.Data[key(dropped)] = entry(dropped) }, ErrAltered},
		{"without its set", func(m *corev1.ConfigMap) { delete(m.Labels, plan.SetLabel) }, ErrAltered},
		{"another set's", func(m *corev1.ConfigMap) { m.Labels[plan.SetLabel] = "other" }, ErrAltered},
		{"no ledger's", func(m *corev1.ConfigMap) { delete(m.Labels, ledgerLabel) }, ErrAltered},
		{"marked as no ledger's", func(m *corev1.ConfigMap) { m.Labels[ledgerLabel] = "false" }, ErrAltered},
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			t.Run(c.name+" "+method, func(t *testing.T) {
				client := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					var m corev1.ConfigMap
					if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.Method != method {
						t.Errorf("%s: %v", r.Method, err)
					}
					c.alter(&m)
					answer(w, m, nil)
				}))
				l := &Ledger{client: client, set: "team", namespace: "provision-system", at: map[string]int{}, ready: true}
				write(t, l, []plan.Record{dropped})
				if method == http.MethodPut {
					l.shards[0].ResourceVersion = "7"
				}
				if err := l.Write(t.Context(), []plan.Record{added}, []string{dropped.KeyHash}); !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
			})
		}
	}
}
