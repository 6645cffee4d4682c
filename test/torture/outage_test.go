package torture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"provision/test/controlplane"
	"provision/test/internal/harness"
)

const (
	// outagesVariable is the environment variable with the number of outages:
	// they are long, so there are none unless it is set.
	outagesVariable = "PROVISION_TORTURE_OUTAGES"
	longestOutage   = 10 * time.Second
)

// TestOutages kills one of the servers, or all, at random instants of a first apply or a renewal, for up to 10 s. The
// run waits and ends well, as if nothing had been. In every third round the run itself is killed too while the server
// is away, and the next apply has to mend both.
func TestOutages(t *testing.T) {
	outages := int(fromEnvironment(t, outagesVariable, 0))
	if outages == 0 {
		t.Skipf("set %s to a number, or run `make torture`", outagesVariable)
	}
	w := newTortured(t)
	begun := time.Now()
	servers := [][]string{
		{controlplane.APIServer}, {controlplane.Etcd}, {controlplane.ControllerManager},
		{controlplane.Etcd, controlplane.APIServer, controlplane.ControllerManager},
	}
	var b strings.Builder
	out := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "SERVERS KILLED\tFOR\tIN\tRUN\tTOOK")
	for number := 0; number < outages && !t.Failed(); number++ {
		if number%2 == 0 { // a first apply, then a renewal
			w.begin(fmt.Sprintf("outage-%d", number))
		}
		args := []string{"apply", "--yes"}
		if number%2 == 1 {
			args = append(args, "--reissue-all")
		}
		fmt.Fprintln(out, w.last.outage(servers[w.random.IntN(len(servers))], number%3 == 2, args))
	}
	out.Flush()
	t.Logf("%d outages in %v\n%s", outages, time.Since(begun).Round(time.Second), b.String())
}

// outage runs a command and kills servers in the middle of it. It returns what happened, as a line of the table.
func (s *set) outage(servers []string, both bool, args []string) string {
	var at trigger
	for at.many = false; !at.many; { // those that are sure to come while there is work left
		at = triggers[s.random.IntN(len(triggers))]
	}
	s.watch.close() // after an outage it would wait long before it tries the API server again
	s.watch = newObserver(s.T, s.client, s.name)
	s.watchDirectory()
	begun, _ := s.watch.look()
	count := 1 + s.random.IntN(usersOfSet)
	p := s.program.Start(s.T, args...)
	for {
		now, event := s.watch.look()
		if at.of(now)-at.of(begun) >= count {
			break
		}
		select {
		case <-event:
		case <-p.Exited():
			if p.Code() != 0 {
				s.Fatalf("%s of %s ended with %d before %d %s: %+v\n%s", p, s.name, p.Code(), count, at.name, now, p.Text())
			}
			return "none: the run was quicker"
		case <-time.After(time.Minute):
			s.Fatalf("%s of %s hangs before %d %s: %+v\n%s", p, s.name, count, at.name, now, p.Text())
		}
	}
	for _, name := range slices.Backward(servers) {
		if err := s.plane.KillServer(name); err != nil {
			s.Fatal(err)
		}
	}
	left, err := harness.ReadDirectory(s.program.Output())
	if err != nil {
		s.Fatal(err)
	}
	now, _ := s.watch.look()
	hit := phase(now.since(begun), left)
	away := time.Duration(s.random.Int64N(int64(longestOutage)))
	back := time.After(away) // the outage itself
	if both {
		select {
		case <-p.Exited():
		case <-time.After(away / 2):
		}
		p.Kill()
	}
	<-back
	for _, name := range servers {
		if err := s.plane.StartServer(s.ctx, name); err != nil {
			s.Fatal(err)
		}
	}
	defer s.superviseSigner()()
	line := ""
	if both {
		line = fmt.Sprintf(", killed too (%d)", p.Code())
		p = s.program.Start(s.T, "apply", "--yes")
	}
	code := p.Wait()
	if code != 0 || strings.Contains(p.Stderr(), "failed") || strings.Contains(p.Stderr(), "error") {
		s.Errorf("%s of %s: %v away for %v in: %s, and it ended with %d\n%s", p, s.name, servers, away, hit, code, p.Text())
	}
	s.checkRecovered()
	return fmt.Sprintf("%s\t%.1f s\t%s\t%s%s\t%.1f s", strings.Join(servers, ", "), away.Seconds(), hit, strings.Join(args, " "), line, p.Took().Seconds())
}

// TestLongOutage has the API server away for longer than a lock lasts: the run gives up, says so, and the next one goes
// on with the same requests.
func TestLongOutage(t *testing.T) {
	if fromEnvironment(t, outagesVariable, 0) == 0 {
		t.Skipf("set %s to a number, or run `make torture`", outagesVariable)
	}
	w := newTortured(t)
	w.begin("long-outage")
	s := w.last
	s.watchDirectory()
	p := s.program.Start(t, "apply", "--yes")
	for {
		now, event := s.watch.look()
		if now.Approved >= usersOfSet/4 {
			break
		}
		select {
		case <-event:
		case <-p.Exited():
			t.Fatalf("%s ended with %d\n%s", p, p.Code(), p.Text())
		}
	}
	if err := s.plane.KillServer(controlplane.APIServer); err != nil {
		t.Fatal(err)
	}
	if code := p.Wait(); code != 1 || !lockLost.MatchString(p.Stderr()) || !goOn.MatchString(p.Stdout()) {
		t.Errorf("with the API server away %s ended with %d\n%s", p, code, p.Text())
	}
	t.Logf("ended after %v\n%s", p.Took(), p.Stderr())
	if err := s.plane.StartServer(s.ctx, controlplane.APIServer); err != nil {
		t.Fatal(err)
	}
	before, err := harness.Requests(s.ctx, s.client, s.name)
	if err != nil {
		t.Fatal(err)
	}
	defer s.superviseSigner()()
	if p := s.program.Run(t, "apply", "--yes"); p.Code() != 0 {
		t.Errorf("afterwards %s ended with %d\n%s", p, p.Code(), p.Text())
	}
	s.checkRecovered()
	after, err := harness.Requests(s.ctx, s.client, s.name)
	if err != nil {
		t.Fatal(err)
	}
	for name := range before {
		if after[name].CertificateSigningRequest == nil {
			t.Errorf("%s was not resumed", name)
		}
	}
	if len(after) != usersOfSet {
		t.Errorf("%d requests for %d users", len(after), usersOfSet)
	}
}

var (
	lockLost = regexp.MustCompile(`(?m)^error: stopped early: the lock of this set was lost: the API server could not be reached in time, or somebody took it$`)
	goOn     = regexp.MustCompile("(?m)^stopped: [0-9]+ requests? waiting for the signer, [0-9]+ not started: run `provision apply` again to go on$")
)

// superviseSigner starts kube-controller-manager again when it has ended, as kubelet does: it ends by itself when it
// cannot reach its lease for some time. It returns what ends that.
func (s *set) superviseSigner() (stop func()) {
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stopped:
				return
			case <-time.After(500 * time.Millisecond):
			}
			if !s.plane.Running(controlplane.ControllerManager) {
				if err := s.plane.StartServer(s.ctx, controlplane.ControllerManager); err != nil {
					s.Error(err)
					return
				}
			}
		}
	}()
	return func() {
		close(stopped)
		<-done
	}
}

// begin makes a new set, which is the last from here on.
func (w *tortured) begin(name string) {
	w.last = &set{
		tortured: w, name: name, users: map[string][]string{}, used: map[string]harness.Kubeconfig{}, bait: map[string]types.UID{},
	}
	w.last.program = harness.Program{Kubeconfig: w.plane.Kubeconfig(), Dir: filepath.Join(w.TempDir(), name)}
	if err := os.MkdirAll(w.last.program.Dir, 0o700); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.last.program.Dir, "users.yaml"), []byte(w.last.file()), 0o600); err != nil {
		w.Fatal(err)
	}
	w.watch.follow(name)
}
