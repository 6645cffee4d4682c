package commandline

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// Rewrite rewrites a command line that is written as for kubectl (pflag's rules) into one that the parser reads
// in the same way: the command first, then every flag as --name=value, then --, then the other arguments. The parser
// takes the = of -d=DIR as part of the directory, and flags only behind the command.
//
// In two things it is stricter than kubectl, because what kubectl does there is seldom meant: a value that begins with a
// hyphen has to follow a =, as in -f=-x, and booleans are true or false.
//
// A command line without a command is returned as it is. Selected is the command also when there is an error.
func Rewrite(app *kong.Application, args []string) (list []string, selected *kong.Node, err error) {
	selected = commandOf(app, args)
	if selected == nil {
		return args, nil, nil
	}
	r := argumentReader{flags: flagsOf(app.Node, selected)}
	found := false
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			r.others, args = append(r.others, args...), nil
		case strings.HasPrefix(arg, "--"):
			args, err = r.long(arg, args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = r.short(arg, args)
		case !found && arg == selected.Name:
			found = true
		default:
			r.others = append(r.others, arg)
		}
		if err != nil {
			return nil, selected, err
		}
	}
	list = append([]string{selected.Name}, r.given...)
	if len(r.others) > 0 {
		list = append(append(list, "--"), r.others...)
	}
	return list, selected, nil
}

// commandOf finds the command: the first argument that is neither a flag nor the value of one. Flags of every command
// may come before it.
func commandOf(app *kong.Application, args []string) *kong.Node {
	at := firstWord(app, args)
	if at < 0 {
		return nil
	}
	return child(app, args[at])
}

// child returns a command by its name, or nil.
func child(app *kong.Application, name string) *kong.Node {
	for _, command := range app.Children {
		if command.Name == name {
			return command
		}
	}
	return nil
}

// firstWord is where the first argument stands that is neither a flag nor the value of one, or -1.
func firstWord(app *kong.Application, all []string) int {
	flags := flagsOf(append([]*kong.Node{app.Node}, app.Children...)...)
	for args := all; len(args) > 0; {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return -1
		}
		if len(arg) > 1 && arg[0] == '-' {
			r := argumentReader{flags: flags}
			read := r.short
			if strings.HasPrefix(arg, "--") {
				read = r.long
			}
			rest, err := read(arg, args)
			if err == nil { // what is wrong is told when the command is known
				args = rest
			}
			continue
		}
		return len(all) - len(args) - 1
	}
	return -1
}

func flagsOf(nodes ...*kong.Node) []*kong.Flag {
	var all []*kong.Flag
	for _, n := range nodes {
		all = append(all, n.Flags...)
	}
	return all
}

// argumentReader reads the flags of a command line.
type argumentReader struct {
	flags  []*kong.Flag
	given  []string // the flags, as --name=value
	others []string // the other arguments
}

// long reads --name, --name=value or --name value, whose value is the first of rest. It returns what is left of rest.
func (r *argumentReader) long(arg string, rest []string) ([]string, error) {
	name, value, joined := strings.Cut(arg[2:], "=")
	if name == "" {
		return nil, fmt.Errorf("unknown flag %s", arg)
	}
	for _, f := range r.flags {
		if f.Name == name {
			return r.flag(f, value, joined, rest)
		}
	}
	r.given = append(r.given, arg) // the parser knows what may have been meant
	return rest, nil
}

// short reads letters: booleans, and at the end one flag whose value follows at once, behind a = or as the next argument.
func (r *argumentReader) short(arg string, rest []string) ([]string, error) {
	for letters := arg[1:]; letters != ""; {
		letter, size := utf8.DecodeRuneInString(letters)
		letters = letters[size:]
		f := r.letter(letter)
		if f == nil {
			return nil, fmt.Errorf("unknown flag -%c", letter)
		}
		value, joined := strings.CutPrefix(letters, "=")
		if f.IsBool() && !joined {
			r.given = append(r.given, "--"+f.Name)
			continue
		}
		return r.flag(f, value, joined || letters != "", rest)
	}
	return rest, nil
}

func (r *argumentReader) letter(letter rune) *kong.Flag {
	for _, f := range r.flags {
		if f.Short == letter {
			return f
		}
	}
	return nil
}

// flag takes a flag with its value, which is joined to it or the first of rest.
func (r *argumentReader) flag(f *kong.Flag, value string, joined bool, rest []string) ([]string, error) {
	switch {
	case f.IsBool() && !joined:
		r.given = append(r.given, "--"+f.Name)
		return rest, nil
	case f.IsBool():
		yes, err := strconv.ParseBool(value)
		if err != nil {
			return nil, fmt.Errorf("--%s=%s: must be true or false", f.Name, value)
		}
		r.given = append(r.given, fmt.Sprintf("--%s=%t", f.Name, yes))
		return rest, nil
	case !joined && len(rest) == 0:
		return nil, needsValue(f)
	case !joined:
		value, rest = rest[0], rest[1:]
		if len(value) > 1 && value[0] == '-' {
			err := needsValue(f)
			if Values(f.Value) == nil {
				err = fmt.Errorf("%w (if %s is the value: --%s=%s)", err, value, f.Name, value)
			}
			return nil, err
		}
	}
	r.given = append(r.given, "--"+f.Name+"="+value)
	return rest, nil
}

// Values returns the values that a flag or an argument takes, or begins with, where they are few; nil: it takes any.
func Values(f *kong.Value) []string {
	if formats := f.Tag.Get("formats"); formats != "" {
		return append(strings.Split(formats, ","), "jsonpath=", "go-template=")
	}
	if f.Enum == "" {
		return nil
	}
	return f.EnumSlice()
}

func needsValue(f *kong.Flag) error {
	msg := "--" + f.Name + " needs a value"
	if values := Values(f.Value); len(values) > 0 {
		msg += ": " + strings.Join(values, ", ")
	}
	return errors.New(msg)
}
