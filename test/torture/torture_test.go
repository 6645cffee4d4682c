// Package torture kills the real provision binary at random instants, lets it
// recover, and checks that nothing was lost.
package torture_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"provision/test/controlplane"
	"provision/test/internal/harness"
)

const (
	// killsVariable is the environment variable with the number of kills,
	// seedVariable that with the seed of a run to be repeated.
	killsVariable = "PROVISION_TORTURE_KILLS"
	seedVariable  = "PROVISION_TORTURE_SEED"
	defaultKills  = 15

	usersOfSet = 60
	namespace  = "torture"
	// lateness is how long after its trigger a kill comes at most.
	lateness = 30 * time.Millisecond
)

// trigger is an instant to kill at: when the work has come so far, counted since the run began.
type trigger struct {
	name string
	of   func(progress) int
	many bool // happens once for each user, so that any number of them can be waited for
}

var triggers = []trigger{
	{"the run began", func(progress) int { return 1 }, false},
	{"lock taken", func(p progress) int { return p.Locks }, false},
	{"keys in the journal", func(p progress) int { return p.Keys }, true},
	{"intents in the ledger", func(p progress) int { return p.Intents }, true},
	{"bindings written", func(p progress) int { return p.Binds }, false},
	{"requests created", func(p progress) int { return p.Requests }, true},
	{"requests approved", func(p progress) int { return p.Approved }, true},
	{"certificates issued", func(p progress) int { return p.Issued }, true},
	{"temporary files", func(p progress) int { return p.Temporary }, true},
	{"kubeconfigs written", func(p progress) int { return p.Kubeconfigs }, true},
	{"keys dropped", func(p progress) int { return p.Dropped }, true},
	{"last key dropped", func(p progress) int { return p.Dropped / usersOfSet }, false},
	{"outcomes in the ledger", func(p progress) int { return p.Outcomes }, false},
	{"lock released", func(p progress) int { return p.Releases }, false},
}

// phases are what a kill may have hit, as the traces it left show.
var phases = []string{
	"planning, before the lock", "locked, nothing begun", "keys into the journal", "intents in the ledger", "requests being created",
	"approved, none issued", "certificates arriving", "kubeconfigs being written", "journal being emptied", "outcomes not in the ledger",
	"outcomes in the ledger", "lock released",
}

// phase tells in which phase a run was that left these traces. Recovered users count as far as they have come.
func phase(p progress, left harness.Directory) string {
	switch {
	case p.Releases > 0:
		return "lock released"
	case p.Locks == 0:
		return "planning, before the lock"
	case p.Outcomes > 0 && len(left.Journal) == 0:
		return "outcomes in the ledger"
	case p.Kubeconfigs > 0 && len(left.Journal) == 0:
		return "outcomes not in the ledger"
	case p.Kubeconfigs > 0 && p.Kubeconfigs-p.Dropped >= len(left.Journal):
		return "journal being emptied"
	case p.Kubeconfigs > 0:
		return "kubeconfigs being written"
	case p.Issued > 0:
		return "certificates arriving"
	case p.Approved > 0:
		return "approved, none issued"
	case p.Requests > 0:
		return "requests being created"
	case p.Intents > 0:
		return "intents in the ledger"
	case p.Keys > 0:
		return "keys into the journal"
	}
	return "locked, nothing begun"
}

// tortured is the whole test.
type tortured struct {
	*testing.T
	ctx    context.Context
	plane  *controlplane.ControlPlane
	client *kubernetes.Clientset
	watch  *observer
	random *rand.Rand
	deck   []trigger // the next triggers, shuffled, so that all come equally often
	last   *set

	left       int            // kills to do
	byPhase    map[string]int // what was hit
	byTrigger  map[string]int
	byKind     map[string]int // first apply, renewal, recovery
	recoveries int
	missed     int // runs that ended before their trigger
	planted    int // requests of somebody else under names of ours
	logins     int
}

// TestKill9 kills applies of 60 users, first ones and renewals, and also the applies that recover from that. After each
// kill and after each recovery it checks what must hold.
// PROMISE: `kill -9` at any instant: the next apply goes on.
// PROMISE: No key is lost, no file is half written, no request is left behind, and no
// certificate exists that the ledger does not list: the intent is written first.
// PROMISE: A renewed kubeconfig replaces the old one only when the new certificate is
// there, checked and on disk.
func TestKill9(t *testing.T) {
	kills := int(fromEnvironment(t, killsVariable, defaultKills))
	w := newTortured(t)
	w.left = kills
	begun := time.Now()
	for number := 1; w.left > 0 && !t.Failed(); number++ {
		w.set(fmt.Sprintf("torture-%d", number))
	}
	t.Logf("%d kills, %d recoveries, %d runs ended before their trigger, %d logins with old kubeconfigs, %d planted requests, %v\n%s", kills-w.left,
		w.recoveries, w.missed, w.logins, w.planted, time.Since(begun).Round(time.Second), w.table())
}

// TestMain silences client-go, which would log each server that is away.
func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// newTortured starts a control plane and whatever every test here needs.
func newTortured(t *testing.T) *tortured {
	seed := fromEnvironment(t, seedVariable, uint64(time.Now().UnixNano()))
	t.Logf("to draw the same instants again: %s=%d", seedVariable, seed)
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	t.Cleanup(cancel)
	// With the stock limits of the signer a run would take three times as long.
	plane, err := controlplane.Start(ctx, controlplane.Options{
		Flags: map[string][]string{controlplane.ControllerManager: {"--kube-api-qps=1000", "--kube-api-burst=2000"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plane.Stop() })
	client, err := harness.Client(plane.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &tortured{
		T: t, ctx: ctx, plane: plane, client: client, watch: newObserver(t, client, ""), random: rand.New(rand.NewPCG(seed, 0)),
		byPhase: map[string]int{}, byTrigger: map[string]int{}, byKind: map[string]int{},
	}
}

func fromEnvironment(t *testing.T, name string, or uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return or
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func (w *tortured) table() string {
	var b strings.Builder
	out := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "KILLED IN\tKILLS")
	for _, p := range phases {
		fmt.Fprintf(out, "%s\t%d\n", p, w.byPhase[p])
	}
	fmt.Fprintln(out, "\nTRIGGERED BY\tKILLS")
	for _, t := range triggers {
		fmt.Fprintf(out, "%s\t%d\n", t.name, w.byTrigger[t.name])
	}
	fmt.Fprintln(out, "\nRUN\tKILLS")
	for _, kind := range []string{"first apply", "its recovery", "renewal of all", "its recovery by a renewal", "its recovery by a plain apply"} {
		fmt.Fprintf(out, "%s\t%d\n", kind, w.byKind[kind])
	}
	out.Flush()
	return b.String()
}

// set makes a set, kills its first apply and then renewals of it.
func (w *tortured) set(name string) {
	w.begin(name)
	s := w.last
	s.storm("first apply", []string{"apply", "--yes"}, map[string][]string{"its recovery": {"apply", "--yes"}})
	if w.left > 0 && !w.Failed() {
		s.storm("renewal of all", []string{"apply", "--yes", "--reissue-all"}, map[string][]string{
			"its recovery by a renewal":     {"apply", "--yes", "--reissue-all"},
			"its recovery by a plain apply": {"apply", "--yes"},
		})
	}
	// What is over only fills the cluster.
	err := w.client.CertificatesV1().CertificateSigningRequests().DeleteCollection(w.ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: harness.SetLabel + "=" + name})
	if err != nil {
		w.Fatal(err)
	}
}

// set is one set of 60 users, in its own directory.
type set struct {
	*tortured
	name    string
	program harness.Program
	users   map[string][]string           // and their groups
	used    map[string]harness.Kubeconfig // by key: every one that was found after a run
	bait    map[string]types.UID          // requests that plant made, by name
	notHere *notHere                      // nil: the private keys are in the kubeconfigs
}

// file is the users file: everybody has a grant of his own, two groups have one of each kind.
func (s *set) file() string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: provision/v1alpha1
kind: Users
name: %[1]s
defaults: {duration: 1h, namespace: %[2]s}
groups:
  - {name: "%[1]s:all", bindTo: Group, roles: [{clusterRole: view, namespaces: [%[2]s]}]}
  - {name: "%[1]s:some", roles: [{clusterRole: admin, namespaces: [%[2]s]}]}
users:
`, s.name, namespace)
	for i := range usersOfSet {
		user := fmt.Sprintf("%s-user-%02d", s.name, i)
		groups := []string{s.name + ":all"}
		s.users[user] = groups // in the certificate
		if i%4 == 0 {
			groups = append(groups, s.name+":some")
		}
		fmt.Fprintf(&b, "  - {name: %s, groups: ['%s'], roles: [{clusterRole: edit, namespaces: [%s]}]}\n", user, strings.Join(groups, "', '"), namespace)
	}
	return b.String()
}

// storm runs a command and kills it, and then up to two of the runs that are to recover from that, and lets the last end.
// The end is checked.
func (s *set) storm(kind string, args []string, recoveries map[string][]string) {
	renewal := len(recoveries) > 1
	before, err := harness.ReadDirectory(s.program.Output())
	if err != nil {
		s.Fatal(err)
	}
	plain := false // a recovery was told to renew nobody
	for kills := 1 + s.random.IntN(3); kills > 0 && s.left > 0; kills-- {
		if !s.kill(kind, args) {
			break // it had ended
		}
		left := s.checkKilled(before, renewal, plain)
		if s.Failed() {
			return
		}
		s.plant(left)
		kinds := slices.Sorted(func(yield func(string) bool) {
			for kind := range recoveries {
				if !yield(kind) {
					return
				}
			}
		})
		kind = kinds[s.random.IntN(len(kinds))]
		args = recoveries[kind]
		plain = plain || renewal && kind == "its recovery by a plain apply"
	}
	p := s.program.Run(s.T, args...)
	s.checkPlanted()
	if p.Code() != 0 {
		s.Fatalf("%s of %s ended with %d\n%s", p, s.name, p.Code(), p.Text())
	}
	s.recoveries++
	s.unplant()
	s.checkKeys(s.readDirectory(), renewal, plain)
	s.checkRecovered()
}

// readDirectory reads the output directory and remembers whose keys are in use.
func (s *set) readDirectory() harness.Directory {
	s.Helper()
	d, err := harness.ReadDirectory(s.program.Output())
	if err != nil {
		s.Fatal(err)
	}
	for _, k := range d.Kubeconfigs {
		s.used[k.KeyHash] = k
	}
	return d
}

// kill starts a run and kills it at the next trigger. It returns false when the run ended before.
func (s *set) kill(kind string, args []string) bool {
	if len(s.deck) == 0 {
		s.deck = slices.Clone(triggers)
		s.random.Shuffle(len(s.deck), func(i, j int) { s.deck[i], s.deck[j] = s.deck[j], s.deck[i] })
	}
	at := s.deck[0]
	s.deck = s.deck[1:]
	begun, _ := s.watch.look()
	count := 1
	if at.many { // recovering, there are fewer left to wait for
		count = 1 + s.random.IntN(max(1, usersOfSet-at.of(begun)%usersOfSet))
	}
	share := s.random.Float64()
	late := time.Duration(share * share * float64(lateness)) // more of the short ones: a phase may last a millisecond
	switch at.name {
	case "the run began":
		late *= 8 // it takes so long to plan
	case "lock released":
		late = 0 // the run is about to end
	}
	s.watchDirectory()
	p := s.program.Start(s.T, args...)
	for reached := false; !reached; {
		now, event := s.watch.look()
		if reached = at.of(now)-at.of(begun) >= count || at.of(begun) == 1 && at.name == "the run began"; reached {
			break
		}
		select {
		case <-event:
		case <-p.Exited():
			reached = true
		case <-time.After(time.Minute):
			s.Fatalf("%s of %s hangs before %d %s: %+v\n%s", p, s.name, count, at.name, now, p.Text())
		}
	}
	select {
	case <-p.Exited():
	case <-time.After(late):
	}
	p.Kill()
	switch p.Code() {
	case -1:
	case 0:
		s.missed++
		s.readDirectory()
		return false
	default:
		s.checkPlanted()
		s.Fatalf("%s of %s ended with %d\n%s", p, s.name, p.Code(), p.Text())
	}
	left, err := harness.ReadDirectory(s.program.Output())
	if err != nil {
		s.Fatalf("after a kill at %d %s: %v", count, at.name, err)
	}
	now, _ := s.watch.look()
	hit := phase(now.since(begun), left)
	s.byPhase[hit]++
	s.byTrigger[at.name]++
	s.byKind[kind]++
	s.left--
	if testing.Verbose() {
		s.Logf("%s, %s: killed %v after %d %s, in: %s", s.name, kind, late.Round(time.Millisecond), count, at.name, hit)
	}
	return true
}

func (p progress) since(q progress) progress {
	return progress{
		p.Locks - q.Locks, p.Releases - q.Releases, p.Keys - q.Keys, p.Dropped - q.Dropped, p.Intents - q.Intents, p.Outcomes - q.Outcomes,
		p.Requests - q.Requests, p.Approved - q.Approved, p.Issued - q.Issued, p.Kubeconfigs - q.Kubeconfigs, p.Temporary - q.Temporary, p.Binds - q.Binds,
	}
}

// watchDirectory makes the output directory, so that it can be watched from the run's first file on.
func (s *set) watchDirectory() {
	for _, dir := range []string{s.program.Output(), filepath.Join(s.program.Output(), ".provision", "keys")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			s.Fatal(err)
		}
		if err := s.watch.files.Add(dir); err != nil {
			s.Fatal(err)
		}
	}
}

// checkKilled checks what must hold at any instant: no request that the ledger does not know, no key lost, no file
// half-written (ReadDirectory), and, in a renewal, every kubeconfig of good use.
func (s *set) checkKilled(before harness.Directory, renewal, plain bool) harness.Directory {
	s.Helper()
	requests, err := harness.Requests(s.ctx, s.client, s.name)
	if err != nil {
		s.Fatal(err)
	}
	ledger, err := harness.Ledger(s.ctx, s.client, s.name)
	if err != nil {
		s.Fatal(err)
	}
	for name, r := range requests {
		if s.bait[name] == r.UID {
			continue
		}
		if _, ok := ledger[r.KeyHash]; !ok {
			s.Errorf("%s is in the cluster, and the ledger does not know it", r.Name)
		}
		if r.User != ledger[r.KeyHash].User {
			s.Errorf("%s: the ledger says it is for %q", r.Name, ledger[r.KeyHash].User)
		}
	}
	s.checkPlanted()
	left := s.readDirectory()
	s.checkNoKeys()
	s.checkKeys(left, renewal, plain)
	if !renewal {
		return left
	}
	if len(left.Kubeconfigs) != len(before.Kubeconfigs) {
		s.Errorf("%d kubeconfigs are left of %d", len(left.Kubeconfigs), len(before.Kubeconfigs))
	}
	for _, wrong := range harness.CheckLogins(s.ctx, s.atHome(left), s.users) {
		s.Errorf("in a renewal: %s", wrong)
	}
	s.logins += len(s.users)
	return left
}

// checkKeys checks that no key was lost: that of each request is in the journal until it is in a kubeconfig. So none was
// issued in vain either.
func (s *set) checkKeys(left harness.Directory, renewal, plain bool) {
	s.Helper()
	have := map[string]bool{}
	for _, k := range left.Kubeconfigs {
		have[k.KeyHash] = true
	}
	for _, k := range left.Journal {
		have[k.KeyHash] = true
	}
	for _, r := range s.watch.everSeen() {
		if have[r.KeyHash] || s.isOwn(r.User) {
			continue
		}
		// A renewal replaces keys that were in use.
		if _, ok := s.used[r.KeyHash]; ok && renewal {
			continue
		}
		// A plain apply does not go on with a renewal that was issued in the same second as the one that was in use then.
		if plain && s.wasUsed(r) {
			continue
		}
		s.Errorf("%s (%s): its key is lost%s", r.Name, progressOf(r), s.tell(r.User, left))
	}
}

// wasUsed says whether a certificate that ends with that of a request was in use by its user.
func (s *set) wasUsed(r harness.Request) bool {
	for _, k := range s.used {
		if k.User == r.User && r.Leaf != nil && r.Leaf.NotAfter.Equal(k.Leaf.NotAfter) {
			return true
		}
	}
	return false
}

// tell says all that is known of the requests of a user whose key is lost.
func (s *set) tell(user string, left harness.Directory) string {
	var b strings.Builder
	for _, r := range s.watch.everSeen() {
		if r.User != user {
			continue
		}
		fmt.Fprintf(&b, "\n  %s %s, created %s", r.Name, progressOf(r), r.CreationTimestamp.UTC().Format(time.TimeOnly))
		if r.Leaf != nil {
			fmt.Fprintf(&b, ", from %s until %s", r.Leaf.NotBefore.Format(time.TimeOnly), r.Leaf.NotAfter.Format(time.TimeOnly))
		}
		_, used := s.used[r.KeyHash]
		fmt.Fprintf(&b, ", in use before: %v, now: %v, in the journal: %v", used, left.Kubeconfigs[user].KeyHash == r.KeyHash, left.Journal[user].KeyHash == r.KeyHash)
	}
	return b.String()
}

func progressOf(r harness.Request) string {
	switch {
	case r.Leaf != nil:
		return "issued"
	case r.Has(certificatesv1.CertificateApproved):
		return "approved"
	}
	return "pending"
}

// checkRecovered checks that everything is as if nothing had happened.
func (s *set) checkRecovered() {
	s.Helper()
	for _, wrong := range harness.CheckComplete(s.ctx, s.client, s.program.Output(), s.name, s.users) {
		s.Errorf("%s after recovery: %s", s.name, wrong)
	}
	if s.notHere != nil {
		for _, wrong := range harness.CheckLogins(s.ctx, s.atHome(s.readDirectory()), s.users) {
			s.Errorf("%s after recovery: %s", s.name, wrong)
		}
		s.logins += len(s.users)
		s.checkNoKeys()
	}
	ledger, err := harness.Ledger(s.ctx, s.client, s.name)
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range s.watch.everSeen() { // also those deleted since
		if _, ok := ledger[r.KeyHash]; r.Leaf != nil && !ok {
			s.Errorf("%s was issued once, and the ledger does not know it", r.Name)
		}
	}
	if files := s.watch.writtenInPlace(); len(files) > 0 {
		s.Errorf("written in their place, not renamed into it: %s", strings.Join(files, " "))
	}
	if p := s.program.Run(s.T, "verify"); p.Code() != 0 {
		s.Errorf("%s of %s after recovery ended with %d\n%s", p, s.name, p.Code(), p.Text())
	}
	if p := s.program.Run(s.T, "plan", "--detailed-exitcode"); p.Code() != 0 {
		s.Errorf("%s of %s after recovery ended with %d\n%s", p, s.name, p.Code(), p.Text())
	}
}
