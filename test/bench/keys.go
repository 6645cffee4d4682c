package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"flag"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// keysAlone is the lower bound where making keys is the work: RSA-3072 keys on all cores, and nothing else.
func keysAlone(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("keys-alone", flag.ContinueOnError)
	n := flags.Int("n", 300, "keys")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for range *n {
		g.Go(func() error {
			_, err := rsa.GenerateKey(rand.Reader, 3072)
			return err
		})
	}
	return g.Wait()
}
