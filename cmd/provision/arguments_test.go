package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"provision/internal/commandline"
	"provision/internal/view"
)

// commandLine parses a command line as run does.
func commandLine(t *testing.T, args []string) (cli, error) {
	t.Helper()
	var c cli
	parser, err := kong.New(&c, append(commandline.Types(), kong.Name("provision"), kong.Exit(func(code int) { panic(exited(code)) }), kong.Bind(view.Streams{}))...)
	if err != nil {
		t.Fatal(err)
	}
	args, _, err = commandline.Rewrite(parser.Model, args)
	if err == nil {
		_, err = parser.Parse(args)
	}
	return c, err
}

// TestFlagsAsKubectlReadsThem holds what each way to write a flag means.
func TestFlagsAsKubectlReadsThem(t *testing.T) {
	type line struct {
		files     []string
		dir, out  string
		yes       bool
		verbosity int
		rest      string // the saved plan of apply
	}
	defaults := line{files: []string{"users.yaml"}, dir: "kubeconfigs", out: "text"}
	with := func(change func(*line)) line {
		l := defaults
		change(&l)
		return l
	}
	dir := func(d string) line { return with(func(l *line) { l.dir = d }) }
	file := func(f ...string) line { return with(func(l *line) { l.files = f }) }
	yes := func(y bool) line { return with(func(l *line) { l.yes = y }) }
	verbose := with(func(l *line) { l.verbosity = 6 })
	json := with(func(l *line) { l.out = "json" })
	plan := func(p string) line { return with(func(l *line) { l.rest = p }) }
	for args, want := range map[string]line{
		"apply":                       defaults,
		"apply -d /x":                 dir("/x"),
		"apply -d=/x":                 dir("/x"),
		"apply -d/x":                  dir("/x"),
		"apply --output-dir=/x":       dir("/x"),
		"apply --output-dir /x":       dir("/x"),
		"apply -d=a=b":                dir("a=b"),
		"apply -d./=x":                dir("./=x"),
		"apply -d -":                  dir("-"),
		"apply -d a -d b":             dir("b"),
		"-d /x apply":                 dir("/x"),
		"-d=/x apply":                 dir("/x"),
		"-d apply apply":              dir("apply"),
		"-f x apply":                  file("x"),
		"apply -f -":                  file("-"),
		"apply -f=-":                  file("-"),
		"apply -f-":                   file("-"),
		"apply -f=-x":                 file("-x"),
		"apply --filename=":           file(""),
		"apply -f=":                   file(""),
		"apply -f=x -fy --filename z": file("x", "y", "z"),
		"apply -f a,b":                file("a,b"),
		"apply -o=json":               json,
		"apply -ojson":                json,
		"apply -v=6":                  verbose,
		"apply -v6":                   verbose,
		"apply --v=6":                 verbose,
		"-v=6 apply":                  verbose,
		"-v 6 apply":                  verbose,
		"apply -y":                    yes(true),
		"apply -y=true":               yes(true),
		"apply -y=1":                  yes(true),
		"apply -y=T":                  yes(true),
		"apply -y=false":              yes(false),
		"apply -y=0":                  yes(false),
		"apply --yes=false":           yes(false),
		"apply -y --yes=false":        yes(false),
		"apply --yes=False":           yes(false),
		"apply team.plan -y":          with(func(l *line) { l.yes, l.rest = true, "team.plan" }),
		"apply -yf x":                 with(func(l *line) { l.yes, l.files = true, []string{"x"} }),
		"apply -yf=x":                 with(func(l *line) { l.yes, l.files = true, []string{"x"} }),
		"apply -yfx":                  with(func(l *line) { l.yes, l.files = true, []string{"x"} }),
		"apply -yyd=x":                with(func(l *line) { l.yes, l.dir = true, "x" }),
		"apply -fy":                   file("y"),
		"apply -y false":              with(func(l *line) { l.yes, l.rest = true, "false" }), // as pflag: a boolean takes no next word
		"apply -- -y":                 plan("-y"),
		"apply -":                     plan("-"),
		"apply -y -- -f":              with(func(l *line) { l.yes, l.rest = true, "-f" }),
		"apply apply":                 plan("apply"),
		"apply --as-group=a,b x":      plan("x"),
	} {
		c, err := commandLine(t, strings.Fields(args))
		a := c.Apply
		if got := (line{a.Filename, a.OutputDir, a.Output, a.Yes, c.Verbosity, a.Plan}); err != nil ||
			!slices.Equal(got.files, want.files) || got.dir != want.dir || got.out != want.out || got.yes != want.yes || got.verbosity != want.verbosity || got.rest != want.rest {
			t.Errorf("%s: %+v, %v; want %+v", args, got, err, want)
		}
	}
	for args, want := range map[string]string{
		"apply -d=":              "--output-dir: must not be empty",
		"apply -d":               "--output-dir needs a value",
		"apply -d --yes":         "--output-dir needs a value (if --yes is the value: --output-dir=--yes)",
		"apply -f -o json":       "--filename needs a value (if -o is the value: --filename=-o)",
		"apply -d =x":            "--output-dir: =x begins with =: if that is its name, write ./=x",
		"apply --output-dir==/x": "--output-dir: =/x begins with =: if that is its name, write ./=/x",
		"apply -d==/x":           "--output-dir: =/x begins with =: if that is its name, write ./=/x",
		"apply -o":               "--output needs a value: text, json, yaml, jsonpath=, go-template=",
		"apply -o -y":            "--output needs a value: text, json, yaml, jsonpath=, go-template=",
		"apply -o=xml":           `--output: must be one of text, json, yaml, jsonpath=TEMPLATE, go-template=TEMPLATE, but is "xml"`,
		"apply -y=maybe":         "--yes=maybe: must be true or false",
		"apply --yes=":           "--yes=: must be true or false",
		"apply -yx":              "unknown flag -x",
		"apply -é":               "unknown flag -é",
		"apply -=x":              "unknown flag -=",
		"apply -v=many":          `--v: expected a valid 64 bit int but got "many"`,
		"apply --conetxt x":      `unknown flag --conetxt, did you mean "--context"?`,
		"apply --=x":             "unknown flag --=x",
		"validate -o=json":       "unknown flag -o",
		"apply one two":          "unexpected argument two",
		"plan one":               "unexpected argument one",
		"-y":                     "unknown flag -y",
		"--":                     `expected one of "init", "plan", "apply", "status", "doctor", ...`,
	} {
		if c, err := commandLine(t, strings.Fields(args)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v; want %s (%+v)", args, err, want, c.Apply)
		}
	}
	if c, err := commandLine(t, []string{"revoke", "--reissue", "x"}); err == nil {
		t.Errorf("revoke took --reissue: %+v", c.Revoke)
	}
	if c, err := commandLine(t, []string{"revoke", "-y", "--", "-jane", "bob"}); err != nil || !slices.Equal(c.Revoke.User, []string{"-jane", "bob"}) || !c.Revoke.Yes {
		t.Errorf("%+v, %v", c.Revoke, err)
	}
}

// FuzzArguments holds that whatever is rewritten keeps its words: no value is invented, and none reaches a flag twice.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{"apply\x00-d=/x", "-f\x00x\x00plan", "apply\x00-yf=x\x00--\x00-y", "revoke\x00jane\x00-v=6", "apply\x00-é", "apply\x00--yes=x", "\x00", "-\x00--\x00-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, "\x00")
		var c cli
		parser, err := kong.New(&c, append(commandline.Types(), kong.Exit(func(code int) { panic(exited(code)) }))...)
		if err != nil {
			t.Fatal(err)
		}
		list, selected, err := commandline.Rewrite(parser.Model, args)
		if err != nil {
			if selected == nil || list != nil {
				t.Errorf("%q: %v without a command, or with arguments %q", args, err, list)
			}
			return
		}
		if selected == nil {
			if !slices.Equal(list, args) {
				t.Errorf("%q became %q", args, list)
			}
			return
		}
		end := slices.Index(list, "--")
		if end < 0 {
			end = len(list)
		}
		if list[0] != selected.Name {
			t.Errorf("%q became %q", args, list)
		}
		for _, a := range list[1:end] {
			name, value, _ := strings.Cut(a, "=")
			if !strings.HasPrefix(name, "--") || !utf8.ValidString(name) && utf8.ValidString(line) {
				t.Errorf("%q became %q", args, list)
			}
			if value != "" && value != "true" && value != "false" && !strings.Contains(line, value) {
				t.Errorf("%q became %q: %q is invented", args, list, value)
			}
		}
		// What is rewritten once stays as it is.
		again, _, err := commandline.Rewrite(parser.Model, list)
		if err != nil || !slices.Equal(again, list) {
			t.Errorf("%q became %q, then %q (%v)", args, list, again, err)
		}
	})
}
