package draft

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"provision/internal/plan"
	"provision/internal/usersfile"
)

// read reads what was drafted.
func read(f File) (usersfile.Set, error) {
	text, _ := f.Write()
	sets, err := usersfile.Load([]string{"-"}, bytes.NewReader(text), nil)
	if err != nil {
		return usersfile.Set{}, err
	}
	return sets[0], nil
}

// The drafts that init makes are users files.
func TestDraftsAreRead(t *testing.T) {
	cluster := &Cluster{Context: "admin\n@prod", Server: "https://127.0.0.1:6443", UID: "64299694-25c1-46e9-8fa3-3513189bb308", Loopback: true}
	for name, f := range map[string]File{
		"without a cluster": {Set: "team"},
		"with one":          {Set: "team", Cluster: cluster, Namespaces: []string{"shop", "web"}, ClusterRoles: []string{"view"}},
		"many names":        {Set: "team", Cluster: cluster, Namespaces: slices.Repeat([]string{"a-namespace"}, 300)},
		"people": {Set: "true", Users: []User{{Name: "null", Evidence: []string{"by x\ny"}}, {Name: `a "b" #c`, Grants: []Grant{{ClusterRole: "a:b", Namespaces: []string{"123"}}}}},
			Notes: []string{"one\ntwo"}},
	} {
		set, err := read(f)
		if err != nil {
			text, _ := f.Write()
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		if f.Cluster != nil && set.Cluster.UID != f.Cluster.UID {
			t.Errorf("%s: cluster.uid %q", name, set.Cluster.UID)
		}
	}
}

// A user begins at the line that Write says.
func TestLines(t *testing.T) {
	f := File{Set: "team", Users: []User{{Name: "ann", Evidence: []string{"one", "two"}}, {Name: "bob"}}}
	text, lines := f.Write()
	all := strings.Split(string(text), "\n")
	for i, u := range f.Users {
		if want := "  - {name: " + u.Name + "}"; all[lines[i]-1] != want {
			t.Errorf("line %d is %q, not %q", lines[i], all[lines[i]-1], want)
		}
	}
}

func TestTable(t *testing.T) {
	for name, c := range map[string]struct{ table, want, wrong string }{
		"all columns":          {"name,groups,clusterRole,namespaces,duration\nann,a;b,edit;view,x; y,1h\n", "ann groups=[a b] duration=1h edit[x y] view[x y]", ""},
		"a role":               {"name,role,namespaces\nann,dev,x\n", "ann dev[x]", ""},
		"a whole cluster":      {"name,clusterRole\nann,view\n", "ann view[]", ""},
		"semicolons":           {"Name;CLUSTERROLE;namespaces\nann;edit;\"x;y\"\n", "ann edit[x y]", ""},
		"tabs":                 {"name\tclusterRole\nann\tedit\n", "ann edit[]", ""},
		"a byte order mark":    {"\xef\xbb\xbfname\nann\n", "ann", ""},
		"CRLF and empty lines": {"name,groups\r\n\r\n,\r\n ann , a \r\n", "ann groups=[a]", ""},
		"quotes":               {"name,groups\n\"Doe, \"\"J\"\"\",a\n", `Doe, "J" groups=[a]`, ""},
		"short rows":           {"name,groups\nann\n", "ann", ""},
		"nothing":              {"", "", "it is empty"},
		"no people":            {"name\n", "", "it has no line below"},
		"no name column":       {"groups\na\n", "", "line 1: no column is called name"},
		"a strange column":     {"name,shoe size\nann,4\n", "", `line 1: there is no field for the column "shoe size"`},
		"a misspelt column":    {"name,grups\nann,4\n", "", `line 1: there is no field for the column "grups": is it groups?`},
		"a column twice":       {"name,groups,Groups\n", "", "line 1: the column groups is there twice"},
		"two of one name":      {"name\nann\nbob\nann\n", "", `line 4: "ann" is on line 2 already`},
		"nobody":               {"name,groups\n,a\n", "", "line 2: it names nobody"},
		"a formula":            {"name\n=1+1\n", "", "line 2: \"=1+1\" begins as a formula"},
		"too many cells":       {"name,groups\nann,a,b\n", "", "line 2: it has 3 cells, and there are 2 columns"},
		"namespaces alone":     {"name,namespaces\nann,x\n", "", "line 2: it has namespaces and no role"},
		"Latin-1":              {"name\nZo\xeb\n", "", "line 2: the name is not UTF-8: save the table as CSV UTF-8"},
		"an open quote":        {"name\n\"ann\n", "", "line 2: extraneous or missing \" in quoted-field"},
	} {
		users, err := Table([]byte(c.table))
		got := strings.Join(described(users), "; ")
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), c.wrong) {
			t.Errorf("%s: %q, %v; want %q, %q", name, got, err, c.want, c.wrong)
		}
	}
}

// described writes users so that they can be compared.
func described(users []User) []string {
	var list []string
	for _, u := range users {
		text := u.Name
		for _, s := range u.Settings {
			text += " " + s.Field + "=" + s.Text
			if s.List != nil {
				text += fmt.Sprint(s.List)
			}
		}
		for _, g := range u.Grants {
			text += " " + g.ClusterRole + g.Role + fmt.Sprint(g.Namespaces)
		}
		list = append(list, text)
	}
	return list
}

// A hundred thousand people are read in the time of a glance.
func TestLargeTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("name,clusterRole\n")
	for i := range 100_000 {
		fmt.Fprintf(&table, "user%d,view\n", i)
	}
	users, err := Table([]byte(table.String()))
	if err != nil || len(users) != 100_000 || users[99_999].Line != 100_001 {
		t.Errorf("%d users, %v", len(users), err)
	}
}

// Whatever a table holds, the draft of it is read with the same people, or the reader says why not.
func FuzzTable(f *testing.F) {
	f.Add("name,groups,clusterRole,namespaces\nann,a;b,edit,x\n")
	f.Add("\xef\xbb\xbfname;role;namespaces\r\n\"y\";dev;no\r\n")
	f.Add("name,recipients\nann,\"# x, {y}: [z]\"\n")
	f.Fuzz(func(t *testing.T, table string) {
		users, err := Table([]byte(table))
		if err != nil {
			return
		}
		set, err := read(File{Set: "team", Users: users})
		if mistakes, ok := errors.AsType[usersfile.Errors](err); ok {
			for _, m := range mistakes {
				if m.Field == "" && m.More == 0 {
					t.Errorf("the draft is no YAML of ours: %v", m)
				}
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, u := range set.Users {
			if u.Name != users[i].Name {
				t.Errorf("%q was read as %q", users[i].Name, u.Name)
			}
		}
	})
}

// People who have the same are one group, and nothing of Kubernetes' own gets in.
// The notes about groups that nothing defines are what it takes to define them, whatever they are called.
func TestUndefinedGroups(t *testing.T) {
	in := func(groups ...string) []Setting { return []Setting{{Field: "groups", List: groups}} }
	f := File{Set: "team", Groups: []Group{{Name: "known"}}, Users: []User{{Name: "ann", Settings: in("b: [c]", "known")}, {Name: "bob", Settings: in("a", "b: [c]")}}}
	text, _ := f.Write()
	want := `#     - {name: a, roles: [{clusterRole: view, namespaces: [default]}]}
#     - {name: "b: [c]", roles: [{clusterRole: view, namespaces: [default]}]}
`
	if !strings.HasSuffix(string(text), want) {
		t.Errorf("%s\nwant at its end\n%s", text, want)
	}
	f.Users = f.Users[:0]
	if text, _ := f.Write(); strings.Contains(string(text), "is not said here") {
		t.Errorf("%s", text)
	}
}

func TestMissing(t *testing.T) {
	f := File{Namespaces: []string{"web"}, Users: []User{{Grants: []Grant{{Namespaces: []string{"web", "shop"}}, {Namespaces: []string{"shop", "kube-system"}}}}}}
	if got := f.Missing(); got != nil {
		t.Errorf("without a cluster: %q", got)
	}
	f.Cluster = &Cluster{}
	if got := f.Missing(); !slices.Equal(got, []string{"shop"}) {
		t.Errorf("%q", got)
	}
}

// A group made of what people have fits into their certificates, however long the names of roles are.
func TestLongRoles(t *testing.T) {
	user := func(name string) plan.Subject { return plan.Subject{Kind: "User", Name: name} }
	role := func(namespace, name string) plan.Binding {
		return plan.Binding{Namespace: namespace, Name: name, RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: strings.Repeat(name, 100)}, Subjects: []plan.Subject{user(name + "1"), user(name + "2")}}
	}
	groups, users, _ := FromBindings([]plan.Binding{role("a", "x"), role("b", "y")})
	if len(groups) != 2 || groups[0].Name != "people" || groups[1].Name != "people-2" {
		t.Errorf("%v", groups)
	}
	if _, err := read(File{Set: "team", Groups: groups, Users: users}); err != nil {
		t.Error(err)
	}
}

func TestFromBindings(t *testing.T) {
	bind := func(namespace, name, kind, role string, subjects ...plan.Subject) plan.Binding {
		return plan.Binding{Namespace: namespace, Name: name, RoleRef: plan.RoleRef{Kind: kind, Name: role}, Subjects: subjects}
	}
	user := func(name string) plan.Subject { return plan.Subject{Kind: "User", Name: name} }
	groups, users, notes := FromBindings([]plan.Binding{
		bind("", "all", "ClusterRole", "view", user("ann"), user("system:kube-scheduler"), plan.Subject{Kind: "ServiceAccount", Name: "x/y"}),
		bind("b", "one", "ClusterRole", "edit", user("bob"), user("carl"), plan.Subject{Kind: "Group", Name: "devs"}),
		bind("a", "two", "ClusterRole", "edit", user("bob"), user("carl")),
		bind("a", "three", "Role", "own", user("ann")),
	})
	if got := strings.Join(described(users), "; "); got != "bob groups=[a-edit]; carl groups=[a-edit]; ann own[a] view[]" {
		t.Errorf("%s", got)
	}
	if len(groups) != 1 || groups[0].Name != "a-edit" || fmt.Sprint(groups[0].Grants) != "[{ edit [a b]}]" {
		t.Errorf("%v", groups)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], `The group "devs" is bound too`) {
		t.Errorf("%q", notes)
	}
	if want := "by rolebinding/one -n b, rolebinding/two -n a"; users[0].Evidence[0] != want {
		t.Errorf("%q, want %q", users[0].Evidence[0], want)
	}
}
