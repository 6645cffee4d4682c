package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// jobsKey is the key of a script's jobs among its values.
type jobsKey struct{}

// jobs are the programs that run beside a script, by name. Unlike testscript's
// own, their output can be read while they run, and their exit code is known.
type jobs map[string]*job

type job struct {
	command *exec.Cmd
	ended   chan struct{}
}

// jobsMu guards the jobs of scripts against the webhooks that stop them.
var jobsMu sync.Mutex

func (j jobs) kill() {
	for _, one := range j {
		one.command.Process.Kill()
		<-one.ended
	}
}

// begin starts a program beside the script. Its output goes to NAME.stdout and
// NAME.stderr.
func begin(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "begin NAME PROGRAM [ARG...]")
	all := ts.Value(jobsKey{}).(jobs)
	if all[args[0]] != nil {
		ts.Fatalf("%s was begun before", args[0])
	}
	command := program(ts)(args[1:])
	stdout, err := os.Create(ts.MkAbs(args[0] + ".stdout"))
	ts.Check(err)
	defer stdout.Close()
	stderr, err := os.Create(ts.MkAbs(args[0] + ".stderr"))
	ts.Check(err)
	defer stderr.Close()
	command.Stdout, command.Stderr = stdout, stderr
	ts.Check(command.Start())
	j := &job{command, make(chan struct{})}
	go func() {
		command.Wait() // ended looks at the exit code
		close(j.ended)
	}()
	jobsMu.Lock()
	defer jobsMu.Unlock()
	all[args[0]] = j
}

// program returns a maker of commands with the script's environment as it is
// now, which testscript does not tell directly.
func program(ts *testscript.TestScript) func(args []string) *exec.Cmd {
	ts.Check(ts.Exec("env", "-0"))
	env := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\x00"), "\x00")
	return func(args []string) *exec.Cmd {
		path := args[0]
		for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
			if _, err := os.Stat(filepath.Join(dir, args[0])); err == nil {
				path = filepath.Join(dir, args[0])
				break
			}
		}
		command := exec.Command(path, args[1:]...)
		command.Dir, command.Env = ts.MkAbs("."), env
		command.WaitDelay = patience // a grandchild may hold the output open
		return command
	}
}

func jobOf(ts *testscript.TestScript, name string) *job {
	j := ts.Value(jobsKey{}).(jobs)[name]
	if j == nil {
		ts.Fatalf("%s was not begun", name)
	}
	return j
}

// sendSignal sends a signal to a job.
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "signal INT|TERM|KILL|STOP|CONT NAME")
	s, ok := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}[args[0]]
	usage(ts, neg, ok, "signal INT|TERM|KILL|STOP|CONT NAME")
	process := jobOf(ts, args[1]).command.Process
	ts.Check(process.Signal(s))
	if s == syscall.SIGSTOP && !untilStopped(process.Pid) {
		ts.Fatalf("%s goes on in spite of SIGSTOP", args[1])
	}
}

// ended waits for a job, which must end with exactly this code; -1 is by a
// signal.
func ended(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "ended NAME CODE")
	j := jobOf(ts, args[0])
	show := func() string {
		return ts.ReadFile(args[0]+".stdout") + ts.ReadFile(args[0]+".stderr")
	}
	select {
	case <-j.ended:
	case <-time.After(2 * patience):
		ts.Fatalf("%s still runs:\n%s", args[0], show())
	}
	if code := strconv.Itoa(j.command.ProcessState.ExitCode()); code != args[1] {
		ts.Fatalf("%s ended with %s, want %s:\n%s", args[0], j.command.ProcessState, args[1], show())
	}
}

// contextFor bounds one step of a script.
func contextFor(*testscript.TestScript) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 2*time.Minute)
}
