package main

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"provision/internal/cluster"
	"provision/internal/completion"
	"provision/internal/credential"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/savedplan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

// kubectlCompletes is the name by which kubectl calls a plugin named provision to complete its command lines.
const kubectlCompletes = "kubectl_complete-provision"

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" placeholder:"SHELL" help:"bash, zsh, fish or powershell."`
}

func (c *completionCmd) Run(s view.Streams, line *kong.Context) error {
	var script bytes.Buffer
	if err := completion.Script(line.Model, c.Shell, &script); err != nil {
		return err
	}
	_, err := s.Out.Write(script.Bytes())
	return err
}

// completionBudget is how long a person who has pressed a key waits for what is read of files, or of a cluster.
const completionBudget = time.Second

// complete answers a shell. It waits for nothing that takes too long, and tells nothing of what fails.
func complete(ctx context.Context, app *kong.Application, args []string, s view.Streams) {
	ctx, cancel := context.WithTimeout(ctx, completionBudget)
	defer cancel()
	logTo(s.Err, 0)
	in := &completing{ctx}
	soon := func(source completion.Source) completion.Source {
		return func(given completion.Given, prefix string) []completion.Word {
			found := make(chan []completion.Word, 1)
			go func() { found <- source(given, prefix) }()
			select {
			case <-ctx.Done():
				return nil
			case words := <-found:
				return words
			}
		}
	}
	completion.Answer(app, args, s.Out, map[completion.Kind]completion.Source{
		completion.User: soon(in.users), completion.Group: soon(in.groups), completion.Set: soon(in.sets), completion.Blocked: soon(in.blocked),
		completion.Context: soon(in.contexts), completion.Plan: soon(plans), completion.Kubeconfig: soon(kubeconfigs),
		completion.Field: fieldPaths, completion.Document: documentKinds, completion.State: states, completion.Role: soon(in.roles),
		completion.Topic: func(completion.Given, string) []completion.Word { return helpTopics(app) },
	})
}

// completing is where the values come from that a command line may have.
type completing struct{ ctx context.Context }

// read are the sets of the users files that have no mistake. Standard input is the shell's, and a pipe may have no writer.
func (in *completing) read(given completion.Given) []usersfile.Set {
	files := given.All("filename")
	if len(files) == 0 {
		files = []string{unnamedFile()}
	}
	files = slices.DeleteFunc(slices.Clone(files), func(file string) bool {
		info, err := os.Stat(file)
		return err != nil || !info.Mode().IsRegular() && !info.IsDir()
	})
	sets, _ := usersfile.LoadEach(files, nil, credential.JudgeOwnRequest)
	return sets
}

// users are the people of the users files or, with --set, of the sets in the cluster.
func (in *completing) users(given completion.Given, _ string) []completion.Word {
	var words []completion.Word
	if named := given.All("set"); given.Command() != "request" && len(named) > 0 {
		for _, ledger := range in.ledgers(given) {
			for _, r := range ledger.Records {
				if slices.Contains(named, ledger.Set) {
					words = append(words, completion.Word{Name: r.User, About: strings.Join(r.Groups, ", ")})
				}
			}
		}
		return once(words)
	}
	for _, set := range in.read(given) {
		for _, u := range set.Users {
			words = append(words, completion.Word{Name: u.Name, About: strings.Join(u.Groups, ", ")})
		}
	}
	return once(words)
}

// states are those that a user can be in.
func states(completion.Given, string) []completion.Word {
	var words []completion.Word
	for _, s := range plan.States() {
		words = append(words, completion.Word{Name: string(s)})
	}
	return words
}

// roles are those that the users files grant.
func (in *completing) roles(given completion.Given, _ string) []completion.Word {
	var words []completion.Word
	note := func(grants []usersfile.Grant) {
		for _, g := range grants {
			words = append(words, completion.Word{Name: cmp.Or(g.ClusterRole, g.Role)})
		}
	}
	for _, set := range in.read(given) {
		for _, g := range set.Groups {
			note(g.Roles)
		}
		for _, u := range set.Users {
			note(u.Roles)
		}
	}
	return once(words)
}

// groups are those that the users files define, or that their users are in.
func (in *completing) groups(given completion.Given, _ string) []completion.Word {
	members := map[string]int{}
	for _, set := range in.read(given) {
		for _, g := range set.Groups {
			members[g.Name] += 0
		}
		for _, u := range set.Users {
			for _, g := range u.Groups {
				members[g]++
			}
		}
	}
	var words []completion.Word
	for name, n := range members {
		words = append(words, completion.Word{Name: name, About: view.Plural(n, "member")})
	}
	return once(words)
}

// sets are those of the users files and of the cluster.
func (in *completing) sets(given completion.Given, _ string) []completion.Word {
	var words []completion.Word
	for _, set := range in.read(given) {
		words = append(words, completion.Word{Name: set.Name, About: set.Pos.File})
	}
	if given.Command() != "request" { // which connects to nothing
		for _, ledger := range in.ledgers(given) {
			words = append(words, completion.Word{Name: ledger.Set, About: "in the cluster"})
		}
	}
	return once(words)
}

// blocked are the certificates that revoke has blocked.
func (in *completing) blocked(given completion.Given, _ string) []completion.Word {
	client := in.open(given)
	if client == nil {
		return nil
	}
	blocks, _ := client.Blocks(in.ctx)
	var words []completion.Word
	for _, b := range blocks {
		for _, c := range b.Certificates {
			words = append(words, completion.Word{Name: c.User})
			if c.Fingerprint != "" {
				words = append(words, completion.Word{Name: c.ID(), About: c.User})
			}
		}
	}
	return once(words)
}

func (in *completing) contexts(given completion.Given, _ string) []completion.Word {
	all, _ := cluster.Contexts(cluster.Options{Kubeconfig: given.Last("kubeconfig"), CheckFile: checkOwnFile})
	var words []completion.Word
	for _, c := range all {
		words = append(words, completion.Word{Name: c.Name, About: c.Server})
	}
	return once(words)
}

func (in *completing) ledgers(given completion.Given) []plan.SetLedger {
	client := in.open(given)
	if client == nil {
		return nil
	}
	return observe.AllLedgers(in.ctx, client, []string{usersfile.DefaultLedgerNamespace}).List
}

// open returns nil where the cluster cannot be reached.
func (in *completing) open(given completion.Given) *cluster.Client {
	client, err := cluster.Open(in.ctx, cluster.Options{
		Kubeconfig: given.Last("kubeconfig"), Context: cmp.Or(given.Last("context"), os.Getenv(contextVariable)), As: given.Last("as"), AsGroups: given.All("as-group"),
		RequestTimeout: completionBudget, UserAgent: "provision/" + version, Purpose: cluster.ToRead, CheckFile: checkOwnFile,
		Waiting: func(cluster.Waiting) {},
	})
	if err != nil {
		return nil
	}
	return client
}

// plans are the saved plans in the folder that prefix names.
func plans(_ completion.Given, prefix string) []completion.Word {
	folder, _ := filepath.Split(prefix)
	return filesIn(folder, func(path string) bool {
		saved, err := savedplan.Is(path)
		return err == nil && saved
	})
}

// kubeconfigs are those that provision has written.
func kubeconfigs(given completion.Given, prefix string) []completion.Word {
	folder, _ := filepath.Split(prefix)
	if folder == "" {
		folder = filepath.Clean(cmp.Or(given.Last("output-dir"), os.Getenv(directoryVariable), defaultOutputDir)) + string(filepath.Separator)
	}
	return filesIn(folder, func(path string) bool { return strings.HasSuffix(path, ".kubeconfig") })
}

// filesIn are the regular files that count of a folder, which ends with a separator or is "".
func filesIn(folder string, counts func(path string) bool) []completion.Word {
	entries, _ := os.ReadDir(cmp.Or(folder, "."))
	var words []completion.Word
	for _, e := range entries {
		path := folder + e.Name()
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && counts(path) {
			words = append(words, completion.Word{Name: path})
		}
	}
	return words
}

// once sorts words by name, and keeps the first of each.
func once(words []completion.Word) []completion.Word {
	slices.SortStableFunc(words, func(a, b completion.Word) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(words, func(a, b completion.Word) bool { return a.Name == b.Name })
}
