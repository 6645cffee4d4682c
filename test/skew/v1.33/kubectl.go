package main

import (
	_ "k8s.io/client-go/plugin/pkg/client/auth" // authentication plugins
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

// kubectl repeats the main function of k8s.io/kubernetes/cmd/kubectl of this
// minor. All else is as in test/kubernetes, to which main.go is a link.
func kubectl() int {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err) // prints and exits
	}
	return 0
}
