package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"

	"provision/test/controlplane"
)

// patience is how long a script waits for what must come.
const patience = 30 * time.Second

// commands are what scripts can say besides testscript's own words.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"exit":       exit,
	"mode":       mode,
	"eventually": eventually,
	"await":      await,
	"begin":      begin,
	"signal":     sendSignal,
	"ended":      ended,
	"json":       document(strictJSON),
	"yaml":       document(strictYAML),
	"users":      users,
	"whoami":     whoami,
	"operator":   operator,
	"request":    request,
	"identity":   identityOf,
	"secrets":    secrets,
	"control":    control,
	"forge":      forge,
	"requests":   requests,
	"rights":     rights,
	"constant":   constant,
	"sign":       sign,
	"signer":     signer,

	"age":            age,
	"browse":         browse,
	"broken-network": brokenNetwork,
	"forward-proxy":  forwardProxy,
	"server-clock":   serverClock,
	"front":          front,
	"listen":         listen,
	"peer":           peer,
	"webhook":        webhook,
	"hold":           hold,
	"release":        release,
	"keep-editing":   keepEditing,
	"stop-at":        stopAt,
	"small-disk":     smallDisk,
}

// condition are the questions that scripts can ask besides testscript's own.
func condition(name string) (bool, error) {
	if name == "mount" {
		return canMount(), nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// kubectl runs kubectl as the administrator of c, outside of any script.
func kubectl(c *controlplane.ControlPlane, stdin string, args ...string) error {
	command := exec.Command(filepath.Join(c.BinDir(), "kubectl"), args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig())
	command.Stdin = strings.NewReader(stdin)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

func usage(ts *testscript.TestScript, neg bool, ok bool, text string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", text)
	}
}

// exit runs a program, which must end with exactly this code.
func exit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "exit CODE PROGRAM [ARG...]")
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if want := args[0]; strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

// mode checks permission bits.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "mode PERMISSIONS FILE...")
	for _, file := range args[1:] {
		info, err := os.Lstat(ts.MkAbs(file))
		ts.Check(err)
		if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", file, got, args[0])
		}
	}
}

// eventually runs a program until it succeeds, or with ! until it fails. Only
// the last try is told.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, false, len(args) > 0, "[!] eventually PROGRAM [ARG...]")
	make := program(ts)
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		var stdout, stderr bytes.Buffer
		command := make(args)
		command.Stdout, command.Stderr = &stdout, &stderr
		err := command.Run()
		if met := (err != nil) == neg; met || time.Now().After(deadline) {
			stdout.WriteTo(ts.Stdout())
			stderr.WriteTo(ts.Stderr())
			if !met {
				ts.Fatalf("not within %v: %v\n%s%s", patience, err, &stdout, &stderr)
			}
			return
		}
	}
}

// await waits until a file holds a pattern.
func await(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "await FILE PATTERN")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	var data []byte
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		data, _ = os.ReadFile(ts.MkAbs(args[0])) // it may still have to come
		if pattern.Match(data) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s has no %q within %v:\n%s", args[0], args[1], patience, data)
		}
	}
}

// users writes a users file of a number of users, SET-user-0000 and so on, all in
// one group.
func users(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "users NUMBER SET FILE")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: provision/v1alpha1\nkind: Users\nname: %s\ndefaults: {duration: 1h, namespace: %s}\n", args[1], ts.Getenv("NS"))
	fmt.Fprintf(&b, "users:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - name: %s-user-%04d\n    groups: [%s:all, %s:team-%d]\n    roles: [{clusterRole: view, namespaces: [%s]}]\n",
			args[1], i, args[1], args[1], i%7, ts.Getenv("NS"))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(b.String()), 0o644))
}

// whoami asks the API server with every kubeconfig in a folder who it is, and
// compares with the users file: a group that the file defines stands in the
// certificate only if it is itself bound, or if the file says so.
func whoami(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "whoami USERS-FILE FOLDER")
	var file struct {
		Groups []struct {
			Name, BindTo  string
			InCertificate bool
		}
		Users []struct {
			Name   string
			Groups []string
		}
	}
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[0])), &file))
	out := map[string]bool{}
	for _, g := range file.Groups {
		out[g.Name] = g.BindTo != "Group" && !g.InCertificate
	}
	want := []string{}
	for _, u := range file.Users {
		groups := slices.DeleteFunc(u.Groups, func(g string) bool { return out[g] })
		want = append(want, identity(u.Name, append(groups, "system:authenticated")))
	}
	kubeconfigs, err := filepath.Glob(filepath.Join(ts.MkAbs(args[1]), "*.kubeconfig"))
	ts.Check(err)
	got := make([]string, len(kubeconfigs))
	var g errgroup.Group
	g.SetLimit(4)
	kubectl, cache := plane(ts).BinDir()+"/kubectl", ts.Getenv("KUBECACHEDIR")
	for i, path := range kubeconfigs {
		g.Go(func() error {
			command := exec.Command(kubectl, "--kubeconfig", path, "auth", "whoami", "-o", "json")
			command.Env = append(os.Environ(), "KUBECACHEDIR="+cache)
			out, err := command.Output()
			if err != nil {
				return fmt.Errorf("%s: kubectl auth whoami: %w", path, err)
			}
			var review struct {
				Status struct {
					UserInfo struct {
						Username string
						Groups   []string
					}
				}
			}
			if err := json.Unmarshal(out, &review); err != nil {
				return err
			}
			got[i] = identity(review.Status.UserInfo.Username, review.Status.UserInfo.Groups)
			return nil
		})
	}
	ts.Check(g.Wait())
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		ts.Fatalf("the API server says\n%s\nthe file says\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func identity(user string, groups []string) string {
	slices.Sort(groups)
	return fmt.Sprintf("%s %q", user, groups)
}

// operator makes a kubeconfig NAME.kubeconfig for the user $SET-NAME, who has
// no rights but those of the manifest, which is applied.
func operator(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1 || len(args) == 2, "operator NAME [MANIFEST]")
	path, err := plane(ts).ClientKubeconfig(ts.Getenv("SET") + "-" + args[0])
	ts.Check(err)
	data, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".kubeconfig"), data, 0o600))
	if len(args) == 2 {
		ts.Check(ts.Exec("kubectl", "apply", "-f", args[1]))
	}
}

// control stops and starts servers and changes the CA of a solo script.
func control(ts *testscript.TestScript, neg bool, args []string) {
	text := "control stop|kill|start SERVER; control flags SERVER [FLAG...]; control rotate [trust-old|LIFE]"
	usage(ts, neg, len(args) > 0, text)
	c := plane(ts)
	if c == shared {
		ts.Fatalf("control is for the scripts in testdata/solo")
	}
	ctx, done := contextFor(ts)
	defer done()
	switch what, rest := args[0], args[1:]; {
	case what == "stop" && len(rest) == 1:
		ts.Check(c.StopServer(rest[0]))
	case what == "kill" && len(rest) == 1:
		ts.Check(c.KillServer(rest[0]))
	case what == "start" && len(rest) == 1:
		ts.Check(c.StartServer(ctx, rest[0]))
	case what == "flags" && len(rest) > 0:
		c.SetFlags(rest[0], rest[1:]...)
	case what == "rotate" && len(rest) == 0:
		ts.Check(c.RotateCA(ctx, false))
	case what == "rotate" && len(rest) == 1 && rest[0] != "trust-old":
		life, err := time.ParseDuration(rest[0])
		ts.Check(err)
		ts.Check(c.RotateCAFor(ctx, life))
	case what == "rotate" && slices.Equal(rest, []string{"trust-old"}):
		ts.Check(c.RotateCA(ctx, true))
	default:
		ts.Fatalf("usage: %s", text)
	}
}

func plane(ts *testscript.TestScript) *controlplane.ControlPlane {
	return ts.Value(planeKey{}).(*controlplane.ControlPlane)
}
