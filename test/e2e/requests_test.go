package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

var (
	requestTotal = regexp.MustCompile(`(?m)^apiserver_request_total\{([^}]*)\} ([0-9.e+]+)$`)
	metricLabel  = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
)

// requests runs a program, which must succeed, and writes how many requests the
// API server answered meanwhile by its own count, as JSON: "PUT
// certificatesigningrequests/approval": 20. Other clients count too, so it is
// for the scripts in testdata/solo.
func requests(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "requests FILE PROGRAM [ARG...]")
	before := countRequests(ts)
	ts.Check(ts.Exec(args[1], args[2:]...))
	counts := countRequests(ts)
	for what, n := range before {
		if counts[what] -= n; counts[what] == 0 {
			delete(counts, what)
		}
	}
	data, err := json.MarshalIndent(counts, "", "  ")
	ts.Check(err)
	ts.Logf("%s", data)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

func countRequests(ts *testscript.TestScript) map[string]int {
	command := exec.Command(filepath.Join(plane(ts).BinDir(), "kubectl"), "--kubeconfig", plane(ts).Kubeconfig(), "get", "--raw", "/metrics")
	out, err := command.Output()
	ts.Check(err)
	counts := map[string]int{}
	for _, m := range requestTotal.FindAllStringSubmatch(string(out), -1) {
		label := map[string]string{}
		for _, l := range metricLabel.FindAllStringSubmatch(m[1], -1) {
			label[l[1]] = l[2]
		}
		what := label["verb"] + " " + label["resource"]
		if label["subresource"] != "" {
			what += "/" + label["subresource"]
		}
		n, err := strconv.ParseFloat(m[2], 64)
		ts.Check(err)
		counts[what] += int(n)
	}
	if len(counts) == 0 {
		ts.Fatalf("no apiserver_request_total in /metrics")
	}
	return counts
}

// constant compares two files of requests: but for those that are named, no
// count may be more than a few apart, for what others ask in the background.
func constant(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 2, "constant FILE FILE [REQUEST...]")
	var a, b map[string]int
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &a))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &b))
	const few = 5
	var grown []string
	for what, n := range b {
		if d := n - a[what]; (d > few || d < -few) && !slices.Contains(args[2:], what) {
			grown = append(grown, what+": "+strconv.Itoa(a[what])+" and "+strconv.Itoa(n))
		}
	}
	if len(grown) > 0 {
		ts.Fatalf("not constant: %s", strings.Join(grown, "; "))
	}
}
