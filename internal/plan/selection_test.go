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
