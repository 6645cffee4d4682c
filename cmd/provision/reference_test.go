package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the reference of commands")

// TestReference holds that docs/commands.md and the man pages in docs/man are those of the commands. Run it with -update after a change.
func TestReference(t *testing.T) {
	app := model(t)
	describe(app)
	files := map[string]string{"commands.md": reference(app), "man/provision.1": overview(app)}
	for _, command := range app.Children {
		files["man/provision-"+command.Name+".1"] = manual(command)
	}
	docs := filepath.Join("..", "..", "docs")
	if *update {
		if err := os.MkdirAll(filepath.Join(docs, "man"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		path := filepath.Join(docs, name)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || string(have) != text {
			t.Errorf("%s is out of date: go test ./cmd/provision -run TestReference -update (%v)", path, err)
		}
	}
	pages, _ := filepath.Glob(filepath.Join(docs, "man", "*"))
	for _, path := range pages {
		if name := filepath.ToSlash(strings.TrimPrefix(path, docs+string(filepath.Separator))); files[name] == "" {
			t.Errorf("%s is of no command", path)
		}
	}
}

// usage is a command line with all that it takes in short.
func usage(command *kong.Node) string {
	line := "provision " + command.Name + " [flags]"
	for _, arg := range command.Positional {
		name := strings.ToUpper(arg.Name)
		if arg.IsCumulative() {
			name += " ..."
		}
		if !arg.Required {
			name = "[" + name + "]"
		}
		line += " " + name
	}
	return line
}

// flagsOf are those of a command, sorted, without what all commands have.
func flagsOf(command *kong.Node) []*kong.Flag {
	list := slices.DeleteFunc(slices.Clone(command.Flags), func(f *kong.Flag) bool { return f.Hidden })
	slices.SortFunc(list, func(a, b *kong.Flag) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// spelled is a flag as it is written.
func spelled(f *kong.Flag) string {
	s := "--" + f.Name
	if !f.IsBool() {
		s += "=" + f.FormatPlaceHolder()
	}
	if f.Short != 0 {
		s = "-" + string(f.Short) + ", " + s
	}
	return s
}

// about is what is said of a flag.
func about(f *kong.Flag) string {
	if len(f.Envs) > 0 {
		return f.Help + " ($" + strings.Join(f.Envs, ", $") + ")"
	}
	return f.Help
}

// reference is the page of all commands.
func reference(app *kong.Application) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nMade of the program itself: what `provision COMMAND --help` says. The same is in the man pages beside it, in man/.\n\n")
	for _, c := range app.Children {
		fmt.Fprintf(&b, "- [%s](#provision-%s): %s\n", c.Name, c.Name, c.Help)
	}
	b.WriteString("\nEvery command also takes:\n\n")
	for _, f := range flagsOf(app.Node) {
		fmt.Fprintf(&b, "- `%s`: %s\n", spelled(f), about(f))
	}
	for _, c := range app.Children {
		fmt.Fprintf(&b, "\n## provision %s\n\n%s\n\n    %s\n", c.Name, c.Help, usage(c))
		if c.Detail != "" {
			fmt.Fprintf(&b, "\n```text\n%s\n```\n", strings.TrimSpace(c.Detail))
		}
		var items bytes.Buffer
		for _, arg := range c.Positional {
			fmt.Fprintf(&items, "- `%s`: %s\n", strings.ToUpper(arg.Name), arg.Help)
		}
		for _, f := range flagsOf(c) {
			fmt.Fprintf(&items, "- `%s`: %s\n", spelled(f), about(f))
		}
		if items.Len() > 0 {
			b.WriteString("\n" + items.String())
		}
	}
	return b.String()
}

// roff escapes a text for man(7): a line that begins with a dot or an apostrophe would be a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// manual is the man page of a command.
func manual(c *kong.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH PROVISION\\-%s 1 \"\" provision \"provision manual\"\n", strings.ToUpper(roff(c.Name)))
	fmt.Fprintf(&b, ".SH NAME\nprovision\\-%s \\- %s\n", roff(c.Name), roff(strings.TrimSuffix(c.Help, ".")))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n%s\n", roff(usage(c)))
	if c.Detail != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n.nf\n%s\n.fi\n", roff(strings.TrimSpace(c.Detail)))
	}
	options := func(name, text string) { fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(name), roff(text)) }
	if len(c.Positional) > 0 {
		b.WriteString(".SH ARGUMENTS\n")
		for _, arg := range c.Positional {
			options(strings.ToUpper(arg.Name), arg.Help)
		}
	}
	if flags := flagsOf(c); len(flags) > 0 {
		b.WriteString(".SH OPTIONS\n")
		for _, f := range flags {
			options(spelled(f), about(f))
		}
	}
	b.WriteString(".SH SEE ALSO\n.BR provision (1)\n")
	return b.String()
}

// overview is the man page of the program.
func overview(app *kong.Application) string {
	var b strings.Builder
	b.WriteString(".TH PROVISION 1 \"\" provision \"provision manual\"\n.SH NAME\nprovision \\- give a whole team access to a Kubernetes cluster\n")
	b.WriteString(".SH SYNOPSIS\nprovision COMMAND [flags]\n.SH COMMANDS\n")
	for _, c := range app.Children {
		fmt.Fprintf(&b, ".TP\n.BR provision\\-%s (1)\n%s\n", roff(c.Name), roff(c.Help))
	}
	b.WriteString(".SH OPTIONS\n")
	for _, f := range flagsOf(app.Node) {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(spelled(f)), roff(about(f)))
	}
	for _, topic := range topics {
		text, err := help.ReadFile("help/topics/" + topic.Name + ".txt")
		if err == nil {
			fmt.Fprintf(&b, ".SH %s\n.nf\n%s\n.fi\n", strings.ToUpper(roff(strings.ReplaceAll(topic.Name, "-", " "))), roff(strings.TrimSpace(string(text))))
		}
	}
	return b.String()
}
