package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sync/errgroup"
)

// attempt is one thing that somebody tries with kubectl. SET, NS and USER stand for the names of the script and of the user.
type attempt struct {
	args  string
	stdin string
	past  string // what the API server says, or kubectl, to those whom it lets do that where no node is behind it; "": nothing
}

// attempts are what a table of rights may have as rows, in the groups that docs/leaving.md has under "Revoking".
var attempts = map[string]attempt{
	"whoami": {args: "auth whoami"},

	"get":   {args: "get configmap seen -n NS"},
	"list":  {args: "get configmaps -n NS -o name"},
	"watch": {args: "get --raw /api/v1/namespaces/NS/configmaps?watch=true&timeoutSeconds=1"},

	"create":     {args: createStdin, stdin: newConfigMap},
	"dry-run":    {args: createStdin + " --dry-run=server", stdin: newConfigMap},
	"update":     {args: `patch configmap seen -n NS --type=merge -p {"data":{"by":"USER"}}`},
	"delete":     {args: "delete configmap doomed-USER -n NS"},
	"collection": {args: "delete --raw /api/v1/namespaces/NS/configmaps?labelSelector=doomed%3DUSER"},
	"eviction":   {args: "create --raw /api/v1/namespaces/NS/pods/doomed-USER/eviction -f -", stdin: eviction},
	"token":      {args: "create token robot -n NS"},

	"exec":           {args: "exec any -n NS -- true", past: noHost},
	"attach":         {args: "attach any -n NS", past: noHost},
	"port-forward":   {args: "port-forward any -n NS :80", past: noHost},
	"pods/proxy":     {args: "get --raw /api/v1/namespaces/NS/pods/any/proxy/", past: "address not allowed"},
	"services/proxy": {args: "get --raw /api/v1/namespaces/NS/services/any/proxy/", past: `no endpoints available for service "any"`},
	"nodes/proxy":    {args: "get --raw /api/v1/nodes/none/proxy/", past: `nodes "none" not found`},

	"as":            {args: createStdin + " --as=system:serviceaccount:NS:robot", stdin: newConfigMap},
	"old-token":     {args: createStdin, stdin: newConfigMap},
	"access-review": {args: createStdin, stdin: accessReview},
	"token-review":  {args: createStdin, stdin: tokenReview},
	"policy":        {args: createStdin + " --dry-run=server", stdin: policy},
}

const (
	createStdin = "create --validate=false -f -"
	noHost      = "does not have a host assigned"

	newConfigMap = "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: made-, namespace: NS}}"
	eviction     = `{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "doomed-USER", "namespace": "NS"}}`
	accessReview = "{apiVersion: authorization.k8s.io/v1, kind: LocalSubjectAccessReview, metadata: {namespace: NS}, " +
		"spec: {user: somebody, resourceAttributes: {namespace: NS, verb: get, resource: pods}}}"
	tokenReview = "{apiVersion: authentication.k8s.io/v1, kind: TokenReview, spec: {token: none}}"
	policy      = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: SET.USER}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]}
  validations: [{expression: "true"}]
`
)

// targets are what the attempts need, made by the administrator. A pod runs as far as its status goes: there is no node.
const (
	targets = `
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: NS}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robot, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: robot, namespace: NS}]
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: seen, namespace: NS}}
---
{apiVersion: v1, kind: Service, metadata: {name: any, namespace: NS}, spec: {ports: [{port: 80}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: any, namespace: NS}
spec: {serviceAccountName: robot, containers: [{name: c, image: none, stdin: true}]}
`
	targetsOfUser = `
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: doomed-USER, namespace: NS}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: one-of-USER, namespace: NS, labels: {doomed: USER}}}
---
apiVersion: v1
kind: Pod
metadata: {name: doomed-USER, namespace: NS}
spec: {serviceAccountName: robot, containers: [{name: c, image: none}]}
`
)

// cell is a user and what they try, and what is to come of it: yes, no (they have no right to it), blocked (our policy
// refuses it), refused (our authorizer does), or - (it is not tried).
type cell struct{ row, column, want, got, said string }

// rights tries everything that a table lists with kubectl and the kubeconfigs in a folder, FOLDER/$SET-COLUMN.kubeconfig, and
// compares what comes of it. What differs is tried again for a while: an API server takes a moment to notice what was taken away.
func rights(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "rights FOLDER TABLE")
	columns, cells := readTable(ts, ts.ReadFile(args[1]))
	t := tries{ts.MkAbs(args[0]), ts.Getenv("SET"), ts.Getenv("NS"), program(ts), ts.Getenv("SERVER")}
	left := func() (list []*cell) {
		for _, c := range cells {
			if c.got != c.want {
				list = append(list, c)
			}
		}
		return list
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		ts.Check(t.prepare(columns))
		t.all(left())
		if len(left()) == 0 {
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	for _, c := range left() {
		ts.Logf("%s by %s is %s, want %s:\n%s", c.row, c.column, c.got, c.want, c.said)
	}
	ts.Fatalf("the table is now\n%s", writeTable(columns, cells))
}

// readTable reads a table: the names of columns, then in each line attempts with commas between them, and a word for each column.
func readTable(ts *testscript.TestScript, text string) (columns []string, cells []*cell) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if columns == nil {
			columns = words
			continue
		}
		if len(words) != len(columns)+1 {
			ts.Fatalf("a row of the table has not %d words: %s", len(columns)+1, line)
		}
		for _, row := range strings.Split(words[0], ",") {
			if attempts[row].args == "" {
				ts.Fatalf("no such attempt: %s", row)
			}
			for i, word := range words[1:] {
				c := &cell{row: row, column: columns[i], want: word}
				if word == "-" {
					c.got = word
				}
				cells = append(cells, c)
			}
		}
	}
	return columns, cells
}

// writeTable is what readTable reads, of what has come.
func writeTable(columns []string, cells []*cell) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\t", strings.Join(columns, "\t"))
	for i, c := range cells {
		if i%len(columns) == 0 {
			fmt.Fprint(w, "\n", c.row)
		}
		fmt.Fprint(w, "\t", c.got)
	}
	w.Flush()
	return b.String()
}

// tries are how cells are tried.
type tries struct {
	dir, set, ns string
	program      func([]string) *exec.Cmd
	server       string
}

func (t tries) words(text, column string) string {
	return strings.NewReplacer("USER", column, "SET", t.set, "NS", t.ns).Replace(text)
}

// prepare makes what the attempts need and is not there.
func (t tries) prepare(columns []string) error {
	manifest := t.words(targets, "")
	for _, c := range columns {
		manifest += t.words(targetsOfUser, c)
	}
	if said, err := t.run(manifest, "apply", "--validate=false", "-f", "-"); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	said, err := t.run("", "patch", "pod", "any", "-n", t.ns, "--subresource=status", "-p", `{"status":{"phase":"Running"}}`)
	if err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// run runs kubectl and returns all that it says.
func (t tries) run(stdin string, args ...string) (string, error) {
	command := t.program(append([]string{"kubectl"}, args...))
	var said bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &said, &said
	err := command.Run()
	return said.String(), err
}

// all tries cells beside each other, but for the old token of a user: that comes after the new one.
func (t tries) all(cells []*cell) {
	for _, last := range []bool{false, true} {
		var g errgroup.Group
		g.SetLimit(4)
		for _, c := range cells {
			if (c.row == "old-token") == last {
				g.Go(func() error { t.try(c); return nil })
			}
		}
		g.Wait()
	}
}

var (
	byPolicy = regexp.MustCompile(`denied request: the certificate of \S+ was revoked on 20`)
	byConfig = regexp.MustCompile(`this-certificate-was-revoked`)
	byRBAC   = regexp.MustCompile(`forbidden: User "[^"]*" cannot `)
)

// try tries one cell.
func (t tries) try(c *cell) {
	a := attempts[c.row]
	token := t.dir + "-" + c.column + ".token"
	args := strings.Fields(t.words(a.args, c.column))
	if c.row == "old-token" {
		old, err := os.ReadFile(token)
		if err != nil {
			c.got, c.said = "?", err.Error()
			return
		}
		args = append(args, "--kubeconfig=/dev/null", "--server="+t.server, "--insecure-skip-tls-verify", "--token="+string(old))
	} else {
		args = append([]string{"--kubeconfig=" + filepath.Join(t.dir, t.set+"-"+c.column+".kubeconfig")}, args...)
	}
	said, err := t.run(t.words(a.stdin, c.column), args...)
	c.said = said
	switch {
	case byPolicy.MatchString(said):
		c.got = "blocked"
	case byConfig.MatchString(said):
		c.got = "refused"
	case err == nil, a.past != "" && regexp.MustCompile(a.past).MatchString(said):
		c.got = "yes"
	case byRBAC.MatchString(said):
		c.got = "no"
	default:
		c.got = "?"
	}
	if c.row == "token" && err == nil { // the first one is kept
		if _, err := os.Stat(token); err != nil {
			os.WriteFile(token, []byte(strings.TrimSpace(said)), 0o600)
		}
	}
}
