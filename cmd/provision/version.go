package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

type versionCmd struct{}

func (versionCmd) Run(s streams) error {
	fmt.Fprintf(s.out, "provision %s (%s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "k8s.io/client-go" {
				fmt.Fprintf(s.out, ", client-go %s", m.Version)
			}
		}
	}
	fmt.Fprintln(s.out, ")")
	return nil
}

// versionFlag makes --version say what the command version says, whatever else is on the line.
type versionFlag bool

// BeforeReset is called by kong where the flag stands.
func (versionFlag) BeforeReset(app *kong.Kong, s streams) error {
	if err := (versionCmd{}).Run(s); err != nil {
		return err
	}
	app.Exit(exitDone)
	return nil
}
