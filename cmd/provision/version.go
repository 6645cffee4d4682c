package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
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
