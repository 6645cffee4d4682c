package main

import (
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"provision/internal/view"
)

type versionCmd struct{ outputFlags }

func (c versionCmd) Run(s view.Streams) error {
	b := view.Build{Version: version, Commit: commit, Date: date, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "k8s.io/client-go" {
				b.ClientGo = m.Version
			}
		}
	}
	return b.Print(s, c.Output)
}

// versionFlag makes --version say what the command version says, whatever else is on the line.
type versionFlag bool

// BeforeReset is called by kong where the flag stands.
func (versionFlag) BeforeReset(app *kong.Kong, s view.Streams) error {
	if err := (versionCmd{outputFlags{"text"}}).Run(s); err != nil {
		return err
	}
	app.Exit(exitDone)
	return nil
}
