// Command kubernetes is etcd, kube-apiserver, kube-controller-manager and
// kubectl in one binary, for tests: they share most of their code, so one link
// takes a quarter of the time and the space of four.
//
// The name under which it is called chooses (a symbolic link "kubectl"), or
// else its first argument ("kubernetes kube-apiserver --flag ...").
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	_ "time/tzdata" // kube-controller-manager: time zones of CronJobs

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // metrics of client-go
	_ "k8s.io/component-base/metrics/prometheus/version"  // metric kubernetes_build_info
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// endWithStdin is the environment variable that ties a server to its parent:
// when it is set, the end of standard input ends the process. The parent holds
// the other end of that pipe and never writes, so the kernel closes it however
// the parent dies. This works on every system; a death signal is Linux only.
const endWithStdin = "PROVISION_TEST_END_WITH_STDIN"

func main() {
	os.Exit(run())
}

// run starts the program that os.Args asks for. It edits os.Args, because the
// four programs read it themselves.
func run() int {
	programs := map[string]func() int{
		"etcd":                    etcd,
		"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
		"kube-controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
		"kubectl":                 kubectl,
	}
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	if programs[name] == nil && len(os.Args) > 1 {
		os.Args = os.Args[1:]
		name = os.Args[0]
	}
	program := programs[name]
	if program == nil {
		fmt.Fprintln(os.Stderr, "usage: kubernetes etcd|kube-apiserver|kube-controller-manager|kubectl [flags]")
		return 2
	}
	if os.Getenv(endWithStdin) != "" {
		os.Unsetenv(endWithStdin)
		go exitAtEnd(os.Stdin)
	}
	return program()
}

// exitAtEnd ends the process when r ends. It does not shut down in order: a
// control plane without its launcher has nothing left worth saving.
func exitAtEnd(r io.Reader) {
	io.Copy(io.Discard, r)
	os.Exit(1)
}

func etcd() int {
	etcdmain.Main(os.Args)
	return 0
}
