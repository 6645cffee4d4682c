package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/hint"
	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

// fileFlags say which users files to read.
type fileFlags struct {
	Filename []string `short:"f" env:"PROVISION_FILE" default:"users.yaml" sep:"none" placeholder:"FILE" complete:"usersfile" help:"Users file, a directory of them, or - for standard input. May be repeated. Default: users.yaml."`
}

// fileVariable, directoryVariable and contextVariable are the environment variables that stand for flags which are not given.
const (
	fileVariable      = "PROVISION_FILE"
	directoryVariable = "PROVISION_OUTPUT_DIR"
	contextVariable   = "PROVISION_CONTEXT"
)

// unnamedFile is the users file where the command line names none.
func unnamedFile() string { return cmp.Or(os.Getenv(fileVariable), usersfile.DefaultFile) }

// load reads the users files, for a command that goes on without what mistakes in them are about: what one team wrote must not
// keep the others from being renewed, nor anybody's rights from being taken away. The mistakes are told at once; err is that
// nothing is left to go on with.
func (f fileFlags) load(ctx context.Context, s view.Streams) (sets []usersfile.Set, broken usersfile.Errors, err error) {
	sets, err = f.loadAll(ctx, s)
	if err == nil {
		return sets, nil, nil
	}
	broken, mistakes := errors.AsType[usersfile.Errors](err)
	if !mistakes || len(sets) == 0 {
		return nil, nil, err
	}
	s.Error(err)
	return sets, broken, nil
}

// loadAny is load for a command that can do without users files: the default one need not be there.
func (f fileFlags) loadAny(ctx context.Context, s view.Streams) ([]usersfile.Set, usersfile.Errors, error) {
	sets, broken, err := f.load(ctx, s)
	if errors.Is(err, fs.ErrNotExist) && slices.Equal(f.Filename, []string{usersfile.DefaultFile}) {
		return nil, nil, nil
	}
	return sets, broken, err
}

// loadAll reads the users files. An error may leave sets that it is not about. Reading a terminal or a pipe may last for ever,
// so an interrupt ends the wait.
func (f fileFlags) loadAll(ctx context.Context, s view.Streams) ([]usersfile.Set, error) {
	type loaded struct {
		sets []usersfile.Set
		err  error
	}
	done := make(chan loaded, 1)
	go func() {
		sets, err := usersfile.Load(f.Filename, s.In, credential.JudgeOwnRequest)
		done <- loaded{sets, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case l := <-done:
		return l.sets, l.err
	}
}

// tellSkipped says what of directories of users files is not read: a team's file may be among it.
func (f fileFlags) tellSkipped(s view.Streams) {
	if skipped := usersfile.Skipped(f.Filename); len(skipped) > 0 {
		s.Note("not read, as -f takes *.yaml, *.yml and *.json directly in a directory: " + view.Listed(skipped))
	}
}

// setFlags say which sets: those of users files, or some by name.
type setFlags struct {
	fileFlags
	Set []string `sep:"none" placeholder:"NAME" complete:"set" help:"A set by its name, as the ledger in the cluster knows it, instead of a users file. May be repeated."`
}

// byFile reports whether users files are to be read.
func (f setFlags) byFile() (bool, error) {
	if len(f.Set) > 0 && !slices.Equal(f.Filename, []string{unnamedFile()}) {
		return false, errors.New("--set names a set without its users file: leave out --filename")
	}
	return len(f.Set) == 0, nil
}

// load reads the users files, if any are to be read.
func (f setFlags) load(ctx context.Context, s view.Streams) ([]usersfile.Set, usersfile.Errors, error) {
	if byFile, err := f.byFile(); !byFile {
		return nil, nil, err
	}
	return f.fileFlags.load(ctx, s)
}

// loadEach reads each users file by itself: mistakes in one do not stand in the way of the others.
func (f setFlags) loadEach(s view.Streams) ([]usersfile.Set, usersfile.Errors, error) {
	if byFile, err := f.byFile(); !byFile {
		return nil, nil, err
	}
	sets, broken := usersfile.LoadEach(f.Filename, s.In, credential.JudgeOwnRequest)
	if len(sets) == 0 {
		return nil, nil, broken
	}
	return sets, broken, nil
}

// named are the sets that were read, or those that --set names. Doubt is told when all is done.
func (f setFlags) named(ctx context.Context, client *cluster.Client, sets []usersfile.Set) (_ []usersfile.Set, doubt, err error) {
	if len(f.Set) == 0 {
		return sets, nil, nil
	}
	return observe.NamedSets(ctx, client, f.Set)
}

// ledgerNamespaces are where sets keep their ledgers.
func ledgerNamespaces(sets []usersfile.Set) []string {
	var list []string
	for _, set := range sets {
		list = append(list, set.Ledger.Namespace)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// defaultOutputDir is that of the flags below.
const defaultOutputDir = "kubeconfigs"

// dirFlags say where the kubeconfigs are.
type dirFlags struct {
	OutputDir string `type:"path" short:"d" env:"PROVISION_OUTPUT_DIR" default:"kubeconfigs" placeholder:"DIR" complete:"directory" help:"Directory with one kubeconfig per user. Default: kubeconfigs."`
}

// clusterFlags say which cluster, and as whom.
type clusterFlags struct {
	Kubeconfig     string        `placeholder:"FILE" complete:"file" help:"Your own kubeconfig, with which you administer the cluster. Default: $KUBECONFIG, then ~/.kube/config."`
	Context        string        `env:"PROVISION_CONTEXT" placeholder:"NAME" complete:"context" help:"The context to use in it. Default: the current one."`
	As             string        `placeholder:"USER" complete:"free" help:"Impersonate this user."`
	AsGroup        []string      `sep:"none" placeholder:"GROUP" complete:"free" help:"Impersonate this group. May be repeated."`
	RequestTimeout time.Duration `type:"time" default:"60s" placeholder:"TIME" complete:"free" help:"Give up on a single request after this time; 0: no limit. Default: 60s."`
}

func (f clusterFlags) open(ctx context.Context, s view.Streams, sets []usersfile.Set, purpose cluster.Purpose) (*cluster.Client, error) {
	name, uid, err := observe.OneCluster(sets, f.Context)
	if err != nil {
		return nil, err
	}
	client, err := cluster.Open(ctx, cluster.Options{
		Kubeconfig: f.Kubeconfig, Context: name, As: f.As, AsGroups: f.AsGroup,
		RequestTimeout: f.RequestTimeout, UserAgent: "provision/" + version, Purpose: purpose, LedgerNamespaces: ledgerNamespaces(sets),
		ClusterUID: uid.Cluster.UID,
		CheckFile:  checkOwnFile,
		Waiting:    func(w cluster.Waiting) { s.Say(view.WaitingWords(w)) },
	})
	if _, other := errors.AsType[*cluster.OtherClusterError](err); other {
		return nil, hint.With(fmt.Errorf("%s: cluster.uid: the users file is for another cluster: %w", uid.Cluster.UIDPos, err), "choose the context of that cluster (--context)")
	}
	if errors.Is(err, cluster.ErrNoKubeconfig) {
		if named := os.Getenv("KUBECONFIG"); strings.Trim(named, string(filepath.ListSeparator)) != "" && noneExists(filepath.SplitList(named)) {
			return nil, fmt.Errorf("%w: %s (KUBECONFIG) does not exist", err, named)
		}
		if f.Kubeconfig == "" && os.Getenv("HOME") == "" && os.Getenv("KUBECONFIG") == "" {
			err = fmt.Errorf("%w (HOME is not set, so there is no default one)", err)
		}
		return nil, fmt.Errorf("%w: set KUBECONFIG or --kubeconfig to the one you administer the cluster with", err)
	}
	return client, err
}

// command is one that reads users files and works on the cluster that they are for.
type command interface {
	load(context.Context, view.Streams) ([]usersfile.Set, usersfile.Errors, error)
	tellSkipped(view.Streams)
	open(context.Context, view.Streams, []usersfile.Set, cluster.Purpose) (*cluster.Client, error)
}

// begin reads the users files of a command and opens the cluster. Directories or parts of them that are not read are told between the two.
func begin(ctx context.Context, s view.Streams, c command, purpose cluster.Purpose) (sets []usersfile.Set, broken usersfile.Errors, client *cluster.Client, err error) {
	if sets, broken, err = c.load(ctx, s); err == nil {
		c.tellSkipped(s)
		client, err = c.open(ctx, s, sets, purpose)
	}
	return sets, broken, client, err
}

func noneExists(paths []string) bool {
	return !slices.ContainsFunc(paths, func(path string) bool {
		_, err := os.Stat(path)
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// outputFlags say in which form to print.
type outputFlags struct {
	Output string `short:"o" type:"format" formats:"text,json,yaml" default:"text" placeholder:"FORMAT" help:"Output format: text, json, yaml, jsonpath=TEMPLATE or go-template=TEMPLATE."`
}

// pickFlags say which users of the files are meant.
type pickFlags struct {
	User []string `arg:"" optional:"" name:"user" placeholder:"USER" complete:"user" help:"Only these users. Default: all."`
}

// check refuses a name that nobody has who is known.
func (f pickFlags) check(sets []usersfile.Set, known func(string) bool) error {
	for _, name := range f.User {
		if !known(name) {
			return hint.With(fmt.Errorf("no user is called %s", plan.Quoted(name)), view.Meant(name, "", sets))
		}
	}
	return nil
}

// meant reports whether a user is among those who are meant.
func (f pickFlags) meant(user string) bool { return len(f.User) == 0 || slices.Contains(f.User, user) }

// wishFlags ask for more than the file says. Plan and apply share them.
type wishFlags struct {
	forgetFlags
	Reissue        []string `json:"reissue,omitempty" sep:"none" placeholder:"USER" complete:"user" help:"Issue this user a new certificate even if the present one is valid. May be repeated."`
	ReissueAll     bool     `json:"reissueAll,omitempty" help:"Issue everybody a new certificate."`
	ReissueMissing bool     `json:"reissueMissing,omitempty" help:"Issue a new certificate to those whose kubeconfig is not in the output directory, even if a valid certificate exists elsewhere: for one that was lost. It is no answer to one that was stolen, which lives on (provision revoke --help)."`
	RenewElsewhere bool     `json:"renewElsewhere,omitempty" help:"Renew here, when it is due, a certificate whose kubeconfig is not in the output directory."`
	Target         []string `json:"target,omitempty" sep:"none" placeholder:"USER" complete:"user" help:"Give only to this user; what takes rights away is done for everybody. The plan tells what is left out. May be repeated."`
	AllowDeletes   int      `json:"allowDeletes,omitempty" placeholder:"N" complete:"free" help:"Allow exactly N deletions. Needed when the plan deletes many; it shows the number."`
	RebuildLedger  bool     `json:"rebuildLedger,omitempty" help:"Record the living certificates that the ledger has lost, from the directory and the cluster."`
}

// forgetFlags say which clusters are no more. Plan, apply and destroy share them.
type forgetFlags struct {
	ForgetCluster []string `json:"forgetCluster,omitempty" sep:"none" placeholder:"UID" complete:"free" help:"Take the entries of a cluster that is no more (the UID of its namespace kube-system) out of the kubeconfigs. May be repeated."`
}

// changeFlags say how changes are carried out.
type changeFlags struct {
	Yes          bool          `short:"y" help:"Do not ask. Needed where there is no terminal."`
	Concurrency  int           `default:"32" placeholder:"N" complete:"free" help:"Requests for certificates to the API server at once; roles and bindings have a quarter of that besides. Default: 32."`
	StallTimeout time.Duration `type:"time" default:"60s" placeholder:"TIME" complete:"free" help:"Stop when the signer has issued nothing for this time. Default: 60s."`
	ClockSkew    time.Duration `type:"time" default:"5m" placeholder:"TIME" complete:"free" help:"Believe the dates of an issued certificate if the signer's clock and the API server's are this far apart at most. Default: 5m."`
	LockTimeout  time.Duration `type:"time" default:"60s" placeholder:"TIME" complete:"free" help:"Wait this long for another apply of the same set, or in the same directory. Default: 60s."`
	DryRun       string        `name:"dry-run" enum:"none,server" default:"none" placeholder:"MODE" help:"none, or server: the API server checks every request and keeps nothing, no file is written, and what cannot be checked so is named."`
	ShowAll      bool          `help:"List every user and subject, however many."`
}
