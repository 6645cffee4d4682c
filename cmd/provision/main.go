// Command provision gives a whole team access to a Kubernetes cluster: it reads a users file, plans what has to
// change, and applies it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
	"k8s.io/klog/v2"
)

// version is set at link time.
var version = "dev"

func main() {
	s := newStreams(os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl-") {
		s.program = "kubectl provision"
	}
	os.Exit(run(untilSignal(s), os.Args[1:], s))
}

// untilSignal returns a context that ends at the first Ctrl-C or SIGTERM. The second ends the process at once.
func untilSignal(s streams) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		if words := s.lastWords.Load(); words != nil {
			fmt.Fprintf(s.err, "%s%s\n", s.newLine(), *words)
		}
		os.Exit(exitInterrupted)
	}()
	return ctx
}

// cli is the whole command tree.
type cli struct {
	Plan     planCmd     `cmd:"" help:"Show what apply would change. Changes nothing."`
	Apply    applyCmd    `cmd:"" help:"Make the cluster and the kubeconfigs say what the users file says."`
	Status   statusCmd   `cmd:"" help:"Show who has what, until when."`
	Revoke   revokeCmd   `cmd:"" help:"Take people out of every grant now, and show what remains."`
	Destroy  destroyCmd  `cmd:"" help:"Remove a whole set."`
	Verify   verifyCmd   `cmd:"" help:"Log in with every kubeconfig and compare with the users file."`
	Validate validateCmd `cmd:"" help:"Check a users file, without a cluster."`
	Version  versionCmd  `cmd:"" help:"Print the version."`

	VersionFlag versionFlag `name:"version" help:"Print the version."`
	Verbosity   int         `short:"v" name:"v" placeholder:"N" help:"Log requests to the API server on standard error: 6 lists them, 9 shows them whole."`
}

// streams are where a command reads and writes. Results go to out, progress and messages to err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer

	inFile      *os.File  // in, when it is a file
	errRaw      io.Writer // err for what moves the cursor: the progress bar
	errTerminal bool
	outStyle    style
	errStyle    style
	lastWords   *atomic.Pointer[string] // what a second Ctrl-C says
	bar         *atomic.Pointer[bar]    // the one that is drawn now
	program     string                  // what it was called as: provision, or kubectl provision
}

// newLine leaves the line of the progress bar, and of the ^C that the terminal shows.
func (s streams) newLine() string {
	if s.errTerminal {
		return "\n"
	}
	return ""
}

func newStreams(in, out, err *os.File, getenv func(string) string) streams {
	colour := getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	return streams{
		in: in, out: printable{out}, err: printable{err}, inFile: in, errRaw: err,
		errTerminal: term.IsTerminal(int(err.Fd())),
		outStyle:    style{colour && term.IsTerminal(int(out.Fd()))},
		errStyle:    style{colour && term.IsTerminal(int(err.Fd()))},
		lastWords:   new(atomic.Pointer[string]),
		bar:         new(atomic.Pointer[bar]),
		program:     "provision",
	}
}

// exited is how kong's own exits (help) leave the parser.
type exited int

// run is main without the process around it: it returns the exit code.
func run(ctx context.Context, args []string, s streams) (code int) {
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
	parser, err := kong.New(&c, append(flagTypes(),
		kong.Name(s.program),
		kong.Description("Give a whole team access to a Kubernetes cluster: one users file, one plan, one kubeconfig per user."),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)...)
	if err != nil {
		return fail(ctx, s, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		return fail(ctx, s, parseError(s.program, err))
	}
	logTo(s.err, c.Verbosity)
	return fail(ctx, s, command.Run())
}

// parseError says what is wrong with the command line. The parser guesses what may have been meant, which is of little
// use for single letters and for values.
func parseError(program string, err error) error {
	hint := program + " --help"
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok {
		return &hinted{err, hint}
	}
	if command := parse.Context.Selected(); command != nil {
		hint = program + " " + command.Name + " --help"
	}
	msg := err.Error()
	if flag, _, ok := strings.Cut(msg, ": missing value"); ok {
		msg = flag + " needs a value"
	} else if flag, _, ok := strings.Cut(msg, ": expected a valid"); ok && strings.HasPrefix(flag, "--") {
		msg = flag + " needs a number"
	} else if flag, _, ok := strings.Cut(msg, ": expected "); ok {
		msg = flag + " needs a value"
		for _, f := range parse.Context.Flags() {
			if "--"+f.Name == flag && f.Enum != "" {
				msg += ": " + strings.Join(slices.Sorted(maps.Keys(f.EnumMap())), ", ")
			}
		}
	} else if rest, ok := strings.CutPrefix(msg, "unknown flag -"); ok && !strings.HasPrefix(rest, "-") {
		letter, _, _ := strings.Cut(rest, ",")
		msg = "unknown flag -" + letter
	}
	return &hinted{errors.New(msg), hint}
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

// Exit codes; README.md and every help text say the same.
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
func fail(ctx context.Context, s streams, err error) int {
	if err == nil {
		return exitDone
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintf(s.err, "%sinterrupted\n", s.newLine())
		return exitInterrupted
	}
	printError(s, err)
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return exitError
}
