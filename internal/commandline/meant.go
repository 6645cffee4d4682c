package commandline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"provision/internal/hint"
	"provision/internal/usersfile"
)

// words are what people of other programs type, with the command that does it here. One that takes people out is among them only for
// those whom the command line names.
var words = map[string]string{
	"list": "status", "ls": "status", "get": "status", "users": "status", "diff": "plan", "preview": "plan", "check": "validate", "lint": "validate",
	"delete": "revoke", "remove": "revoke", "rm": "revoke", "block": "revoke", "docs": "explain", "csr": "request", "login": "accept",
}

// objects are words between a command and a name, as in kubectl delete user jane.
var objects = []string{"user", "users"}

// flags are those of other programs, with the one that does it here.
var flags = map[string]string{"out": "save", "auto-approve": "yes"}

// Unknown is the error of a command line whose command is none of the program's, with the command line that may have been meant;
// nil: something else is wrong with it.
func Unknown(program string, app *kong.Application, args []string) error {
	at := firstWord(app, args)
	if at < 0 || slices.ContainsFunc(args[:at], func(arg string) bool { return unknownFlag(app, arg) }) {
		return nil
	}
	word := args[at]
	unknown := fmt.Errorf("unknown command %q", word)
	meant := words[word]
	if meant == "" {
		var names []string
		for _, command := range app.Children {
			names = append(names, command.Name)
		}
		if meant = usersfile.Closest(word, names); meant == "" {
			return hint.With(unknown, program+" --help")
		}
	}
	command := child(app, meant)
	before, after := slices.Clone(args[:at]), slices.Clone(args[at+1:])
	if words[word] != "" && len(after) > 0 && slices.Contains(objects, after[0]) {
		after = after[1:]
	}
	named := firstWord(app, after) >= 0
	switch {
	case meant == "revoke" && !named:
		return hint.With(unknown, program+" revoke USER takes somebody out; "+program+" destroy removes a whole set")
	case len(command.Positional) == 0:
		after = slices.DeleteFunc(after, func(arg string) bool { return !strings.HasPrefix(arg, "-") && named && isWord(app, after, arg) })
	}
	return hint.With(unknown, program+" "+line(slices.Concat(before, []string{meant}, after)))
}

// unknownFlag reports whether an argument is a flag, in its long form, that no command has.
func unknownFlag(app *kong.Application, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	name, _, _ = strings.Cut(name, "=")
	return long && !slices.ContainsFunc(flagsOf(append([]*kong.Node{app.Node}, app.Children...)...), func(f *kong.Flag) bool { return f.Name == name })
}

// isWord reports whether an argument is neither a flag nor the value of one.
func isWord(app *kong.Application, args []string, arg string) bool {
	for begin := 0; begin < len(args); {
		at := firstWord(app, args[begin:])
		if at < 0 {
			return false
		}
		if args[begin+at] == arg {
			return true
		}
		begin += at + 1
	}
	return false
}

// otherFlag is a command line with a flag of another program, as it is written here; "": it has none, or its command has no such flag.
func otherFlag(command *kong.Node, args []string) string {
	has := func(name string) bool {
		return slices.ContainsFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == name })
	}
	for i, arg := range args {
		name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		meant := flags[name]
		if !strings.HasPrefix(arg, "-") || meant == "" || has(name) || !has(meant) {
			continue
		}
		if meant = "--" + meant; joined {
			meant += "=" + value
		}
		return line(slices.Concat(args[:i], []string{meant}, args[i+1:]))
	}
	return ""
}

// line is arguments as a shell takes them.
func line(args []string) string {
	list := make([]string, 0, len(args))
	for _, arg := range args {
		list = append(list, hint.ShellWord(arg))
	}
	return strings.Join(list, " ")
}
