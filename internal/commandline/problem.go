// Package commandline reads command lines as kubectl does, on top of the parser kong, which has rules of its own.
package commandline

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"provision/internal/hint"
)

// Problem is what is wrong with a command line that the parser refuses, of a program as it was called; args are as a person wrote them.
// The parser guesses what may have been meant, which is of little use for single letters and for values.
func Problem(program string, args []string, err error) error {
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
	if of := fromVariable.FindStringSubmatch(msg); of != nil {
		msg = of[2] + ": " + of[1]
	}
	command := parse.Context.Selected()
	if command == nil {
		return hint.With(errors.New(msg), way)
	}
	if meant := otherFlag(command, args); meant != "" {
		msg, _, _ = strings.Cut(msg, ", did you mean")
		return hint.With(errors.New(msg), program+" "+meant)
	}
	if file, ok := strings.CutPrefix(msg, "unexpected argument "); ok && takesFiles(command) && isThere(file) {
		if at := slices.Index(args, file); at >= 0 {
			args = slices.Concat(args[:at], []string{"-f"}, args[at:])
		}
		way = "a users file is given with -f: " + program + " " + line(args)
	}
	return hint.With(errors.New(msg), way)
}

// fromVariable is how the parser says that a value comes from an environment variable.
var fromVariable = regexp.MustCompile(`^--[-a-z]+: (.*) \(from envar (\w+)=.*\)$`)

// takesFiles reports whether a command has -f.
func takesFiles(command *kong.Node) bool {
	return slices.ContainsFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == "filename" })
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
