package main

import (
	"context"
	"time"

	"provision/internal/cluster"
)

// fileFlags say which users files to read.
type fileFlags struct {
	Filename []string `short:"f" default:"users.yaml" sep:"none" placeholder:"FILE" help:"Users file, a directory of them, or - for standard input. May be repeated. Default: users.yaml."`
}

// dirFlags say where the kubeconfigs are.
type dirFlags struct {
	OutputDir string `short:"d" default:"kubeconfigs" placeholder:"DIR" help:"Directory with one kubeconfig per user. Default: kubeconfigs."`
}

// clusterFlags say which cluster, and as whom.
type clusterFlags struct {
	Kubeconfig     string        `placeholder:"FILE" help:"Your own kubeconfig, with which you administer the cluster. Default: as kubectl finds it."`
	Context        string        `placeholder:"NAME" help:"The context to use in it. Default: the current one."`
	As             string        `placeholder:"USER" help:"Impersonate this user."`
	AsGroup        []string      `sep:"none" placeholder:"GROUP" help:"Impersonate this group. May be repeated."`
	RequestTimeout time.Duration `default:"60s" placeholder:"TIME" help:"Give up on a single request after this time; 0 is never. Default: 60s."`
}

func (f clusterFlags) open(ctx context.Context) (*cluster.Client, error) {
	return cluster.Open(ctx, cluster.Options{
		Kubeconfig: f.Kubeconfig, Context: f.Context, As: f.As, AsGroups: f.AsGroup,
		RequestTimeout: f.RequestTimeout, UserAgent: "provision/" + version,
	})
}

// outputFlags say in which form to print.
type outputFlags struct {
	Output string `short:"o" enum:"text,json,yaml" default:"text" placeholder:"FORMAT" help:"Output format: text, json or yaml."`
}
