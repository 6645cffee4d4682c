package torture_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"provision/test/internal/harness"
)

const (
	// elsewhere is a namespace in which others have granted something.
	elsewhere = "elsewhere"
	// revocationsOfKills is which part of the kills is for TestKill9OfRevocation.
	revocationsOfKills = 2
	leaver, robbed     = "bob", "jane"
)

// What a witness does, with what the set grants and with what others grant.
const (
	readOurs, writeOurs     = "read " + namespace, "write " + namespace
	readTheirs, writeTheirs = "read " + elsewhere, "write " + elsewhere
)

// job is one command that is killed, and how it goes on.
type job struct {
	name string
	args []string
	most int // writes that a run of it was seen to send
	deck []instant
	hits map[string]int // kills, by the write at which they came
}

// instant is when a run is killed: at its n-th write, before or after the API server has carried that out, or a while after it began.
type instant struct {
	write int // from 1; 0: by time
	done  bool
	share float64 // of how long a run takes
}

// TestKill9OfRevocation kills revoke, which blocks and puts the members of a group in its place, revoke --certificate, unblock, an
// apply that raises a generation, and applies that bind a group instead of its members and back: at every one of their writes,
// before and after the API server has carried it out, and at random. Meanwhile everybody uses their certificates. Nobody but the
// leaver and the certificate that was stolen is refused what they had, neither is let through again, and the same command, run
// again, ends with nothing left to do.
func TestKill9OfRevocation(t *testing.T) {
	kills := int(fromEnvironment(t, killsVariable, defaultKills)) / revocationsOfKills
	r := newRevocations(t)
	r.left = kills
	begun := time.Now()
	rounds := 0
	for ; r.left > 0 && !t.Failed(); rounds++ {
		r.round()
	}
	t.Logf("%d kills in %d rounds, %d runs ended before their kill, %d versions of bindings and blocks, %v\n%s",
		kills-r.left, rounds, r.missed, r.book.read(), time.Since(begun).Round(time.Second), r.table())
}

// revocations is one set, its people and its users file.
type revocations struct {
	*tortured
	name    string
	program harness.Program
	gate    *gate
	book    *chronicle
	jobs    []*job
	people  map[string]*witness

	file struct {
		leaver     string // the leaver's line; "": they left
		generation int
		bindTo     string
	}
}

func newRevocations(t *testing.T) *revocations {
	w := newTortured(t)
	r := &revocations{tortured: w, name: "revocation", gate: newGate(w), people: map[string]*witness{}}
	r.program = harness.Program{Kubeconfig: w.plane.Kubeconfig(), Dir: t.TempDir()}
	r.jobs = []*job{
		{name: "revoke", args: []string{"revoke", r.of(leaver), "--yes"}},
		{name: "unblock", args: []string{"unblock", r.of(leaver), "--yes"}},
		{name: "revoke --certificate", args: []string{"revoke", "--certificate", "stolen.kubeconfig", "--yes"}},
		{name: "apply: a generation is raised", args: []string{"apply", "--yes"}},
		{name: "apply: a group is bound", args: []string{"apply", "--yes"}},
		{name: "apply: a group binds its members", args: []string{"apply", "--yes"}},
	}
	for _, j := range r.jobs {
		j.hits = map[string]int{}
	}
	if _, err := w.client.CoreV1().Namespaces().Create(w.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: elsewhere}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	user := func(name string) rbacv1.Subject {
		return rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: name}
	}
	group := rbacv1.Subject{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: r.of("team")}
	theirs := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "theirs", Namespace: elsewhere},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{user(r.of("ann")), user(r.of("gus")), user(r.of(leaver)), user(r.of(robbed)), user("zoe")},
	}
	if _, err := w.client.RbacV1().RoleBindings(elsewhere).Create(w.ctx, theirs, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.file.leaver, r.file.generation, r.file.bindTo = r.leaverLine(""), 1, "Group"
	r.write()
	r.must("apply", "--yes")
	r.book = w.newChronicle(r.name, []claim{
		{"ann", "edit", []rbacv1.Subject{user(r.of("ann"))}},
		{"ann", "view", []rbacv1.Subject{user(r.of("ann")), group}},
		{"gus", "view", []rbacv1.Subject{user(r.of("gus")), group}},
	})
	r.watch("ann", r.kubeconfig("ann"), readOurs, writeOurs, writeTheirs)
	r.watch("gus", r.kubeconfig("gus"), readOurs, writeTheirs)
	zoe, err := w.plane.ClientKubeconfig("zoe")
	if err != nil {
		t.Fatal(err)
	}
	r.watch("zoe", zoe, readTheirs, writeTheirs)
	r.watch("the administrator", w.plane.Kubeconfig(), readOurs, writeTheirs)
	for _, p := range r.people {
		p.settled(true, readOurs, writeOurs, readTheirs, writeTheirs)
	}
	t.Cleanup(func() {
		for _, p := range r.people {
			p.close()
		}
	})
	return r
}

// of is the full name of somebody.
func (r *revocations) of(name string) string { return r.name + "-" + name }

func (r *revocations) kubeconfig(name string) string {
	d, err := harness.ReadDirectory(r.program.Output())
	if err != nil {
		r.Fatal(err)
	}
	return d.Kubeconfigs[r.of(name)].Path
}

func (r *revocations) leaverLine(more string) string {
	return fmt.Sprintf("  - {name: %s, groups: [%q], roles: [{clusterRole: edit, namespaces: [%s]}]%s}\n", r.of(leaver), r.of("team"), namespace, more)
}

// write writes the users file as it is to be now. It names the server, as a run goes through the gate and its users do not.
func (r *revocations) write() {
	ca, err := r.plane.CA()
	if err != nil {
		r.Fatal(err)
	}
	text := fmt.Sprintf(`apiVersion: provision/v1alpha1
kind: Users
name: %[1]s
cluster: {name: torture, server: "%[2]s", certificateAuthorityData: %[3]s}
defaults: {duration: 1h, namespace: %[4]s}
groups:
  - {name: "%[5]s", bindTo: %[6]s, roles: [{clusterRole: view, namespaces: [%[4]s]}]}
users:
  - {name: "%[1]s-ann", groups: ["%[5]s"], roles: [{clusterRole: edit, namespaces: [%[4]s]}]}
  - {name: "%[1]s-gus", groups: ["%[5]s"]}
  - {name: "%[7]s", generation: %[8]d, roles: [{clusterRole: edit, namespaces: [%[4]s]}]}
`, r.name, r.plane.Server(), base64.StdEncoding.EncodeToString(ca), namespace, r.of("team"), r.file.bindTo, r.of(robbed), r.file.generation)
	if err := os.WriteFile(filepath.Join(r.program.Dir, "users.yaml"), []byte(text+r.file.leaver), 0o600); err != nil {
		r.Fatal(err)
	}
}

// must runs the program, which must end well.
func (r *revocations) must(args ...string) {
	r.Helper()
	if p := r.program.Run(r.T, args...); p.Code() != 0 {
		r.Fatalf("%s ended with %d\n%s", p, p.Code(), p.Text())
	}
}

// watch has somebody use a kubeconfig from now on.
func (r *revocations) watch(name, kubeconfig string, uses ...string) *witness {
	p, err := newWitness(r.ctx, func(format string, args ...any) { r.Errorf(format, args...) }, name, kubeconfig, uses...)
	if err != nil {
		r.Fatal(err)
	}
	r.people[name] = p
	return p
}

// gone ends what somebody does.
func (r *revocations) gone(p *witness) {
	p.close()
	delete(r.people, p.name)
}

// round is what may happen to a set in a year, once: each step is killed.
func (r *revocations) round() {
	// The robbed have a second kubeconfig of the same generation.
	r.copy(r.kubeconfig(robbed), "stolen.kubeconfig")
	r.must("apply", "--yes", "--reissue", r.of(robbed))
	r.copy(r.kubeconfig(robbed), "other.kubeconfig")
	r.copy(r.kubeconfig(leaver), "leaver.kubeconfig")
	out := r.watch("the leaver", r.path("leaver.kubeconfig"), readOurs, writeOurs, readTheirs, writeTheirs)
	thief := r.watch("the thief", r.path("stolen.kubeconfig"), readOurs, writeOurs, readTheirs, writeTheirs)
	owner := r.watch("the owner's other kubeconfig", r.path("other.kubeconfig"), readOurs, writeOurs, readTheirs, writeTheirs)
	for _, p := range []*witness{out, thief, owner} {
		p.settled(true, readOurs, writeOurs, readTheirs, writeTheirs)
	}
	r.book.mayBlock(r.fingerprint("leaver.kubeconfig"))
	r.book.mayBlock(r.fingerprint("stolen.kubeconfig"))

	out.let(mayEnd, readOurs, writeOurs, writeTheirs)
	r.storm(r.jobs[0], func() {
		out.settled(false, readOurs, writeOurs, writeTheirs)
		r.file.leaver, r.file.bindTo = "", "Members" // revoke has done that already
		r.write()
		r.must("apply", "--yes")
	})
	out.let(mayCome, writeTheirs)
	r.storm(r.jobs[1], func() {
		out.settled(true, writeTheirs)
	})
	thief.let(mayEnd, readOurs, writeOurs, writeTheirs)
	owner.let(mayEnd, readOurs, writeOurs) // until they have the next generation
	r.storm(r.jobs[2], func() {
		thief.settled(false, readOurs, writeOurs, writeTheirs)
		owner.settled(false, readOurs, writeOurs)
		r.file.generation++ // nothing is left to do but this
		r.write()
	})
	r.storm(r.jobs[3], func() { r.isBack(robbed) })
	for _, p := range []*witness{out, thief, owner} {
		r.gone(p)
	}
	r.file.bindTo = "Group, shared: true" // for the leaver's certificate, too
	r.write()
	r.storm(r.jobs[4], nil)
	r.file.bindTo = "Members"
	r.write()
	r.storm(r.jobs[5], nil)
	if r.Failed() {
		return
	}
	// The last block goes, and the leaver comes back: the next round begins with the first block.
	r.must("unblock", r.of(robbed), "--yes")
	r.file.leaver, r.file.bindTo = r.leaverLine(", reuse: true"), "Group"
	r.write()
	r.must("apply", "--yes")
	r.isBack(leaver)
	r.nothingLeft()
}

// isBack checks that the kubeconfig that somebody has now gives them what the file says.
func (r *revocations) isBack(name string) {
	p := r.watch(name+" with a new certificate", r.kubeconfig(name), readOurs, writeOurs, writeTheirs)
	p.let(mayCome, readOurs, writeOurs)
	p.settled(true, readOurs, writeOurs, writeTheirs)
	r.gone(p)
}

func (r *revocations) path(name string) string { return filepath.Join(r.program.Dir, name) }

func (r *revocations) copy(from, to string) {
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(r.path(to), data, 0o600)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// fingerprint is that of the certificate in a kubeconfig.
func (r *revocations) fingerprint(name string) string {
	config, err := clientcmd.LoadFromFile(r.path(name))
	if err != nil {
		r.Fatal(err)
	}
	block, _ := pem.Decode(config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo].ClientCertificateData)
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}

// storm kills a command, up to three times, runs it again to its end, checks with what is after it, and that nothing is
// left to do then, by the users file as it is by then.
func (r *revocations) storm(j *job, after func()) {
	if r.Failed() {
		return
	}
	for kills := 1 + r.random.IntN(3); kills > 0 && r.left > 0; kills-- {
		if !r.kill(j) {
			break // it had ended
		}
	}
	p := r.runThrough(j)
	if code := p.Wait(); code != 0 {
		r.Fatalf("%s ended with %d\n%s", p, code, p.Text())
	}
	j.most = max(j.most, len(r.gate.passed()))
	if after != nil {
		after()
	}
	if j.name != "revoke --certificate" { // there the next apply raises the generation
		r.nothingLeft()
	}
	r.recoveries++
}

// runThrough starts a command that goes through the gate unhindered.
func (r *revocations) runThrough(j *job) *harness.Process {
	r.gate.set(0, false, nil)
	program := r.program
	program.Kubeconfig = r.gate.kubeconfig
	return program.Start(r.T, j.args...)
}

// nothingLeft checks that the plan is empty, and that everybody has a kubeconfig that is whole.
func (r *revocations) nothingLeft() {
	r.Helper()
	if p := r.program.Run(r.T, "plan", "--detailed-exitcode"); p.Code() != 0 {
		r.Errorf("%s ended with %d\n%s", p, p.Code(), p.Text())
	}
	r.checkFiles()
}

// checkFiles checks that everybody but the leaver has a kubeconfig, and that all are whole.
func (r *revocations) checkFiles() {
	r.Helper()
	d, err := harness.ReadDirectory(r.program.Output())
	if err != nil {
		r.Fatal(err)
	}
	for _, name := range []string{"ann", "gus", robbed} {
		if _, ok := d.Kubeconfigs[r.of(name)]; !ok {
			r.Errorf("%s has no kubeconfig any more", name)
		}
	}
}

// kill starts a command and kills it at the next instant. It returns false when the command ended before.
func (r *revocations) kill(j *job) bool {
	if len(j.deck) == 0 {
		j.deal(r)
	}
	at := j.deck[0]
	j.deck = j.deck[1:]
	var p *harness.Process
	started := make(chan struct{})
	closed := r.gate.set(at.write, at.done, func() {
		<-started
		p.Kill()
	})
	program := r.program
	program.Kubeconfig = r.gate.kubeconfig
	p = program.Start(r.T, j.args...)
	close(started)
	late := make(<-chan time.Time)
	if at.write == 0 {
		late = time.After(time.Duration(at.share * float64(usualRun)))
	}
	select {
	case <-closed:
	case <-late:
		p.Kill()
	case <-p.Exited():
	case <-time.After(time.Minute):
		r.Fatalf("%s hangs\n%s", p, p.Text())
	}
	<-p.Exited()
	passed := r.gate.passed()
	switch {
	case p.Code() == -1:
	case p.Code() == 0:
		r.missed++
		j.most = max(j.most, len(passed))
		return false
	default:
		r.Fatalf("%s ended with %d\n%s", p, p.Code(), p.Text())
	}
	r.left--
	where := "before any write"
	switch {
	case at.write > 0 && at.done:
		where = "after " + passed[at.write-1]
	case at.write > 0:
		where = "before " + passed[at.write-1]
	case len(passed) > 0:
		where = "at random, after " + passed[len(passed)-1]
	}
	j.hits[where]++
	if testing.Verbose() {
		r.Logf("%s: killed %s (%d writes)", j.name, where, len(passed))
	}
	r.checkFiles()
	return true
}

// usualRun is how long a run takes, more or less.
const usualRun = 400 * time.Millisecond

// deal shuffles all instants of a command: each of its writes before and after, and some at random.
func (j *job) deal(r *revocations) {
	if j.most == 0 {
		j.most = 8 // nobody knows yet: what is too late is missed
	}
	for n := range j.most {
		j.deck = append(j.deck, instant{write: n + 1}, instant{write: n + 1, done: true})
	}
	for range 1 + j.most/4 {
		j.deck = append(j.deck, instant{share: r.random.Float64()})
	}
	r.random.Shuffle(len(j.deck), func(a, b int) { j.deck[a], j.deck[b] = j.deck[b], j.deck[a] })
}

func (r *revocations) table() string {
	var b strings.Builder
	out := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "COMMAND\tKILLED\tKILLS")
	for _, j := range r.jobs {
		for _, where := range slices.Sorted(maps.Keys(j.hits)) {
			fmt.Fprintf(out, "%s\t%s\t%d\n", j.name, where, j.hits[where])
		}
	}
	out.Flush()
	return b.String()
}
