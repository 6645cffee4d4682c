package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"provision/internal/view"
)

type versionCmd struct{}

func (versionCmd) Run(s view.Streams) error {
	fmt.Fprintf(s.Out, "provision %s (%s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "k8s.io/client-go" {
				fmt.Fprintf(s.Out, ", client-go %s", m.Version)
			}
		}
	}
	fmt.Fprintln(s.Out, ")")
	return nil
}

// versionFlag makes --version say what the command version says, whatever else is on the line.
type versionFlag bool

// BeforeReset is called by kong where the flag stands.
func (versionFlag) BeforeReset(app *kong.Kong, s view.Streams) error {
	if err := (versionCmd{}).Run(s); err != nil {
		return err
	}
	app.Exit(exitDone)
	return nil
}
