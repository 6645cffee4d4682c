package view

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/observe"
	"provision/internal/outdir"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

var update = flag.Bool("update", false, "write testdata anew")

// at is when the plans of these tests are made.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const teamFile = `apiVersion: provision/v1alpha1
kind: Users
name: team
cluster: {server: "https://public.prod:6443"}
roles:
  - name: developer
    namespaces: [shop]
    rules:
      - {apiGroups: [""], resources: [pods, services], verbs: [get, list]}
      - {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
groups:
  - {name: oncall, bindTo: Group, roles: [{clusterRole: view}]}
users:
  - {name: jane, groups: [oncall], roles: [{role: developer, namespaces: [shop]}]}
  - {name: joe@shop.example, duration: 12h, roles: [{clusterRole: edit, namespaces: [shop]}]}
  - {name: Łukasz Żółć, groups: [oncall], keyAlgorithm: Ed25519, roles: [{clusterRole: cluster-admin}]}
`

// team is a desired state and an empty cluster in which all that it refers to exists.
func team(t *testing.T, file string) (plan.Desired, plan.Observed) {
	t.Helper()
	sets, err := usersfile.Load([]string{"-"}, strings.NewReader(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	o := plan.Observed{
		LedgerNamespace: true, Namespaces: map[string]bool{"shop": true},
		Files: map[string]plan.File{}, Keys: map[string]plan.Key{},
		RoleOwners: map[plan.ObjectKey]string{}, BindingOwners: map[plan.ObjectKey]string{},
	}
	for _, name := range []string{"view", "edit", "cluster-admin"} {
		o.RoleOwners[plan.ObjectKey{Name: name}] = ""
	}
	return plan.Expand(sets[0], plan.Context{Name: "admin@prod", Endpoint: operator}), o
}

var operator = plan.Endpoint{Name: "prod", Server: "https://prod:6443", CertificateAuthorityData: []byte("CA")}

// keyHash is the hash of a public key that never was.
func keyHash(of string) string {
	sum := sha256.Sum256([]byte(of))
	return hex.EncodeToString(sum[:])
}

// has gives a user the kubeconfig that they are to have, and its record.
func has(o *plan.Observed, u plan.User, issued time.Time) {
	c := u.Certificate
	c.KeyHash, c.NotBefore, c.NotAfter = keyHash(c.User), issued.Add(-5*time.Minute), issued.Add(c.Duration)
	o.Files[c.User] = plan.File{
		Name: u.Kubeconfig.File, State: plan.FileOurs, Owner: "team", Mode: 0o600, Kubeconfig: u.Kubeconfig, Certificate: &c, KeyMatches: true,
	}
	o.Ledger = append(o.Ledger, plan.Record{
		User: c.User, Groups: c.Groups, KeyHash: c.KeyHash, Duration: c.Duration, Intended: issued, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
	})
}

// A name that is printed to be pasted is one word to a shell, whatever it is.
func TestObjectName(t *testing.T) {
	for name, want := range map[string]string{
		"provision:team:edit:1": "rolebinding/provision:team:edit:1 -n shop",
		"Łukasz":                "rolebinding/Łukasz -n shop",
		"x -n y; touch pwned #": "rolebinding/'x -n y; touch pwned #' -n shop",
		"it's $(id)":            `rolebinding/'it'\''s $(id)' -n shop`,
	} {
		if got := objectName(plan.Object{Kind: "RoleBinding", Namespace: "shop", Name: name}); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A name cannot take a colour of ours, and with it the look of another line.
func Test(t *testing.T) {
	if got := (style{}).flat("x\n\x1b[32mbob cannot authenticate\x1b[0m"); got != `x\n\u001b[32mbob cannot authenticate\u001b[0m` {
		t.Errorf("%q", got)
	}
}

// rendered is what a person sees of a plan on a screen without colours.
func rendered(t *testing.T, d plan.Desired, o plan.Observed, all bool, missing ...plan.Permission) string {
	t.Helper()
	dir, err := outdir.OpenRead("kubeconfigs")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	p := plan.Proposal{Plan: plan.Compute(d, o, at), Source: "users.yaml", Operator: "alice", Desired: d, Observed: o, Missing: missing}
	Page{Dir: dir.Path(), Endpoint: operator, All: all}.plan(pen{w: printable{w: &out}}, p)
	return out.String()
}

// golden compares with a file in testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s says\n%s\nwant (go test ./cmd/provision -update writes it)\n%s", name, got, want)
	}
}

func TestFirstApply(t *testing.T) {
	d, o := team(t, teamFile)
	o.LedgerNamespace = false
	golden(t, "first", rendered(t, d, o, false))
}

func TestNoChanges(t *testing.T) {
	d, o := team(t, strings.Replace(teamFile, "roles:\n  - name: developer\n    namespaces: [shop]\n    rules:\n      - {apiGroups: [\"\"], resources: [pods, services], verbs: [get, list]}\n      - {apiGroups: [\"*\"], resources: [\"*\"], verbs: [\"*\"]}\n", "", 1))
	o.RoleOwners[plan.ObjectKey{Namespace: "shop", Name: "developer"}] = ""
	for _, u := range d.Users {
		has(&o, u, at.Add(-time.Hour))
	}
	o.Bindings = slices.Clone(d.Bindings)
	golden(t, "no-changes", rendered(t, d, o, false))
}

func TestMixOfChanges(t *testing.T) {
	d, o := team(t, teamFile+`  - {name: kept}
  - {name: due}
  - {name: moved}
  - {name: far}
  - {name: resumed}
  - {name: expired, duration: 1h}
`)
	byName := map[string]plan.User{}
	for _, u := range d.Users {
		byName[u.Certificate.User] = u
	}
	for name, age := range map[string]time.Duration{"jane": time.Hour, "kept": time.Hour, "moved": time.Hour, "due": 25 * 24 * time.Hour, "expired": 2 * time.Hour} {
		has(&o, byName[name], at.Add(-age))
	}
	o.Files["jane"].Certificate.Groups = []string{"admins", "oncall"}
	for i := range o.Ledger {
		if o.Ledger[i].User == "jane" {
			o.Ledger[i].Groups = o.Files["jane"].Certificate.Groups
		}
	}
	moved := o.Files["moved"]
	moved.Kubeconfig.Endpoint.Server, moved.Mode = "https://old:6443", 0o644
	o.Files["moved"] = moved
	left := byName["kept"]
	left.Certificate.User, left.Kubeconfig.File = "left", "left.kubeconfig"
	has(&o, left, at.Add(-time.Hour))
	far := byName["far"].Certificate
	o.Ledger = append(o.Ledger, plan.Record{User: "far", Groups: far.Groups, KeyHash: keyHash("far"), Duration: far.Duration, NotBefore: at.Add(-10 * 24 * time.Hour), NotAfter: at.Add(20 * 24 * time.Hour)})
	request := plan.RequestName("team", "resumed", keyHash("resumed"))
	o.Keys["resumed"] = plan.Key{KeyHash: keyHash("resumed"), KeyAlgorithm: usersfile.ECDSAP256, Request: request}
	o.Requests = []plan.Request{
		{Name: request, UID: "1", State: plan.Approved, KeyHash: keyHash("resumed"), User: "resumed", Duration: byName["resumed"].Certificate.Duration, Conforms: true},
		{Name: "provision-team-root", UID: "2", State: plan.Pending, KeyHash: keyHash("root"), User: "root"},
	}
	o.Roles = []plan.Role{
		{Namespace: "shop", Name: "developer", Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}}}},
		{Name: "old"},
	}
	for i, b := range d.Bindings {
		b.Subjects = slices.Clone(b.Subjects)
		if b.RoleRef.Name == "edit" {
			b.Subjects = append(b.Subjects, plan.Subject{Kind: "User", Name: "left"})
		}
		if b.RoleRef.Name == "view" {
			b.RoleRef.Name = "admin" // made anew by somebody
		}
		if i > 0 {
			o.Bindings = append(o.Bindings, b)
		}
		o.BindingOwners[plan.ObjectKey{Namespace: b.Namespace, Name: b.Name}] = "team"
	}
	golden(t, "mix", rendered(t, d, o, false))
}

func TestBlocked(t *testing.T) {
	d, o := team(t, teamFile)
	o.Namespaces = nil
	o.Files["jane"] = plan.File{Name: "jane.kubeconfig", State: plan.FileForeign, Error: "it is a pipe"}
	o.Ledger = []plan.Record{{User: "joe@shop.example", KeyHash: keyHash("joe"), NotAfter: at.Add(time.Hour), Removed: at}}
	delete(o.RoleOwners, plan.ObjectKey{Name: "edit"})
	golden(t, "blocked", rendered(t, d, o, false,
		plan.Permission{Verb: "create", Resource: "configmaps", Namespace: "provision-system"},
		plan.Permission{Verb: "approve", Group: "certificates.k8s.io", Resource: "signers", Name: plan.SignerName}))
}

// many is a set of n users.
func many(n int) string {
	file := strings.Builder{}
	file.WriteString("apiVersion: provision/v1alpha1\nkind: Users\nname: team\ngroups: [{name: all, bindTo: Members, roles: [{clusterRole: view}]}]\nusers:\n")
	for i := range n {
		fmt.Fprintf(&file, "  - {name: user%05d, groups: [all]}\n", i)
	}
	return file.String()
}

func TestManyUsersStayShort(t *testing.T) {
	d, o := team(t, many(3000))
	got := rendered(t, d, o, false)
	golden(t, "3000", got)
	if n := strings.Count(got, "\n"); n > 100 {
		t.Errorf("%d lines: two screens have 100", n)
	}
	whole := rendered(t, d, o, true)
	if n := usersIn(whole, "users", "bindings"); n != 3000 {
		t.Errorf("--show-all lists %d certificates", n)
	}
	if n := usersIn(whole, "bindings", "plan:"); n != 3000 {
		t.Errorf("--show-all lists %d subjects", n)
	}
}

// usersIn counts the users of many that the text names between the beginnings of two lines.
func usersIn(text, from, to string) int {
	_, text, _ = strings.Cut(text, "\n"+from)
	text, _, _ = strings.Cut(text, "\n"+to)
	found := regexp.MustCompile(`\buser\d{5}\b`).FindAllString(text, -1)
	slices.Sort(found)
	return len(slices.Compact(found))
}

// The same plan on terminals: no line is wider, and few lines are broken on one that is wide.
func TestPlanFits(t *testing.T) {
	d, o := team(t, many(300))
	p := plan.Proposal{Plan: plan.Compute(d, o, at), Source: "users.yaml", Operator: "alice", Desired: d, Observed: o}
	for columns, most := range map[int]int{40: 75, 80: 50, 200: 40} {
		var out strings.Builder
		Page{Dir: "kubeconfigs", Endpoint: operator}.plan(pen{w: &out, columns: columns}, p)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) > most {
			t.Errorf("%d lines at %d columns:\n%s", len(lines), columns, out.String())
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > columns && strings.Contains(strings.TrimLeft(line, " +"), " ") {
				t.Errorf("wider than %d columns: %s", columns, line)
			}
		}
	}
}

// All that goes is listed, and so are all who get cluster-admin: nothing hides in a count.
func TestWhatGoesIsListed(t *testing.T) {
	d, o := team(t, many(300))
	for _, u := range d.Users {
		has(&o, u, at.Add(-time.Hour))
	}
	o.Bindings = []plan.Binding{d.Bindings[0]}
	d.Users = d.Users[:1]
	d.Bindings[0].RoleRef.Name = "cluster-admin"
	d.Bindings[0].Name = plan.BindingName("team", d.Bindings[0].RoleRef)
	got := rendered(t, d, o, false)
	if n := usersIn(got, "users", "bindings"); n != 299 {
		t.Errorf("%d of 299 removals are listed", n)
	}
	if n := usersIn(got, "bindings", "      + users"); n != 300 {
		t.Errorf("%d of 300 subjects that go are listed", n)
	}
	if n := usersIn(got, "      + users", "ledger"); n != 300 {
		t.Errorf("%d of 300 subjects that get cluster-admin are listed", n)
	}
}

// evil is a text that tries to look like lines of a plan, to hide them, and to paint.
const evil = "x\n  + clusterrolebinding/forged\r\n\x1b[2K\x1b[1A\tplan: no changes\n\u202e\u0085\u2028y"

// named is a world in which everything that others can name has a name of n. It has every kind of row.
func named(t *testing.T, n string) (plan.Desired, plan.Observed) {
	t.Helper()
	d, o := team(t, teamFile)
	u := d.Users[0]
	u.Certificate.User, u.Certificate.Groups = "left "+n, []string{"group " + n}
	u.Kubeconfig.File = usersfile.FileName(u.Certificate.User)
	has(&o, u, at.Add(-time.Hour))
	has(&o, d.Users[0], at.Add(-time.Hour))
	have := o.Files[d.Users[0].Certificate.User]
	have.Certificate.User, have.Certificate.Groups = "other "+n, []string{"group " + n}
	have.Kubeconfig.Namespace, have.Kubeconfig.Context = "namespace "+n, "context "+n
	have.Kubeconfig.Endpoint.Server, have.Kubeconfig.Endpoint.TLSServerName, have.Kubeconfig.Endpoint.ProxyURL = "https://"+n, "tls "+n, "http://"+n
	have.Others, have.OtherContext, have.Edited = []plan.Entry{{Kind: "user", Name: n}, {Kind: "context", Name: n}}, "context "+n, []string{"exec"}
	o.Files[d.Users[0].Certificate.User] = have
	o.Files[d.Users[1].Certificate.User] = plan.File{Name: "b.kubeconfig", State: plan.FileForeign, Error: "error " + n}
	o.Files[d.Users[2].Certificate.User] = plan.File{Name: "c.kubeconfig", State: plan.FileOtherSet, Owner: "set " + n}
	subject := plan.Subject{Kind: "User", Name: "subject " + n}
	ref := plan.RoleRef{Kind: "ClusterRole", Name: "role " + n}
	o.Bindings = []plan.Binding{
		{Namespace: "namespace " + n, Name: "provision:team:" + n, RoleRef: ref, Subjects: []plan.Subject{subject}},
		{Namespace: d.Bindings[0].Namespace, Name: d.Bindings[0].Name, RoleRef: ref, Subjects: []plan.Subject{subject}},
		{Namespace: "namespace " + n, Name: "copied " + n, RoleRef: ref, Subjects: []plan.Subject{subject}},
	}
	o.BindingOwners[plan.ObjectKey{Namespace: "namespace " + n, Name: "provision:team:gone:" + n}] = ""
	o.BindingOwners[plan.ObjectKey{Namespace: d.Bindings[1].Namespace, Name: d.Bindings[1].Name}] = "set " + n
	o.Roles = []plan.Role{{Namespace: "namespace " + n, Name: "role " + n}, {Namespace: "shop", Name: "developer", Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"g" + n}, Resources: []string{"r" + n}, Verbs: []string{"v" + n}, ResourceNames: []string{"n" + n}}, {NonResourceURLs: []string{"/" + n}, Verbs: []string{n}},
	}}}
	key := keyHash("tried")
	o.Keys["tried "+n] = plan.Key{KeyHash: key, Request: "request " + n}
	o.Requests = []plan.Request{
		{Name: plan.RequestName("team", "tried "+n, key), State: plan.Pending, KeyHash: key, User: "tried " + n, Conforms: true},
		{Name: "bait " + n, State: plan.Pending, KeyHash: keyHash("bait"), User: n},
	}
	o.Ledger = append(o.Ledger,
		plan.Record{User: "denied " + n, KeyHash: keyHash("denied"), Request: plan.RequestName("team", "denied "+n, keyHash("denied")), Intended: at, Duration: time.Hour, Removed: at},
		plan.Record{User: "away " + n, KeyHash: keyHash("away"), Groups: []string{"group " + n}, NotAfter: at.Add(time.Hour)})
	o.Requests = append(o.Requests, plan.Request{Name: o.Ledger[len(o.Ledger)-2].Request, State: plan.Denied, KeyHash: keyHash("denied"), User: "denied " + n, Conforms: true, Message: n})
	o.LedgerProblems = []plan.Problem{{Code: plan.LedgerUnreadable, Object: plan.Object{Kind: "ConfigMap", Namespace: "provision-system", Name: "configmap " + n}, Detail: "detail " + n}}
	o.ClientCAError = "forbidden " + n
	return d, o
}

var escapes = regexp.MustCompile("[\x00-\x09\x0b-\x1f\x7f\u0080-\u009f\u202a-\u202e]")

// Whatever names are in the cluster and on the disk, the plan has the same lines, and nothing in it steers the terminal.
func TestHostileNames(t *testing.T) {
	plain, o := named(t, "z")
	want := rendered(t, plain, o, true)
	d, o := named(t, evil)
	got := rendered(t, d, o, true)
	if a, b := strings.Count(want, "\n"), strings.Count(got, "\n"); a != b || a < 40 {
		t.Errorf("%d lines with plain names, %d with hostile ones:\n%s\n%s", a, b, want, got)
	}
	if found := escapes.FindString(got); found != "" {
		t.Errorf("%q comes through:\n%q", found, got)
	}
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "  + clusterrolebinding/forged") || strings.HasPrefix(line, "plan: no changes") {
			t.Errorf("a forged line: %q", line)
		}
	}
}

// The last question names what goes; a name must not put words into its mouth.
func TestHostileNamesInTheQuestion(t *testing.T) {
	asked := func(n string) string {
		d, o := named(t, n)
		o.BindingOwners = nil
		var out bytes.Buffer
		Page{Verb: Apply}.question(pen{w: printable{w: &out}}, plan.Proposals{{Plan: plan.Compute(d, o, at)}})
		return out.String()
	}
	want, got := asked("z"), asked(evil)
	if a, b := strings.Count(want, "\n"), strings.Count(got, "\n"); a != b || a < 5 {
		t.Errorf("%d lines with plain names, %d with hostile ones:\n%s\n%s", a, b, want, got)
	}
}

func TestHostileNamesInTheStatus(t *testing.T) {
	table := func(n string) string {
		var out strings.Builder
		user := plan.UserStatus{User: "user" + n, Groups: []string{"group" + n}, Grants: []plan.Grant{{Role: plan.RoleRef{Kind: "ClusterRole", Name: "r" + n}, Namespace: n}}, State: plan.StateValid, Until: at.Add(time.Hour), File: "file" + n}
		set := observe.SetStatus{Desired: plan.Desired{Set: "team"}, Users: []plan.UserStatus{user}, Outside: make([][]plan.Held, 1)}
		Status{Sets: []observe.SetStatus{set}, Now: at, Server: at}.table(style{}, false).write(pen{w: printable{w: &out}})
		return out.String()
	}
	if want, got := table("z"), table(evil); strings.Count(want, "\n") != strings.Count(got, "\n") || strings.Contains(got, "\t") {
		t.Errorf("plain:\n%s\nhostile:\n%s", want, got)
	}
}

// A role may be named as if it were a namespace: what is granted is never read back from text.
func TestGrantsWords(t *testing.T) {
	ref := func(name string) plan.RoleRef { return plan.RoleRef{Kind: "ClusterRole", Name: name} }
	for _, c := range []struct {
		grants []plan.Grant
		words  string
		texts  []string
	}{
		{[]plan.Grant{{Role: ref("edit"), Namespace: "a"}, {Role: ref("edit"), Namespace: "b"}, {Role: ref("view")}},
			"edit (a b), view (whole cluster)", []string{"clusterrole/edit -n a", "clusterrole/edit -n b", "clusterrole/view"}},
		{[]plan.Grant{{Role: ref("view -n payments")}}, `"view -n payments" (whole cluster)`, []string{"clusterrole/'view -n payments'"}},
		{nil, "", []string{}},
	} {
		if words, texts := grantsWords(plan.UserStatus{Grants: c.grants}), grantTexts(c.grants); words != c.words || !slices.Equal(texts, c.texts) || texts == nil {
			t.Errorf("%q %q, want %q %q", words, texts, c.words, c.texts)
		}
	}
}

// The rows of a powerful role are never cut, whatever its name is.
func TestPowerfulRowsAreWhole(t *testing.T) {
	team := plan.RoleRef{Kind: "ClusterRole", Name: "team admins"}
	var subjects []plan.Subject
	for i := range 2 * fewRows {
		subjects = append(subjects, plan.Subject{Kind: "User", Name: fmt.Sprintf("user-%03d", i)})
	}
	p := plan.Plan{
		Bindings: []plan.Change[plan.Binding]{{Op: plan.Create, After: &plan.Binding{Namespace: "shop", Name: "b", RoleRef: team, Subjects: subjects}}},
		Warnings: []plan.Warning{{Code: plan.PowerfulGrant, Role: team, Namespace: "shop", Subjects: []plan.Subject{{Kind: "Group", Name: "..."}}}},
	}
	var out strings.Builder
	Page{}.bindings(pen{w: &out}, p)
	if got := strings.Count(out.String(), "user-"); got != len(subjects) {
		t.Errorf("%d of %d subjects are shown:\n%s", got, len(subjects), out.String())
	}
}
