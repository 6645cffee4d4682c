package torture_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"provision/test/internal/harness"
)

// notHere is what a set has of people none of whose private keys may be at the operator's.
type notHere struct {
	tools     harness.Tools
	people    []*harness.Person
	temporary string // the folder of temporary files of each run
	files     int    // looked at
}

// sealedOrOwn are the kinds of people: two whose key is sealed to them beside one who makes it.
func sealedOrOwn(i int) string {
	if i%3 == 2 {
		return harness.Own[i/3%len(harness.Own)]
	}
	return harness.Sealed[(i-i/3)%len(harness.Sealed)]
}

// TestKill9KeysNotHere kills applies of people whose keys are sealed to them or their own. Below the output directory and that of
// temporary files there is no private key at any instant, and every recovery ends well: each can log in with what they keep.
func TestKill9KeysNotHere(t *testing.T) {
	const share = 0.3 // of the kills of TestKill9: 60 of 200
	kills := int(share * float64(fromEnvironment(t, killsVariable, defaultKills)))
	tools, err := harness.FindTools("../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := newTortured(t)
	w.left = kills
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	begun, files := time.Now(), 0
	for number := 1; w.left > 0 && !t.Failed(); number++ {
		s := w.beginNotHere(fmt.Sprintf("not-here-%d", number), tools, temporary)
		s.storm("first apply", []string{"apply", "--yes"}, map[string][]string{"its recovery": {"apply", "--yes"}})
		if w.left > 0 && !t.Failed() {
			again := s.renew()
			s.storm("renewal of all", again, map[string][]string{"its recovery by a renewal": again, "its recovery by a plain apply": {"apply", "--yes"}})
		}
		if number == 1 && !t.Failed() {
			s.checkNoCore()
		}
		files += s.notHere.files
	}
	t.Logf("%d kills, %d recoveries, %d runs ended before their trigger, %d logins, %d planted requests, no private key in %d files, %v\n%s", kills-w.left,
		w.recoveries, w.missed, w.logins, w.planted, files, time.Since(begun).Round(time.Second), w.table())
}

// beginNotHere makes a new set of such people, which is the last from here on.
func (w *tortured) beginNotHere(name string, tools harness.Tools, temporary string) *set {
	w.begin(name)
	s := w.last
	s.notHere = &notHere{tools: tools, temporary: temporary}
	requests := filepath.Join(s.program.Dir, "requests")
	err := os.Mkdir(requests, 0o700)
	if err == nil {
		s.notHere.people, err = harness.People(tools, name, w.TempDir(), requests, usersOfSet, sealedOrOwn)
	}
	if err != nil {
		w.Fatal(err)
	}
	clear(s.users)
	text := fmt.Sprintf("apiVersion: provision/v1alpha1\nkind: Users\nname: %s\ndefaults: {duration: 1h, namespace: %s}\nusers:\n", name, namespace)
	for _, p := range s.notHere.people {
		s.users[p.Name] = nil
		text += p.Line(fmt.Sprintf(", roles: [{clusterRole: edit, namespaces: [%s]}]", namespace))
	}
	if err := os.WriteFile(filepath.Join(s.program.Dir, "users.yaml"), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	return s
}

// renew has all who make their own key send new requests. It returns the command that renews everybody.
func (s *set) renew() []string {
	args := []string{"apply", "--yes"}
	for _, p := range s.notHere.people {
		if !p.IsOwn() {
			args = append(args, "--reissue", p.Name)
			continue
		}
		if err := p.Request(s.notHere.tools, filepath.Join(s.program.Dir, "requests")); err != nil {
			s.Fatal(err)
		}
	}
	return args
}

// isOwn reports whether a user makes their own key.
func (s *set) isOwn(user string) bool {
	if s.notHere == nil {
		return false
	}
	for _, p := range s.notHere.people {
		if p.Name == user {
			return p.IsOwn()
		}
	}
	return false
}

// atHome has everybody take their kubeconfig home, and returns the directory as if it were that. Their keys are nowhere at the
// operator's.
func (s *set) atHome(d harness.Directory) harness.Directory {
	s.Helper()
	if s.notHere == nil {
		return d
	}
	home, secrets := harness.Directory{Kubeconfigs: map[string]harness.Kubeconfig{}}, harness.Secrets{}
	for _, p := range s.notHere.people {
		k, ok := d.Kubeconfigs[p.Name]
		if !ok {
			continue
		}
		path, key, err := p.Take(s.notHere.tools.Age, k.Path)
		if err == nil {
			err = secrets.Add(key, p.Name)
		}
		if err != nil {
			s.Error(err)
			continue
		}
		k.Path = path
		home.Kubeconfigs[p.Name] = k
	}
	s.eachFile(func(path string, data []byte) {
		if found := secrets.In(data); len(found) > 0 {
			s.Errorf("%s has secrets: %s", path, strings.Join(found, ", "))
		}
	})
	return home
}

// checkNoKeys checks that there is no private key in any file, finished or not.
func (s *set) checkNoKeys() {
	s.Helper()
	if s.notHere == nil {
		return
	}
	s.eachFile(func(path string, data []byte) {
		s.notHere.files++
		if harness.HoldsPrivateKey(data) {
			s.Errorf("%s holds a private key", path)
		}
		if strings.HasPrefix(filepath.Base(path), "core") {
			s.Errorf("%s: a core file", path)
		}
	})
}

// eachFile calls do with every file of the operator's and every temporary file.
func (s *set) eachFile(do func(path string, data []byte)) {
	for _, dir := range []string{s.program.Dir, s.notHere.temporary} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if err == nil {
				do(path, data)
			}
			return err
		})
		if err != nil {
			s.Fatal(err)
		}
	}
}

// checkNoCore ends a run that has private keys in memory by a signal for which the system writes a core file, where any other
// program leaves one. The next apply ends well.
func (s *set) checkNoCore() {
	s.Helper()
	begun, _ := s.watch.look()
	dying := "ulimit -c unlimited; "
	control := exec.Command("sh", "-c", dying+"kill -ABRT $$")
	control.Dir = s.TempDir()
	control.Run() // it dies
	if cores, _ := filepath.Glob(filepath.Join(control.Dir, "core*")); len(cores) == 0 {
		s.Log("this system leaves no core files where a program runs: not tried")
		return
	}
	s.Setenv("GOTRACEBACK", "crash")
	args := append([]string{"-c", dying + `exec "$0" "$@"`, s.notHere.tools.Provision}, s.renew()...)
	p := s.program.StartWith(s.T, "sh", args...)
	for {
		now, event := s.watch.look()
		if now.Keys > begun.Keys {
			break
		}
		select {
		case <-event:
			continue
		case <-p.Exited():
		}
		s.Fatalf("no key came into the journal\n%s", p.Text())
	}
	if err := p.Signal(syscall.SIGABRT); err != nil {
		s.Fatal(err)
	}
	<-p.Exited()
	if p.Code() == 0 {
		s.Fatal("the run did not end by the signal")
	}
	if harness.HoldsPrivateKey([]byte(p.Text())) {
		s.Error("a private key is in what was printed")
	}
	s.checkNoKeys()
	if p := s.program.Run(s.T, "apply", "--yes"); p.Code() != 0 {
		s.Errorf("%s after an abort ended with %d\n%s", p, p.Code(), p.Text())
	}
	s.checkRecovered()
}

// TestHoldsPrivateKey shows that a key would be found, in each form.
func TestHoldsPrivateKey(t *testing.T) {
	tools, err := harness.FindTools("../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i, kind := range harness.Own {
		p, err := tools.NewPerson(fmt.Sprintf("own-%d", i), kind, filepath.Join(t.TempDir(), "home"), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(p.KeyFile())
		if err != nil {
			t.Fatal(err)
		}
		for form, text := range forms(t, key) {
			if !harness.HoldsPrivateKey([]byte("before " + text + "\nbehind")) {
				t.Errorf("%s: not found %s", kind, form)
			}
		}
	}
	if harness.HoldsPrivateKey([]byte("a certificate and -----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBKdGxPVkFZSFQ3cFcxNnJD")) {
		t.Error("found where there is none")
	}
}

// forms are the forms in which a private key could be written.
func forms(t *testing.T, key []byte) map[string]string {
	block, _ := pem.Decode(key)
	if block == nil {
		t.Fatal("no key in PEM form")
	}
	quoted, err := json.Marshal(string(key))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"as it is": string(key), "in JSON": string(quoted), "in base64": base64.StdEncoding.EncodeToString(key),
		"without a head": base64.StdEncoding.EncodeToString(block.Bytes), "without a head, in lines": strings.Join(strings.Split(string(key), "\n")[1:], "\n    "),
	}
}
