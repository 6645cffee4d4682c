package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"provision/internal/cluster"
	"provision/internal/spec"
)

// flagTypes read what flags of these types (type:"...") hold.
func flagTypes() []kong.Option {
	return []kong.Option{
		kong.NamedMapper("time", flagType(readTime)),
		// An empty one is a variable that was not set.
		kong.NamedMapper("path", flagType(func(text string) (string, error) {
			if text == "" {
				return "", errors.New("must not be empty")
			}
			return text, nil
		})),
	}
}

func flagType[T any](read func(string) (T, error)) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return err
		}
		value, err := read(text)
		if err == nil {
			target.Set(reflect.ValueOf(value))
		}
		return err
	}
}

// readTime reads a duration as in the users file, or in bare seconds, as kubectl takes them. 0 is allowed.
func readTime(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	if text == "0s" {
		return 0, nil
	}
	d, err := spec.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q %w", text, err)
	}
	return d, nil
}

// defaultFile is the users file when none is named.
const defaultFile = "users.yaml"

// fileFlags say which users files to read.
type fileFlags struct {
	Filename []string `short:"f" default:"users.yaml" sep:"none" placeholder:"FILE" help:"Users file, a directory of them, or - for standard input. May be repeated. Default: users.yaml."`
}

// dirFlags say where the kubeconfigs are.
type dirFlags struct {
	OutputDir string `type:"path" short:"d" default:"kubeconfigs" placeholder:"DIR" help:"Directory with one kubeconfig per user. Default: kubeconfigs."`
}

// clusterFlags say which cluster, and as whom.
type clusterFlags struct {
	Kubeconfig     string        `placeholder:"FILE" help:"Your own kubeconfig, with which you administer the cluster. Default: as kubectl finds it."`
	Context        string        `placeholder:"NAME" help:"The context to use in it. Default: the current one."`
	As             string        `placeholder:"USER" help:"Impersonate this user."`
	AsGroup        []string      `sep:"none" placeholder:"GROUP" help:"Impersonate this group. May be repeated."`
	RequestTimeout time.Duration `type:"time" default:"60s" placeholder:"TIME" help:"Give up on a single request after this time; 0 is never. Default: 60s."`
}

func (f clusterFlags) open(ctx context.Context, sets []spec.Set) (*cluster.Client, error) {
	var ledgers []string
	for _, set := range sets {
		if !slices.Contains(ledgers, set.Ledger.Namespace) {
			ledgers = append(ledgers, set.Ledger.Namespace)
		}
	}
	client, err := cluster.Open(ctx, cluster.Options{
		Kubeconfig: f.Kubeconfig, Context: f.Context, As: f.As, AsGroups: f.AsGroup,
		RequestTimeout: f.RequestTimeout, UserAgent: "provision/" + version, LedgerNamespaces: ledgers,
	})
	if errors.Is(err, cluster.ErrNoKubeconfig) {
		if named := os.Getenv("KUBECONFIG"); named != "" && noneExists(filepath.SplitList(named)) {
			return nil, fmt.Errorf("%w: %s (KUBECONFIG) does not exist", err, named)
		}
		return nil, fmt.Errorf("%w: set KUBECONFIG or --kubeconfig to the one you administer the cluster with", err)
	}
	return client, err
}

func noneExists(paths []string) bool {
	return !slices.ContainsFunc(paths, func(path string) bool {
		_, err := os.Stat(path)
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// outputFlags say in which form to print.
type outputFlags struct {
	Output string `short:"o" enum:"text,json,yaml" default:"text" placeholder:"FORMAT" help:"Output format: text, json or yaml."`
}

// wishFlags ask for more than the file says. Plan and apply share them.
type wishFlags struct {
	Reissue        []string `json:"reissue,omitempty" sep:"none" placeholder:"USER" help:"Issue this user a new certificate, whatever she has. May be repeated."`
	ReissueAll     bool     `json:"reissueAll,omitempty" help:"Issue everybody a new certificate."`
	ReissueMissing bool     `json:"reissueMissing,omitempty" help:"Issue a new certificate to those whose kubeconfig is not in the output directory, though theirs still lives."`
	AllowDeletes   int      `json:"allowDeletes,omitempty" placeholder:"N" help:"Agree to exactly N deletions, the number that the plan shows, when they are many."`
	RebuildLedger  bool     `json:"rebuildLedger,omitempty" help:"Record the living certificates that the ledger has lost, from the directory and the cluster."`
}

// changeFlags say how changes are carried out.
type changeFlags struct {
	Yes          bool          `short:"y" help:"Do not ask. Needed where there is no terminal."`
	Concurrency  int           `default:"32" placeholder:"N" help:"Requests for certificates to the API server at once; roles and bindings have a quarter of that besides. Default: 32."`
	StallTimeout time.Duration `type:"time" default:"60s" placeholder:"TIME" help:"Stop when the signer has issued nothing for this time. Default: 60s."`
	LockTimeout  time.Duration `type:"time" default:"60s" placeholder:"TIME" help:"Wait this long for another apply of the same set, or in the same directory. Default: 60s."`
	DryRun       string        `name:"dry-run" enum:"none,server" default:"none" placeholder:"MODE" help:"none, or server: the API server checks every request and keeps nothing; no file is written."`
	ShowAll      bool          `help:"List every user and subject, however many."`
}
