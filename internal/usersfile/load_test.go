package usersfile

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
)

var update = flag.Bool("update", false, "write the golden files")

// TestInvalid holds the whole text of every error: testdata/invalid/x.yaml is refused with the lines of x.out.
func TestInvalid(t *testing.T) {
	files, err := filepath.Glob("testdata/invalid/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("testdata/invalid has %d files (%v): is it there?", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			sets, err := loadString(t, string(data))
			if err == nil {
				t.Fatal("is valid")
			}
			if sets != nil {
				t.Error("sets beside errors")
			}
			checkErrors(t, err)
			golden(t, strings.TrimSuffix(f, ".yaml")+".out", strings.ReplaceAll(err.Error(), "<stdin>", "users.yaml")+"\n")
		})
	}
}

// checkErrors checks what holds for every error of one file.
func checkErrors(t *testing.T, err error) {
	t.Helper()
	all, ok := errors.AsType[Errors](err)
	if !ok || len(all) == 0 {
		t.Fatalf("error is %T %v, not Errors", err, err)
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != len(all) {
		t.Errorf("%d lines for %d errors", n, len(all))
	}
	last := Pos{}
	for i, e := range all {
		if e.More > 0 && i == len(all)-1 {
			continue // it stands for many places
		}
		if e.Pos.Line == 0 && !strings.HasPrefix(e.Msg, "is empty") || e.Pos.Line > 0 && e.Pos.Column == 0 {
			t.Errorf("no place: %v", e)
		}
		if e.Pos.Line < last.Line || e.Pos.Line == last.Line && e.Pos.Column < last.Column {
			t.Errorf("not sorted: %v after %v", e.Pos, last)
		}
		last = e.Pos
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
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
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func loadString(t *testing.T, s string) ([]Set, error) {
	t.Helper()
	return Load([]string{"-"}, strings.NewReader(s), nil)
}

const head = "apiVersion: provision/v1alpha1\nkind: Users\n"

func TestLoadComplete(t *testing.T) {
	sets, err := Load([]string{"testdata/complete.yaml"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := func(line, column int) Pos { return Pos{"testdata/complete.yaml", line, column} }
	ca := sets[0].Cluster.CertificateAuthorityData
	if !bytes.HasPrefix(ca, []byte("-----BEGIN CERTIFICATE-----\n")) {
		t.Errorf("certificateAuthorityData: %q", ca)
	}
	digest := sets[0].Digest
	if len(digest) != len("sha256:")+64 {
		t.Errorf("digest: %q", digest)
	}
	proxy := "socks5://proxy.example.com:1080"
	want := []Set{{
		Pos: at(2, 1), Digest: digest, Name: "payments",
		Cluster: Cluster{
			Name: "prod eu", Server: "https://api.example.com:6443/k8s/clusters/c-1", CertificateAuthorityData: ca,
			TLSServerName: "api.example.com", ProxyURL: &proxy,
		},
		Ledger: Ledger{Namespace: "records"}, CreateNamespaces: true,
		Defaults: Defaults{Duration: 8 * time.Hour, KeyAlgorithm: Ed25519, Namespace: "payments", NamespacePos: at(16, 14), RenewBefore: RenewBefore{Time: time.Hour}},
		Roles: []Role{
			{Pos: at(20, 5), Name: "developer", Namespaces: []string{"a", "b"}, NamespacesPos: at(21, 17), Rules: []rbacv1.PolicyRule{
				{APIGroups: []string{"", "apps"}, Resources: []string{"pods"}, ResourceNames: []string{"x"}, Verbs: []string{"get"}},
			}},
			{Pos: at(24, 5), Name: "health", Rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/healthz"}, Verbs: []string{"get"}}}},
		},
		Groups: []Group{
			{Pos: at(28, 5), Name: "oncall", BindTo: BindToMembers, InCertificate: true, Roles: []Grant{{Pos: at(29, 13), ClusterRole: "view"}},
				Until: time.Date(2027, 2, 1, 17, 0, 0, 0, time.UTC), UntilPos: at(31, 12)},
			{Pos: at(32, 5), Name: "system:authenticated", BindTo: BindToMembers, Roles: []Grant{
				{Pos: at(35, 9), ClusterRole: "view", Namespaces: []string{"a"}, NamespacesPos: at(35, 41)},
				{Pos: at(36, 9), ClusterRole: "view", Namespaces: []string{"b"}, NamespacesPos: at(36, 41)},
				{Pos: at(37, 9), ClusterRole: "view"},
			}},
		},
		Users: []User{
			{
				Pos: at(39, 5), Name: "jane", Groups: []string{"oncall", "dev"}, Duration: 36 * time.Hour, KeyAlgorithm: RSA4096,
				Namespace: "b", NamespacePos: at(43, 16), RenewBefore: RenewBefore{Share: 0.5}, Reuse: true, Generation: 3,
				Roles: []Grant{{Pos: at(45, 13), Role: "developer", Namespaces: []string{"a"}, NamespacesPos: at(45, 43),
					Until: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), UntilPos: at(45, 55)}},
				Until: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), UntilPos: at(48, 12),
			},
			{Pos: at(49, 5), Name: "system:node:x", Duration: 8 * time.Hour, KeyAlgorithm: Ed25519, Namespace: "payments", NamespacePos: at(16, 14), RenewBefore: RenewBefore{Time: time.Hour}},
		},
		AllowReserved: []string{"system:node:x", "system:authenticated", "system:unused"},
	}}
	if !reflect.DeepEqual(sets, want) {
		t.Errorf("got\n%+v\nwant\n%+v", sets, want)
	}
}

func TestLoadDefaults(t *testing.T) {
	sets, err := loadString(t, head+"name: x\ncluster:\nledger: {}\ndefaults:\nroles:\ngroups:\nusers: [{name: jane, groups: , roles: []}]\n")
	if err != nil {
		t.Fatal(err)
	}
	d := Defaults{Duration: 30 * 24 * time.Hour, KeyAlgorithm: ECDSAP256, RenewBefore: RenewBefore{Share: 0.33}}
	want := User{Pos: Pos{"<stdin>", 9, 9}, Name: "jane", Duration: d.Duration, KeyAlgorithm: d.KeyAlgorithm, RenewBefore: d.RenewBefore}
	if s := sets[0]; s.Defaults != d || s.Ledger.Namespace != "provision-system" || !reflect.DeepEqual(s.Users, []User{want}) {
		t.Errorf("got %+v", s)
	}
}

func TestLoadExample(t *testing.T) {
	sets, err := Load([]string{"../../examples/users.yaml"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(sets) != 1 || sets[0].Name != "payments" || len(sets[0].Users) != 6 {
		t.Errorf("got %+v", sets)
	}
}

func set(name string, users ...string) string {
	return head + "name: " + name + "\nusers: [{name: " + strings.Join(users, "}, {name: ") + "}]\n"
}

func TestLoadDocuments(t *testing.T) {
	a, b := set("a", "jane"), set("b", "omar")
	alone, err := loadString(t, a)
	if err != nil {
		t.Fatal(err)
	}
	json := `{"apiVersion": "provision/v1alpha1", "kind": "Users", "name": "a",` + "\n\t" + `"users": [{"name": "jane"}]}`
	for name, c := range map[string]struct {
		in   string
		want string // set names and the lines on which they begin
	}{
		"one":              {a, "a:1"},
		"two":              {a + "---\n" + b, "a:1 b:6"},
		"empty between":    {"# x\n---\n# y\n---\n---\n" + a + "---\n\n---\n" + b + "---\n", "a:6 b:13"},
		"end marker":       {"%YAML 1.1\n---\n" + a + "...\n# x\n--- \n" + b, "a:3 b:10"},
		"content beside":   {"--- " + json + "\n--- # x\n" + b, "a:1 b:4"},
		"JSON":             {json, "a:1"},
		"CRLF":             {strings.ReplaceAll(a+"---\n"+b, "\n", "\r\n"), "a:1 b:6"},
		"byte order mark":  {"\ufeff" + a, "a:1"},
		"marker in a text": {strings.Replace(a, "jane", `"ja\n---\nne"`, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			sets, err := loadString(t, c.in)
			if err != nil && c.want != "" {
				t.Fatal(err)
			}
			var got []string
			for _, s := range sets {
				got = append(got, fmt.Sprintf("%s:%d", s.Name, s.Pos.Line))
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("got %q, want %q", g, c.want)
			}
			if name == "two" && (sets[0].Digest != alone[0].Digest || sets[1].Digest == sets[0].Digest) {
				t.Error("the digest of a document depends on its neighbours")
			}
		})
	}
}

func TestLoadSources(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, content := range map[string]string{
		"team/b.yaml": set("b", "omar"), "team/a.yml": set("a", "jane"), "team/c.json": `{"apiVersion": "provision/v1alpha1",
"kind": "Users", "name": "c", "users": [{"name": "li"}]}`,
		"team/readme.md": "no", "team/.d.yaml": "no", "team/sub.yaml/e.yaml": "no", "none/x.txt": "no",
		"jane.yaml": set("other", "jane"), "b2.yaml": set("b", "zed"), "Omar.yaml": set("case", "Omar"), "empty.yaml": "# nothing\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		sources []string
		want    string // set names or errors
	}{
		"directory":      {[]string{"team"}, "a b c"},
		"and stdin":      {[]string{"-", "team/"}, "in a b c"},
		"no source":      {nil, "-f: Required value: name a users file, a directory or - for standard input"},
		"missing":        {[]string{"x.yaml", "y.yaml"}, "x.yaml: open: no such file or directory\ny.yaml: open: no such file or directory"},
		"empty dir":      {[]string{"none"}, "none: the directory has no *.yaml, *.yml or *.json file"},
		"empty file":     {[]string{"empty.yaml"}, "empty.yaml: is empty: it has no YAML document"},
		"stdin twice":    {[]string{"-", "-"}, "<stdin>: is given twice"},
		"file twice":     {[]string{"team", "./team/a.yml"}, "team/a.yml: is given twice"},
		"user twice":     {[]string{"team", "jane.yaml"}, `jane.yaml:4:16: users[0].name: Duplicate value: "jane": is at team/a.yml:4:16 already`},
		"set twice":      {[]string{"team", "b2.yaml"}, `b2.yaml:3:7: name: Duplicate value: "b": is at team/b.yaml:3:7 already`},
		"case collision": {[]string{"team", "Omar.yaml"}, `Omar.yaml:4:16: users[0].name: Invalid value: "Omar": must not differ from "omar" at team/b.yaml:4:16 by case alone: some disks would give both one kubeconfig`},
	} {
		t.Run(name, func(t *testing.T) {
			sets, err := Load(c.sources, strings.NewReader(set("in", "ines")), nil)
			var names []string
			for _, s := range sets {
				names = append(names, s.Name)
			}
			got := strings.Join(names, " ")
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if name == "missing" && !errors.Is(err, fs.ErrNotExist) {
				t.Error("not fs.ErrNotExist")
			}
		})
	}
}

// One file with a mistake leaves the sets of the others, and so does what two files say, which is a mistake of neither.
func TestLoadGoesOn(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, content string) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	unknown := head + "name: bad\nusers: [{name: jane}, {nam: x}]\n"
	many := func(name string) string {
		var users []string
		for i := range 3 * maxErrors {
			users = append(users, fmt.Sprintf("user-%d", i))
		}
		return set(name, users...)
	}
	for _, c := range []struct {
		name     string
		files    map[string]string
		sources  []string // the directory d without them
		want     string   // sets, and users who are also elsewhere with the place
		errs     int
		leaveOut bool
	}{
		{"syntax", map[string]string{"d/a.yaml": head + "name: a\nusers: [", "d/b.yaml": set("b", "jane")}, nil, "b", 1, true},
		{"the last one", map[string]string{"d/a.yaml": set("a", "jane"), "d/b.yaml": head + "name: b\nusers: ["}, nil, "a", 1, true},
		{"half a file", map[string]string{"d/a.yaml": set("a", "jane"), "d/b.yaml": set("b", "omar") + "---\n" + head + "x: 1\n"}, nil, "a", 3, true},
		{"a name of a file with a mistake", map[string]string{"d/a.yaml": unknown, "d/b.yaml": set("b", "omar", "jane")}, nil, "b jane@d/a.yaml:4:16", 2, true},
		{"the same, behind it", map[string]string{"d/a.yaml": set("a", "omar", "jane"), "d/b.yaml": unknown}, nil, "a jane@d/b.yaml:4:16", 2, true},
		{"a name in two", map[string]string{"d/a.yaml": set("a", "jane"), "d/b.yaml": set("b", "omar", "jane")}, nil, "a jane@d/b.yaml:4:30 b jane@d/a.yaml:4:16", 1, false},
		{"one kubeconfig for two", map[string]string{"d/a.yaml": set("a", "jane"), "d/b.yaml": set("b", "Jane", "li")}, nil, "a jane@d/b.yaml:4:16 b Jane@d/a.yaml:4:16", 1, false},
		{"a name twice in one", map[string]string{"d/a.yaml": set("a", "jane"), "d/b.yaml": set("b", "omar", "omar")}, nil, "a", 1, true},
		{"a set in two", map[string]string{"d/a.yaml": set("a", "jane"), "d/a2.yaml": set("a", "omar"), "d/b.yaml": set("b", "li")}, nil, "b", 1, true},
		{"a set in two, one with a mistake", map[string]string{"d/a.yaml": strings.Replace(unknown, "bad", "a", 1), "d/a2.yaml": set("a", "omar"), "d/b.yaml": set("b", "li")}, nil, "b", 2, true},
		{"a pipe", map[string]string{"d/b.yaml": set("b", "li"), "d/p.yaml": ""}, nil, "b", 1, true},
		{"a link to nothing", map[string]string{"d/b.yaml": set("b", "li"), "d/l.yaml": ""}, nil, "b", 1, true},
		{"named by itself", map[string]string{"d/b.yaml": set("b", "li"), "a.yaml": head}, []string{"d", "a.yaml"}, "b", 2, true},
		{"named by itself, and not there", map[string]string{"d/b.yaml": set("b", "li")}, []string{"d", "x.yaml"}, "", 1, true},
		{"a variable that was not set", map[string]string{"d/b.yaml": set("b", "li")}, []string{"d", ""}, "", 1, true},
		{"given twice", map[string]string{"d/b.yaml": set("b", "li")}, []string{"d", "d/b.yaml"}, "", 1, true},
		{"the only one", map[string]string{"d/b.yaml": head}, nil, "", 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := errors.Join(os.RemoveAll("d"), os.Mkdir("d", 0o755)); err != nil {
				t.Fatal(err)
			}
			for name, content := range c.files {
				switch {
				case content != "":
					write(name, content)
				case strings.HasSuffix(name, "l.yaml"):
					if err := os.Symlink("nothing", name); err != nil {
						t.Fatal(err)
					}
				default:
					if err := os.Symlink(os.DevNull, name); err != nil {
						t.Fatal(err)
					}
				}
			}
			sources := c.sources
			if sources == nil {
				sources = []string{"d"}
			}
			sets, err := Load(sources, nil, nil)
			errs, ok := errors.AsType[Errors](err)
			if !ok || len(errs) != c.errs || errs.LeaveOut() != c.leaveOut {
				t.Errorf("%d errors, want %d, with a set left out: %v\n%v", len(errs), c.errs, c.leaveOut, err)
			}
			var got []string
			for _, s := range sets {
				got = append(got, s.Name)
				for _, u := range s.Users {
					if u.AlsoAt != (Pos{}) {
						got = append(got, u.Name+"@"+u.AlsoAt.String())
					}
				}
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("got %q, want %q", g, c.want)
			}
		})
	}
	t.Run("more than are listed", func(t *testing.T) {
		if err := os.RemoveAll("d"); err != nil {
			t.Fatal(err)
		}
		write("d/a.yaml", many("a"))
		write("d/b.yaml", many("b"))
		sets, err := Load([]string{"d"}, nil, nil)
		errs, _ := errors.AsType[Errors](err)
		if len(sets) != 2 || errs.Count() != 3*maxErrors || len(errs) != maxErrors+1 || errs.LeaveOut() {
			t.Errorf("%d sets, %d errors, %d listed, with a set left out: %v", len(sets), errs.Count(), len(errs), errs.LeaveOut())
		}
		for _, s := range sets {
			for _, u := range s.Users {
				if u.AlsoAt == (Pos{}) {
					t.Fatalf("%s is in two files, and set %s does not say so", u.Name, s.Name)
				}
			}
		}
	})
}

func TestLoadTooLarge(t *testing.T) {
	const want = "too long: must be at most 16 MiB; split it into several files"
	file := filepath.Join(t.TempDir(), "big.yaml")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(100 << 20); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if _, err := Load([]string{file}, nil, nil); err == nil || err.Error() != file+": "+want {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took > 100*time.Millisecond {
		t.Errorf("took %v", took)
	}
	if _, err := Load([]string{"-"}, endless{}, nil); err == nil || err.Error() != "<stdin>: "+want {
		t.Errorf("got %v", err)
	}
}

// endless is a stdin that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	return len(p), nil
}

// Which cluster a file is for, and that its kubeconfigs go through no proxy.
func TestClusterOfFile(t *testing.T) {
	sets, err := loadString(t, head+"name: a\ncluster: {context: prod/admin, uid: 0b1f6d57-a3c0-4a7e-8f7e-2f1e5b6c7d8e, proxyURL: \"\"}\nusers: [{name: jane}]\n")
	if err != nil {
		t.Fatal(err)
	}
	c := sets[0].Cluster
	if c.Context != "prod/admin" || c.UID != "0b1f6d57-a3c0-4a7e-8f7e-2f1e5b6c7d8e" || c.ContextPos.Line != 4 || c.UIDPos.Line != 4 {
		t.Errorf("%+v", c)
	}
	if c.ProxyURL == nil || *c.ProxyURL != "" {
		t.Errorf("proxyURL: %v", c.ProxyURL)
	}
}
