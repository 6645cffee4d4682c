package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"provision/internal/usersfile"
)

// Rights that move to a group are lost by those whose certificates do not say the group yet, until they use new ones.
func TestWithoutUntilNew(t *testing.T) {
	view := RoleRef{"ClusterRole", "view"}
	bound := func(namespace string, subjects ...Subject) Binding {
		return Binding{Namespace: namespace, Name: BindingName(setName, view), RoleRef: view, Subjects: subjects}
	}
	jane, ops, dev := Subject{"User", "jane"}, Subject{"Group", "ops"}, Subject{"Group", "dev"}
	for _, c := range []struct {
		name      string
		groups    []string // that the file gives her now; her certificate says dev
		have, now []Binding
		want      string
	}{
		{"from her to a group she gets", []string{"dev", "ops"}, []Binding{bound("shop", jane)}, []Binding{bound("shop", ops)}, "[{ClusterRole/view shop}]"},
		{"from one group to another", []string{"ops"}, []Binding{bound("shop", dev)}, []Binding{bound("shop", ops)}, "[{ClusterRole/view shop}]"},
		{"to the same for the whole cluster", []string{"dev", "ops"}, []Binding{bound("shop", jane)}, []Binding{bound("", ops)}, "[{ClusterRole/view shop}]"},
		{"to a group she has", []string{"dev"}, []Binding{bound("shop", jane)}, []Binding{bound("shop", dev)}, "[]"},
		{"to a group she has, and one more", []string{"dev", "ops"}, []Binding{bound("shop", jane)}, []Binding{bound("shop", dev, ops)}, "[]"},
		{"taken away", []string{"dev", "ops"}, []Binding{bound("shop", jane)}, nil, "[]"},
		{"kept besides", []string{"dev", "ops"}, []Binding{bound("shop", jane)}, []Binding{bound("shop", jane, ops)}, "[]"},
	} {
		w := settled(noon.Add(-day), wanted("jane", "dev"))
		w.Users[0].Certificate.Groups = c.groups
		w.Observed.Bindings, w.Desired.Bindings = c.have, c.now
		got := []Grant{}
		for _, warning := range w.plan().Warnings {
			if warning.Code == WithoutUntilNew {
				got = append(got, Grant{warning.Role, warning.Namespace})
				if !slices.Equal(warning.Items, []string{"jane"}) {
					t.Errorf("%s: %v", c.name, warning.Items)
				}
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

// A group is doubted only where nothing speaks for it.
func TestUnboundGroups(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*world)
		bound  bool
		want   bool
	}{
		{"nothing is bound to it", func(*world) {}, false, true},
		{"the file defines one that is like it", func(w *world) {
			w.Groups, w.SimilarGroups = []string{"odds"}, []usersfile.SimilarGroup{{User: "jane", Group: "odd", Defined: "odds"}}
		}, false, true},
		{"something outside the set is", func(*world) {}, true, false},
		{"the file defines it, bound by its members", func(w *world) { w.Groups = []string{"odd"} }, false, false},
		{"somebody else has it", func(w *world) { w.Ledger[0].Groups = []string{"odd"} }, false, false},
		{"somebody else's kubeconfig has it", func(w *world) {
			f := w.Files["joe"]
			f.Certificate.Groups = []string{"odd"}
			w.Ledger[0].Groups = nil
		}, false, false},
		{"it is bound by the plan", func(w *world) {
			w.Desired.Bindings = []Binding{{Namespace: "shop", Name: BindingName(setName, edit), RoleRef: edit, Subjects: []Subject{{"Group", "odd"}}}}
		}, false, false},
	} {
		w := settled(noon.Add(-day), wanted("joe"))
		w.Users = append(w.Users, wanted("jane", "odd"))
		c.change(&w)
		got := w.plan().UnboundGroups(w.Desired, w.Observed, func(Subject) bool { return c.bound })
		if (len(got) == 1) != c.want || c.want && (got[0].Name != "odd" || got[0].To != strings.Join(w.Groups, "") || !slices.Equal(got[0].Items, []string{"jane"})) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// A name of the front proxy is anybody's where the CA is the same.
func TestFrontProxyNames(t *testing.T) {
	for _, c := range []struct {
		name     string
		proxy    *FrontProxy
		reserved []string
		problem  bool
		warning  bool
	}{
		{"another CA", nil, nil, false, false},
		{"another name", &FrontProxy{Names: []string{"front-proxy-client"}}, nil, false, false},
		{"her name", &FrontProxy{Names: []string{"front-proxy-client", "jane"}}, nil, true, false},
		{"her name, allowed", &FrontProxy{Names: []string{"jane"}}, []string{"jane"}, false, false},
		{"any name", &FrontProxy{}, nil, false, true},
	} {
		w := settled(noon.Add(-day), wanted("jane"))
		w.fresh()
		w.FrontProxy, w.Reserved = c.proxy, c.reserved
		p := w.plan()
		if got := slices.Contains(problemCodes(p), FrontProxyName); got != c.problem || (janeOf(t, p).Certificate.Op == Issue) == c.problem {
			t.Errorf("%s: %v, %s", c.name, problemCodes(p), janeOf(t, p).Certificate.Op)
		}
		if got := slices.Contains(warningCodes(p), FrontProxyAnybody); got != c.warning {
			t.Errorf("%s: %v", c.name, warningCodes(p))
		}
	}
}
