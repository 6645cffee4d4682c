package plan

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"provision/internal/usersfile"
)

// What is granted in selected namespaces is granted in those that have the labels, and nowhere else: least of all in the whole cluster.
func TestSelections(t *testing.T) {
	labels := map[string]map[string]string{"a": {"team": "x"}, "b": {"team": "x"}, "c": {"team": "y"}, "d": nil}
	grant := func(selector string, namespaces ...string) usersfile.Grant {
		return usersfile.Grant{ClusterRole: "edit", Selector: selector, Namespaces: namespaces, SelectorPos: usersfile.Pos{Line: 3}}
	}
	for _, c := range []struct {
		about  string
		grants []usersfile.Grant
		want   string // the namespaces of bindings
		found  string
	}{
		{"by a label", []usersfile.Grant{grant("team=x")}, "[a b]", "team=x [a b]"},
		{"names and labels", []usersfile.Grant{grant("team=x", "b", "d")}, "[a b d]", "team=x [a b]"},
		{"nothing", []usersfile.Grant{grant("team=z")}, "[]", "team=z []"},
		{"not one", []usersfile.Grant{grant("team!=x")}, "[c d]", "team!=x [c d]"},
		{"two selectors", []usersfile.Grant{grant("team=x"), grant("team=y")}, "[a b c]", "team=x [a b] team=y [c]"},
		{"no selector", []usersfile.Grant{{ClusterRole: "edit"}}, "[]", ""},
	} {
		for _, as := range []string{"a user", "a group", "a group that is bound itself"} {
			set := setOfFile(nil, usersfile.User{Name: "jane", Groups: []string{"dev"}})
			switch as {
			case "a user":
				set.Users[0].Roles = c.grants
			case "a group":
				set.Groups = []usersfile.Group{{Name: "dev", BindTo: usersfile.BindToMembers, Roles: c.grants}}
			default:
				set.Groups = []usersfile.Group{{Name: "dev", BindTo: usersfile.BindToGroup, Roles: c.grants}}
			}
			before := copied(set)
			d := Expand(set, Context{})
			for _, b := range d.Bindings {
				if c.about != "no selector" && c.about != "names and labels" {
					t.Errorf("%s, %s: before anything is observed there is %+v", c.about, as, b)
				}
			}
			observed := Observed{NamespaceLabels: labels}
			at := d.At(observed, noon).At(observed, noon)
			got, found := []string{}, ""
			for _, b := range at.Bindings {
				if b.Namespace == "" && c.about != "no selector" {
					t.Errorf("%s, %s: %+v in the whole cluster", c.about, as, b)
				}
				if b.Namespace != "" {
					got = append(got, b.Namespace)
				}
			}
			for _, s := range at.Selections {
				found += " " + s.Selector + " " + fmt.Sprint(s.Namespaces)
			}
			if fmt.Sprint(got) != c.want || found != "" && found[1:] != c.found {
				t.Errorf("%s, %s: %v, found%s; want %s, %s", c.about, as, got, found, c.want, c.found)
			}
			if !reflect.DeepEqual(set, before) {
				t.Errorf("%s, %s: the set was changed", c.about, as)
			}
			// When the labels go, the grants go, unless they are by name.
			for _, b := range d.At(Observed{}, noon).Bindings {
				if c.about != "no selector" && !slices.Contains([]string{"b", "d"}, b.Namespace) {
					t.Errorf("%s, %s: without labels there is %+v", c.about, as, b)
				}
			}
		}
	}
}

// More subjects than fit are not expanded, and nothing is done: least of all is anything taken away.
func TestTooManySelected(t *testing.T) {
	set := setOfFile([]usersfile.Group{{Name: "dev", BindTo: usersfile.BindToMembers, Roles: []usersfile.Grant{{ClusterRole: "edit", Selector: "team=x"}}}})
	for i := range 1001 {
		set.Users = append(set.Users, usersfile.User{Name: fmt.Sprint("user-", i), Groups: []string{"dev"}})
	}
	labels := map[string]map[string]string{}
	for i := range 1000 {
		labels[fmt.Sprint("space-", i)] = map[string]string{"team": "x"}
	}
	observed := Observed{NamespaceLabels: labels, Bindings: []Binding{{Namespace: "space-1", Name: BindingName(set.Name, edit), RoleRef: edit, Subjects: []Subject{{"User", "user-1"}}}}}
	p := Compute(Expand(set, Context{}).At(observed, noon), observed, noon)
	if len(p.Problems) != 1 || p.Problems[0].Code != TooManySubjects || p.Problems[0].Count != 1_001_000 || p.Changes() || len(p.Bindings) > 0 {
		t.Errorf("%+v, %d bindings", p.Problems, len(p.Bindings))
	}
}

// A saved plan is made from what its selectors found.
func TestSelectionInputs(t *testing.T) {
	set := setOfFile(nil, usersfile.User{Name: "jane", Roles: []usersfile.Grant{{ClusterRole: "edit", Selector: "team=x"}}})
	inputs := func(labels map[string]map[string]string) Inputs {
		observed := Observed{NamespaceLabels: labels}
		return InputsOf("users.yaml", "uid", Expand(set, Context{}).At(observed, noon), observed)
	}
	moved := inputs(map[string]map[string]string{"a": {"team": "x"}}).Compare(inputs(map[string]map[string]string{"a": {"team": "x"}, "b": {"team": "x"}}))
	if !slices.Contains(moved, Moved{Object: "namespaces with team=x", Then: "a", Now: "a, b"}) {
		t.Errorf("%+v", moved)
	}
}
