// Package e2e tells stories about the real provision binary and kubectl
// against a real control plane. Each story is a script below testdata:
//
//   - script: they run beside each other on one control plane, each with a set
//     and namespaces of its own;
//   - solo: they stop servers and change the CA, so they have a control plane
//     for themselves and run one after another.
//
// What a script finds in its environment: SET, the name of its set; NS, a
// namespace, and $NS-two, another; KUBECONFIG of the administrator. $SET and
// $NS are also replaced in the files of the script. Users and groups of a
// shared script have $SET in their names: what one story gives to ann, another
// would see of its own ann.
package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"provision/test/controlplane"
)

const (
	// binaryVariable is the environment variable with the path of the binary
	// under test.
	binaryVariable = "PROVISION_TEST_BINARY"
	defaultBinary  = "../../bin/provision"
	// exampleFile is the users file that every reader of the project sees first.
	exampleFile = "../../examples/users.yaml"
)

// shared is the control plane of the scripts that leave it whole. bin is a
// folder with the binary under test.
var (
	shared *controlplane.ControlPlane
	bin    string
)

// programs are what scripts can run besides what is in PATH.
var programs = map[string]func(){"obedient": obedient, "unseal": unseal}

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, programs)
}

// suite starts the shared control plane around the tests.
type suite struct{ m *testing.M }

func (s suite) Run() int {
	flag.Parse()
	if !flagIsSet("test.parallel") {
		// Scripts wait for servers most of the time.
		flag.Set("test.parallel", "4")
	}
	code, err := s.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (s suite) run() (code int, err error) {
	temp, err := os.MkdirTemp("", "provision-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(temp)
	if bin, err = binaries(temp); err != nil {
		return 1, err
	}
	// testscript leaves its folder behind when -run picks some scripts.
	os.Setenv("GOTMPDIR", temp)
	// kubectl asks for the API's resources once for all scripts.
	os.Setenv("KUBECACHEDIR", filepath.Join(temp, "cache"))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if shared, err = controlplane.Start(ctx, controlplane.Options{}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, shared.Stop()) }()
	return s.m.Run(), nil
}

func flagIsSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// binaries puts the binary under test into a folder for PATH, under the names
// that it is installed by.
func binaries(dir string) (string, error) {
	path := os.Getenv(binaryVariable)
	if path == "" {
		path = defaultBinary
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no binary to test: %w: run `make bin/provision`, or set %s", err, binaryVariable)
	}
	for _, name := range []string{"provision", "kubectl-provision", "kubectl_complete-provision"} {
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// TestScripts runs the stories that share a control plane.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, params("testdata/script", func() *controlplane.ControlPlane { return shared }))
}

// TestSolo runs the stories that break a control plane, one after another.
func TestSolo(t *testing.T) {
	t.Parallel()
	c, err := controlplane.Start(t.Context(), controlplane.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	}()
	testscript.RunT(serial{t}, params("testdata/solo", func() *controlplane.ControlPlane { return c }))
}

// serial is a test whose scripts do not run beside each other.
type serial struct{ *testing.T }

func (s serial) Parallel()     {}
func (s serial) Verbose() bool { return testing.Verbose() }
func (s serial) Run(name string, f func(testscript.T)) {
	s.T.Run(name, func(t *testing.T) { f(serial{t}) })
}

func params(dir string, plane func() *controlplane.ControlPlane) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(e *testscript.Env) error { return setUp(e, plane()) },
		Cmds:                commands,
		Condition:           condition,
	}
}

// planeKey is the key of a script's control plane among its values.
type planeKey struct{}

// setUp gives a script names of its own and makes its namespaces.
func setUp(e *testscript.Env, c *controlplane.ControlPlane) error {
	name := e.T().(interface{ Name() string }).Name()
	set := name[strings.LastIndex(name, "/")+1:]
	e.Values[planeKey{}] = c
	e.Values[jobsKey{}] = jobs{}
	e.Defer(func() { e.Values[jobsKey{}].(jobs).kill() })
	endSigner := func() {}
	e.Values[signerKey{}] = &endSigner
	e.Defer(func() { endSigner() })

	e.Setenv("SET", set)
	e.Setenv("NS", set)
	e.Setenv("SERVER", c.Server())
	e.Setenv("KUBECONFIG", c.Kubeconfig())
	e.Setenv("KUBECONFIG_SHARED", shared.Kubeconfig())
	e.Setenv("HOME", filepath.Join(e.WorkDir, ".home"))
	e.Setenv("PATH", strings.Join([]string{bin, c.BinDir(), e.Getenv("PATH")}, string(os.PathListSeparator)))
	e.Setenv("KUBECACHEDIR", os.Getenv("KUBECACHEDIR"))
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		e.Setenv("GOCOVERDIR", dir)
	}
	example, err := filepath.Abs(exampleFile)
	if err != nil {
		return err
	}
	e.Setenv("EXAMPLE", example)
	// Every script starts with modes as on most machines.
	if err := os.Chmod(e.WorkDir, 0o755); err != nil {
		return err
	}
	if err := fillIn(e.WorkDir, set); err != nil {
		return err
	}
	return createNamespaces(c, set, set+"-two")
}

// fillIn replaces $SET and $NS in the files of a script.
func fillIn(dir, set string) error {
	words := strings.NewReplacer("$SET", set, "$NS", set)
	return filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(words.Replace(string(data))), 0o644)
	})
}

func createNamespaces(c *controlplane.ControlPlane, names ...string) error {
	var manifest strings.Builder
	for _, name := range names {
		fmt.Fprintf(&manifest, "{apiVersion: v1, kind: Namespace, metadata: {name: %s}}\n---\n", name)
	}
	return kubectl(c, manifest.String(), "create", "-f", "-")
}
