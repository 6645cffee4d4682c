// Package completion answers shells that complete a command line, in the protocol of the library cobra, which is kubectl's too. The
// program's own parser is another one: its commands and flags are mirrored into a tree of cobra's, which is made for such an answer
// alone.
//
// A tag complete:"..." beside a flag or an argument says which Kind of values it takes. The package opens nothing itself.
package completion

import (
	"fmt"
	"io"
	"slices"

	"github.com/alecthomas/kong"
	"github.com/spf13/cobra"
)

// Kind is what a flag or an argument takes.
type Kind string

// Kinds that shells complete by themselves. All others are a Source's.
const (
	Free      Kind = "free"      // nobody knows its values
	File      Kind = "file"      // any file
	UsersFile Kind = "usersfile" // a YAML or JSON file, or a directory
	Directory Kind = "directory"
)

// Kinds that a Source knows. Where it has none of a kind of file, any file is offered.
const (
	User       Kind = "user"
	Group      Kind = "group"
	Set        Kind = "set"
	Context    Kind = "context"
	Blocked    Kind = "blocked" // a certificate, or a user
	Plan       Kind = "plan"
	Kubeconfig Kind = "kubeconfig"
	Topic      Kind = "topic" // of help
	Field      Kind = "field" // of the users file
	Document   Kind = "kind"  // of the documents that have a schema
	State      Kind = "state" // of a user
	Role       Kind = "role"  // that the users files grant
)

// Word is a value that is offered, with what is told about it.
type Word struct {
	Name  string
	About string // may be empty; its first sentence is told
}

// Source returns the values of a kind, of those that begin with prefix at least. It has to be quick, tells nobody of errors, and
// returns nothing where there is nothing.
type Source func(given Given, prefix string) []Word

// Given is what stands on the command line before the word that is completed.
type Given struct{ command *cobra.Command }

// Command returns the name of the command.
func (g Given) Command() string { return g.command.Name() }

// All returns the values of a flag. There are none where the command has no such flag.
func (g Given) All(flag string) []string {
	if values, err := g.command.Flags().GetStringArray(flag); err == nil {
		return values
	}
	return nil
}

// Last returns the value of a flag that counts, or "".
func (g Given) Last(flag string) string {
	if all := g.All(flag); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// shells are those that a script can be had for, with how each is written.
var shells = map[string]func(root *cobra.Command, w io.Writer) error{
	"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"zsh":        func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
	"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	"powershell": func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) },
}

// Script writes what a shell reads to complete the program's command lines.
func Script(app *kong.Application, shell string, w io.Writer) error {
	write, ok := shells[shell]
	if !ok {
		return fmt.Errorf("there is no completion for %s", shell)
	}
	return write(mirror(app, nil), w)
}

// requests are the words with which scripts ask.
var requests = []string{cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}

// Asked reports whether a command line is the question of a shell.
func Asked(args []string) bool { return len(args) > 0 && slices.Contains(requests, args[0]) }

// Request is the question for the command line that a person has begun, as kubectl hands it to a plugin.
func Request(args []string) []string { return append([]string{cobra.ShellCompRequestCmd}, args...) }

// Answer writes what may stand for the last of the arguments, in the protocol: a line each, then how a shell is to take them.
func Answer(app *kong.Application, args []string, w io.Writer, sources map[Kind]Source) {
	root := mirror(app, sources)
	root.SetArgs(args)
	root.SetOut(w)
	root.SetErr(io.Discard)
	_ = root.Execute() // a shell in which somebody types has no place for it
}
