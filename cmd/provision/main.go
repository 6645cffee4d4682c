// Command provision gives a whole team access to a Kubernetes cluster: it reads a users file, plans what has to
// change, and applies it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"k8s.io/klog/v2"

	"provision/internal/commandline"
	"provision/internal/completion"
	"provision/internal/hint"
	"provision/internal/view"
)

// These are set at link time.
var (
	version = "dev"
	commit  string // of git
	date    string // of the commit, RFC 3339 in UTC
)

func main() {
	neverDump()
	s := view.NewStreams(os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl-") {
		s.Program = "kubectl provision"
	}
	// A reader that has gone, as in | head, must not end an apply half done.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	args := os.Args[1:]
	if name := filepath.Base(os.Args[0]); strings.TrimSuffix(name, ".exe") == kubectlCompletes {
		args = completion.Request(args)
	}
	code := run(untilSignal(s), args, s)
	if errors.Is(s.Unwritten(), syscall.EPIPE) && code == exitDone {
		signal.Reset(syscall.SIGPIPE)
		os.Stdout.WriteString("\n") // ends this process as it ends kubectl
		code = exitError
	}
	os.Exit(code)
}

// untilSignal returns a context that ends at the first Ctrl-C or SIGTERM. The second ends the process at once.
func untilSignal(s view.Streams) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		if words := s.LastWords.Load(); words != nil {
			fmt.Fprintf(s.Err, "%s%s\n", s.NewLine(), *words)
		}
		os.Exit(exitInterrupted)
	}()
	return ctx
}

// cli is the whole command tree.
type cli struct {
	Init       initCmd       `cmd:"" help:"Write a users file to begin with: of what the cluster has, of a table of people, or of existing bindings."`
	Plan       planCmd       `cmd:"" help:"Show what apply would change. Changes nothing."`
	Apply      applyCmd      `cmd:"" help:"Make the cluster and the kubeconfigs say what the users file says."`
	Status     statusCmd     `cmd:"" help:"Show who has what, until when."`
	Doctor     doctorCmd     `cmd:"" help:"See whether the job can be done here: version, rights, CA, signer, login."`
	Report     reportCmd     `cmd:"" help:"Write what an auditor gets: who can authenticate, what they may do, who left."`
	Revoke     revokeCmd     `cmd:"" help:"Take people out of every grant now, and show what remains."`
	Destroy    destroyCmd    `cmd:"" help:"Remove a set: its roles, bindings and kubeconfigs."`
	Unblock    unblockCmd    `cmd:"" help:"Let certificates through again that revoke has blocked."`
	Verify     verifyCmd     `cmd:"" help:"Log in with every kubeconfig and compare with the users file."`
	Show       showCmd       `cmd:"" help:"Show a saved plan again, without a cluster."`
	Validate   validateCmd   `cmd:"" help:"Check a users file, without a cluster."`
	Schema     schemaCmd     `cmd:"" help:"Print the JSON Schema of the users file, for editors, or of a document that -o json writes."`
	Explain    explainCmd    `cmd:"" help:"Explain a field of the users file."`
	Inspect    inspectCmd    `cmd:"" help:"Show what a kubeconfig says, without its key."`
	Request    requestCmd    `cmd:"" help:"Make a key of your own and the request for its certificate, without a cluster."`
	Accept     acceptCmd     `cmd:"" help:"Merge the kubeconfig that you were sent into your own."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Help       helpCmd       `cmd:"" help:"Show help: of a command, of exit-codes or of the users-file."`
	Completion completionCmd `cmd:"" help:"Print what a shell reads to complete command lines of provision."`

	VersionFlag versionFlag `name:"version" help:"Print the version."`
	Verbosity   int         `short:"v" name:"v" placeholder:"N" complete:"free" help:"Log requests to the API server on standard error: 6 lists them, 9 shows them whole."`
}

// exited is how kong's own exits (help) leave the parser.
type exited int

// run is main without the process around it: it returns the exit code. Text that could not be written is an error, but
// for a reader that had enough (EPIPE), which main has to look after.
func run(ctx context.Context, args []string, s view.Streams) int {
	code := perform(ctx, args, s)
	if err := s.Unwritten(); err != nil && !errors.Is(err, syscall.EPIPE) {
		s.Error(fmt.Errorf("standard output: %v: not all was printed", view.Bare(err)))
		if code == exitDone || code == exitChanges {
			code = exitError
		}
	}
	return code
}

// perform parses the command line and runs the command.
func perform(ctx context.Context, args []string, s view.Streams) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exited)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()
	var c cli
	parser, err := kong.New(&c, append(commandline.Types(),
		kong.Name(s.Program),
		kong.Description("Give a whole team access to a Kubernetes cluster: one users file, one plan, one kubeconfig per user."),
		kong.Writers(s.Out, s.Err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)...)
	if err != nil {
		return fail(ctx, s, err)
	}
	describe(parser.Model)
	if completion.Asked(args) {
		complete(ctx, parser.Model, args, s)
		return exitDone
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	rewritten, selected, err := commandline.Rewrite(parser.Model, args)
	if err != nil {
		return fail(ctx, s, hint.With(err, s.Program+" "+selected.Name+" --help"))
	}
	command, err := parser.Parse(rewritten)
	if err != nil {
		err = commandline.Problem(s.Program, args, err)
		if selected == nil {
			err = cmp.Or(commandline.Unknown(s.Program, parser.Model, args), err)
		}
		return fail(ctx, s, err)
	}
	if c.Verbosity > 0 { // lines of the log would go through the bar
		s.Screen = nil
	}
	s.Command = "provision " + command.Selected().Name
	logTo(s.Err, c.Verbosity)
	return fail(ctx, s, command.Run(s))
}

// logTo sets up client-go's log, which goes to standard error and is silent below -v 1.
func logTo(w io.Writer, verbosity int) {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Set("logtostderr", "false")
	_ = flags.Set("alsologtostderr", "false")
	_ = flags.Set("stderrthreshold", "FATAL")
	_ = flags.Set("v", strconv.Itoa(verbosity))
	if verbosity == 0 {
		w = io.Discard
	}
	klog.SetOutput(w)
}

// Exit codes; every help text say the same.
const (
	exitDone        = 0
	exitError       = 1   // an error, or some users failed
	exitChanges     = 2   // plan --detailed-exitcode: there are changes
	exitInterrupted = 130 // Ctrl-C or SIGTERM
)

// exitCode is an error that has been told to the user already and only carries the code.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// fail prints err, if it was not told before, and returns the exit code.
func fail(ctx context.Context, s view.Streams, err error) int {
	if err == nil {
		return exitDone
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintf(s.Err, "%sinterrupted\n", s.NewLine())
		return exitInterrupted
	}
	s.Error(err)
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return exitError
}
