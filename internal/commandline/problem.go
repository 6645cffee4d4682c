// Package commandline reads command lines as kubectl does, on top of the parser kong, which has rules of its own.
package commandline

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"provision/internal/hint"
)

// Problem is what is wrong with a command line that the parser refuses, of a program as it was called. The parser guesses what may have been meant, which is of little
// use for single letters and for values.
func Problem(program string, err error) error {
	way := program + " --help"
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok {
		return hint.With(err, way)
	}
	if command := parse.Context.Selected(); command != nil {
		way = program + " " + command.Name + " --help"
	}
	msg := err.Error()
	if flag, _, ok := strings.Cut(msg, ": expected a valid"); ok && strings.HasPrefix(flag, "--") {
		msg = flag + " needs a number"
	} else if rest, ok := strings.CutPrefix(msg, "unknown flag -"); ok && !strings.HasPrefix(rest, "-") {
		letter, _, _ := strings.Cut(rest, ",")
		msg = "unknown flag -" + letter
	}
	if file, ok := strings.CutPrefix(msg, "unexpected argument "); ok {
		if command := parse.Context.Selected(); command != nil && takesFiles(command) && isThere(file) {
			way = "a users file is given with -f: " + program + " " + command.Name + " -f " + hint.ShellWord(file)
		}
	}
	return hint.With(errors.New(msg), way)
}

// takesFiles reports whether a command has -f.
func takesFiles(command *kong.Node) bool {
	return slices.ContainsFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == "filename" })
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
