// Command cluster runs a Kubernetes control plane on this machine.
//
// Without a command it runs until Ctrl-C and prints what to put into the shell
// that is to use it. With one it runs that, KUBECONFIG and PATH set, then
// stops the control plane and exits with the command's exit code:
//
//	cluster
//	cluster -- kubectl get namespaces
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"provision/test/controlplane"
)

func main() {
	code, err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
	}
	os.Exit(code)
}

// run returns the exit code.
func run(args []string, stdout, stderr io.Writer) (int, error) {
	options := controlplane.Options{Flags: map[string][]string{}, Log: stderr}
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: cluster [flags] [-- command args...]")
		flags.PrintDefaults()
	}
	flags.StringVar(&options.Binary, "binary", defaultBinary(), "`path` of the servers and kubectl (make bin/kubernetes)")
	flags.StringVar(&options.Dir, "dir", "", "keep the state in this empty `folder` (default a temporary one)")
	for _, name := range []string{controlplane.Etcd, controlplane.APIServer, controlplane.ControllerManager} {
		flags.Func(name+"-flag", "a further `flag` for "+name+", such as --v=4; may be repeated", func(value string) error {
			options.Flags[name] = append(options.Flags[name], value)
			return nil
		})
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0, nil
	case err != nil:
		return 2, nil // flags has printed it
	}

	ctx, done := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer done()
	c, err := controlplane.Start(ctx, options)
	if ctx.Err() != nil && c == nil {
		return 130, nil // Ctrl-C during the start
	}
	if err != nil {
		return 1, err
	}
	var code int
	if flags.NArg() == 0 {
		err = printUse(stdout, c)
		<-ctx.Done()
		fmt.Fprintln(stderr, "stopping")
	} else {
		done() // from here on the signals are the command's
		code, err = runCommand(c, flags.Args())
	}
	if err = errors.Join(err, c.Stop()); err != nil && code == 0 {
		code = 1
	}
	return code, err
}

// printUse prints lines for a shell to evaluate.
func printUse(w io.Writer, c *controlplane.ControlPlane) error {
	_, err := fmt.Fprintf(w, `# A control plane runs at %s until Ctrl-C. In another shell:
export KUBECONFIG=%s
export PATH=%s:"$PATH"  # kubectl
`, c.Server(), quote(c.Kubeconfig()), quote(c.BinDir()))
	return err
}

// runCommand runs a command against the control plane and returns its exit
// code, in the manner of a shell 128+n for signal n and 127 for a command that
// does not start.
func runCommand(c *controlplane.ControlPlane, args []string) (int, error) {
	path := c.BinDir() + string(os.PathListSeparator) + os.Getenv("PATH")
	os.Setenv("PATH", path) // also for the lookup of the command itself
	os.Setenv("KUBECONFIG", c.Kubeconfig())
	command := exec.Command(args[0], args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr

	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := command.Start(); err != nil {
		return 127, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case s := <-signals:
			// The terminal sends Ctrl-C to the command as well as to us.
			if s == syscall.SIGTERM {
				command.Process.Signal(s)
			}
		case err := <-ended:
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				return 0, err
			}
			if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
				return 128 + int(status.Signal()), nil
			}
			return exit.ExitCode(), nil
		}
	}
}

// defaultBinary is the file kubernetes beside this program, where make puts it.
func defaultBinary() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(self), "kubernetes")
}

// quote makes a word for a POSIX shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
