// Package harness runs the provision binary under test, and reads what it
// leaves behind, in the output directory and in the cluster, without any of its
// code: what it promises is checked by somebody else.
package harness

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// BinaryVariable is the environment variable with the path of the binary
	// under test.
	BinaryVariable = "PROVISION_TEST_BINARY"
	defaultBinary  = "../../bin/provision"
	// patience is how long a run may take that is expected to end.
	patience = 5 * time.Minute
)

// Program is the binary under test with the environment that it runs in.
type Program struct {
	Kubeconfig string // the operator's
	Dir        string // where it runs: users.yaml and kubeconfigs/ are there
}

// Binary finds the binary under test.
func Binary() (string, error) {
	path := os.Getenv(BinaryVariable)
	if path == "" {
		path = defaultBinary
	}
	path, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return "", fmt.Errorf("no binary to test: %w: run `make bin/provision`, or set %s", err, BinaryVariable)
	}
	return path, nil
}

// Output is the output directory.
func (p Program) Output() string { return filepath.Join(p.Dir, "kubeconfigs") }

// Process is one run of the program.
type Process struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    text
	err    text
	begun  time.Time
	took   time.Duration
	exited chan struct{}
}

// Start runs the program. It is killed when the test ends before it.
func (p Program) Start(t *testing.T, args ...string) *Process {
	t.Helper()
	binary, err := Binary()
	if err != nil {
		t.Fatal(err)
	}
	return p.StartWith(t, binary, args...)
}

// StartWith runs another program in the same environment.
func (p Program) StartWith(t *testing.T, name string, args ...string) *Process {
	t.Helper()
	r := &Process{t: t, cmd: exec.Command(name, args...), exited: make(chan struct{}), begun: time.Now()}
	r.cmd.Dir = p.Dir
	r.cmd.Env = append(os.Environ(), "KUBECONFIG="+p.Kubeconfig, "HOME="+p.Dir)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.err
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	go func() {
		r.cmd.Wait() // Code looks at how it ended
		r.took = time.Since(r.begun)
		close(r.exited)
	}()
	return r
}

// Run runs the program to its end.
func (p Program) Run(t *testing.T, args ...string) *Process {
	t.Helper()
	r := p.Start(t, args...)
	r.Wait()
	return r
}

// Kill ends the process with SIGKILL and returns when it has ended.
func (r *Process) Kill() {
	r.cmd.Process.Kill()
	<-r.exited
}

// Signal sends a signal to the process.
func (r *Process) Signal(signal os.Signal) error { return r.cmd.Process.Signal(signal) }

// Exited is closed when the process has ended.
func (r *Process) Exited() <-chan struct{} { return r.exited }

// Wait waits until the process ends by itself and returns its exit code.
func (r *Process) Wait() int {
	r.t.Helper()
	select {
	case <-r.exited:
	case <-time.After(patience):
		r.cmd.Process.Signal(syscall.SIGQUIT) // Go prints where everybody is
		<-r.exited
		r.t.Fatalf("%s did not end in %v\n%s", r, patience, r.Text())
	}
	return r.Code()
}

// Code is the exit code, -1 after a signal.
func (r *Process) Code() int { return r.cmd.ProcessState.ExitCode() }

// Took is how long the process ran.
func (r *Process) Took() time.Duration { return r.took }

// Stdout is what the process has printed so far.
func (r *Process) Stdout() string { return r.out.String() }

// Stderr is what the process has printed so far on standard error.
func (r *Process) Stderr() string { return r.err.String() }

// Text is all output, for messages.
func (r *Process) Text() string { return "stdout:\n" + r.Stdout() + "stderr:\n" + r.Stderr() }

func (r *Process) String() string { return "provision " + strings.Join(r.cmd.Args[1:], " ") }

// text is a buffer that can be read while it is written.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *text) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *text) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
