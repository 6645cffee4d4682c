package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"provision/internal/commandline"
	"provision/internal/completion"
	"provision/internal/view"
)

// model is the command line's, as run has it.
func model(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := kong.New(&cli{}, append(commandline.Types(), kong.Name("provision"), kong.Bind(view.Streams{}))...)
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// offered are the words that a shell is offered for the last one of a command line, without their descriptions.
func offered(t *testing.T, line ...string) []string {
	t.Helper()
	var out bytes.Buffer
	complete(context.Background(), model(t), completion.Request(line), view.Streams{Out: &out, Err: &out})
	var words []string
	for line := range strings.Lines(out.String()) {
		word, about, described := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if described && about == "" {
			t.Errorf("%q: an empty description", line)
		}
		words = append(words, word)
	}
	if n := len(words); n == 0 || !strings.HasPrefix(words[n-1], ":") {
		t.Fatalf("%q: not the protocol: %q", line, out.String())
	}
	return words[:len(words)-1]
}

// TestCompletionKnowsEveryFlag holds that shells are offered the commands and flags that the parser takes, and no others, and that
// somebody has said of each value how it is completed.
func TestCompletionKnowsEveryFlag(t *testing.T) {
	app := model(t)
	kinds := []completion.Kind{
		completion.Free, completion.File, completion.UsersFile, completion.Directory, completion.User, completion.Group, completion.Set,
		completion.Context, completion.Blocked, completion.Plan, completion.Kubeconfig, completion.Topic, completion.Field, completion.Document, completion.State, completion.Role,
	}
	said := func(of string, v *kong.Value) {
		if kind := v.Tag.Get("complete"); commandline.Values(v) == nil && !v.IsBool() && !slices.Contains(kinds, completion.Kind(kind)) {
			t.Errorf("%s: give the field a tag complete:%q, or free if nobody knows its values (internal/completion has the others); it is %q", of, "user", kind)
		}
	}
	var commands []string
	for _, command := range app.Children {
		commands = append(commands, command.Name)
		var flags []string
		for _, f := range slices.Concat(app.Flags, command.Flags) {
			said(command.Name+" --"+f.Name, f.Value)
			flags = append(flags, "--"+f.Name)
			if f.Short != 0 {
				if short := offered(t, command.Name, "-"); !slices.Contains(short, "-"+string(f.Short)) {
					t.Errorf("%s: offered %q, which lacks -%c", command.Name, short, f.Short)
				}
			}
		}
		for _, v := range command.Positional {
			said(command.Name+" "+v.Name, v)
		}
		slices.Sort(flags)
		words := offered(t, command.Name, "--")
		slices.Sort(words)
		if !slices.Equal(words, flags) {
			t.Errorf("%s: offered %q, and the parser takes %q", command.Name, words, flags)
		}
	}
	slices.Sort(commands)
	if words := offered(t, ""); !slices.Equal(words, commands) {
		t.Errorf("offered %q, and the parser takes %q", words, commands)
	}
}

func TestCompletionOfValues(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("KUBECONFIG", "config")
	for name, text := range map[string]string{
		"users.yaml": "apiVersion: provision/v1alpha1\nkind: Users\nname: web\ngroups: [{name: web:oncall}]\n" +
			"users: [{name: jane, groups: [web:oncall]}, {name: bob}, {name: ':odd'}, {name: Ann Lee}]\n",
		"broken.yaml": "apiVersion: provision/v1alpha1\nkind: Users\nname: web\nusers: [{name: jane}, {nam: bob}]\n",
		"web.plan":    `{"formatVersion": "1", "kind": "SavedPlan"}`,
		"web.txt":     "{}",
		"config": "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://a'}}]\nusers: [{name: u, user: {client-key: none, client-certificate: none}}]\n" +
			"contexts: [{name: dev, context: {cluster: c, user: u}}, {name: prod, context: {cluster: c, user: u}}, {name: \"a\\eb\", context: {cluster: c}}]\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"revoke|":                        "Ann Lee,bob,jane",
		"revoke|b":                       "bob",
		"revoke|jane|":                   "Ann Lee,bob",
		"revoke|-f|broken.yaml|":         "",
		"revoke|-f|none.yaml|":           "",
		"revoke|-f|-|":                   "",
		"-f=users.yaml|revoke|j":         "jane",
		"--yes|revoke|j":                 "jane",
		"--context|prod|-y|revoke|j":     "jane",
		"plan|--reissue|":                "Ann Lee,bob,jane",
		"plan|--reissue=b":               "bob",
		"plan|-o|":                       "text,json,yaml,jsonpath=,go-template=",
		"plan|-o=j":                      "json,jsonpath=",
		"plan|--context|":                "dev,prod",
		"--context|":                     "dev,prod",
		"plan|--context|p":               "prod",
		"plan|--kubeconfig|x|--context|": "",
		"request|--group|":               "web:oncall",
		"request|--set|":                 "web",
		"apply|":                         "web.plan",
		"apply|./":                       "./web.plan",
		"apply|web.plan|":                "",
		"help|exi":                       "exit-codes",
		"help|ap":                        "apply",
		"explain|users.ren":              "users.renewBefore,users.renewElsewhere",
		"completion|":                    "bash,zsh,fish,powershell",
	} {
		if got := strings.Join(offered(t, strings.Split(line, "|")...), ","); got != want {
			t.Errorf("%s: offered %q, not %q", line, got, want)
		}
	}
}
