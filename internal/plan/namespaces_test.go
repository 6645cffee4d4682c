package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"provision/internal/usersfile"
)

// The namespaces that are made are those that the file refers to and that are not there. One that is being deleted is a problem, and so is
// a role that nothing makes in a namespace that is to be made.
func TestNamespacesToCreate(t *testing.T) {
	role := usersfile.Grant{Role: "dev", Namespaces: []string{"new"}}
	view := func(namespaces ...string) usersfile.Grant {
		return usersfile.Grant{ClusterRole: "view", Namespaces: namespaces}
	}
	for _, c := range []struct {
		about    string
		create   bool
		grants   []usersfile.Grant
		ledger   Ledger
		want     string // to be made
		problems string
	}{
		{"without the field", false, []usersfile.Grant{view("new")}, Ledger{}, "[]", "[NamespaceMissing new]"},
		{"with it", true, []usersfile.Grant{view("z", "new", "here")}, Ledger{}, "[new z]", "[]"},
		{"twice", true, []usersfile.Grant{view("new"), {ClusterRole: "edit", Namespaces: []string{"new"}}}, Ledger{}, "[new]", "[]"},
		{"being deleted", true, []usersfile.Grant{view("ending")}, Ledger{}, "[]", "[NamespaceEnding ending]"},
		{"the ledger's", true, []usersfile.Grant{view("new", "z")}, Ledger{Namespace: "z", CreateNamespace: true}, "[new]", "[]"},
		{"a role that nothing makes", true, []usersfile.Grant{role}, Ledger{}, "[new]", "[RoleMissing dev]"},
	} {
		set := setOfFile(nil, usersfile.User{Name: "jane", Roles: c.grants})
		set.CreateNamespaces = c.create
		observed := Observed{Namespaces: map[string]bool{"here": true, "ending": false}, RoleOwners: map[ObjectKey]string{{Name: "view"}: "", {Name: "edit"}: ""}}
		d := Expand(set, Context{})
		got, problems := []string{}, []string{}
		for _, one := range namespacesToCreate(d, observed, c.ledger) {
			got = append(got, one.After.Name)
		}
		for _, p := range missing(d, observed) {
			problems = append(problems, fmt.Sprintf("%s %s", p.Code, p.Name+p.Object.Name))
		}
		if fmt.Sprint(got) != c.want || fmt.Sprint(problems) != c.problems {
			t.Errorf("%s: %v, %v; want %s, %s", c.about, got, problems, c.want, c.problems)
		}
	}
}

// A selector finds thousands of namespaces, some of which the file names too: each is granted in once, until the grant ends.
func TestManySelected(t *testing.T) {
	labels := map[string]map[string]string{}
	for i := range 3000 {
		labels[fmt.Sprintf("n-%04d", i)] = map[string]string{"team": "x"}
	}
	end := noon.Add(time.Hour)
	set := setOfFile(nil, usersfile.User{Name: "jane", Groups: []string{"dev"}})
	set.Groups = []usersfile.Group{{Name: "dev", BindTo: usersfile.BindToMembers, Roles: []usersfile.Grant{
		{ClusterRole: "edit", Selector: "team=x", Namespaces: []string{"n-0000", "n-2999"}, Until: end},
	}}}
	d, observed := Expand(set, Context{}), Observed{NamespaceLabels: labels}
	places := map[string]int{}
	for _, b := range d.At(observed, noon).Bindings {
		places[b.Namespace] += len(b.Subjects)
	}
	for name := range labels {
		if places[name] != 1 {
			t.Fatalf("%s is granted in %d times", name, places[name])
		}
	}
	if len(places) != len(labels) {
		t.Errorf("granted in %d namespaces, want %d", len(places), len(labels))
	}
	over := d.At(observed, end)
	if slices.ContainsFunc(over.Bindings, func(b Binding) bool { return len(b.Subjects) > 0 }) {
		t.Errorf("after the end there are %d bindings", len(over.Bindings))
	}
}
