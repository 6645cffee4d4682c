package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// heldBy is what a subject has by a binding in a namespace ("" is the whole cluster).
func heldBy(s Subject, set, role, namespace, binding string) Held {
	return Held{Binding: Binding{Namespace: namespace, Name: binding, RoleRef: RoleRef{"ClusterRole", role}, Subjects: []Subject{s}, Found: Found{ResourceVersion: "7"}}, Set: set, Subject: s}
}

func (h Held) text() string {
	return fmt.Sprintf("%s %s in %q by %s %s", strings.ToLower(h.Subject.Kind)+" "+h.Subject.Name, h.Binding.RoleRef.Name, h.Binding.Namespace, h.Binding.Name, h.Power)
}

func heldTexts(list []Held) []string {
	texts := []string{}
	for _, h := range list {
		texts = append(texts, h.text())
	}
	return texts
}

func TestPower(t *testing.T) {
	role := func(name string) ObjectKey { return ObjectKey{Name: name} }
	get := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get"}}}
	secrets := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}}}
	records := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"update"}}}
	rules := Rules{
		Of:     map[ObjectKey][]rbacv1.PolicyRule{role("get"): get, role("secrets"): secrets, role("records"): records, role("empty"): {}, {"a", "get"}: secrets},
		Unread: map[ObjectKey]bool{role("hidden"): true},
	}
	for _, c := range []struct {
		kind, role, namespace string
		want                  Power
	}{
		{"ClusterRole", "cluster-admin", "", PowerAdmin},
		{"ClusterRole", "cluster-admin", "a", PowerAdmin},
		{"ClusterRole", "get", "", PowerLimited},
		{"ClusterRole", "secrets", "a", PowerLimited},
		{"ClusterRole", "secrets", "kube-system", PowerAdmin},
		{"ClusterRole", "secrets", "", PowerAdmin},
		{"ClusterRole", "records", "a", PowerLimited},
		{"ClusterRole", "records", "ledger", PowerAdmin},
		{"ClusterRole", "empty", "", PowerNone},
		{"ClusterRole", "gone", "", PowerNone},
		{"ClusterRole", "hidden", "", PowerUnknown},
		{"Role", "get", "a", PowerLimited},
		{"Role", "get", "b", PowerNone}, // another role of that name
		{"Role", "cluster-admin", "a", PowerNone},
	} {
		if got := rules.Power(Binding{Namespace: c.namespace, RoleRef: RoleRef{c.kind, c.role}}, "ledger"); got != c.want {
			t.Errorf("%s/%s in %q: %s, want %s", c.kind, c.role, c.namespace, got, c.want)
		}
	}
}

func TestBeyondTheFile(t *testing.T) {
	jane, dev, joe := Subject{"User", "jane"}, Subject{"Group", "dev"}, Subject{"User", "joe"}
	role := func(name string) RoleRef { return RoleRef{"ClusterRole", name} }
	given := []Grant{{role("view"), "a"}, {role("edit"), ""}}
	h := Holdings{
		jane: {heldBy(jane, "", "view", "a", "same"), heldBy(jane, "", "edit", "b", "part"), heldBy(jane, "", "view", "b", "elsewhere"), heldBy(jane, "mine", "admin", "a", "own")},
		dev:  {heldBy(dev, "other", "view", "", "wider"), heldBy(dev, "", "gone", "a", "nothing")},
		joe:  {heldBy(joe, "", "admin", "", "his")},
	}
	all := func(h Holdings) Holdings {
		return h.Judge(Rules{Of: map[ObjectKey][]rbacv1.PolicyRule{
			{Name: "view"}: {{Verbs: []string{"get"}}}, {Name: "edit"}: {{Verbs: []string{"get"}}}, {Name: "admin"}: {{Verbs: []string{"get"}}},
		}}, "ledger")
	}
	for _, c := range []struct {
		name   string
		h      Holdings
		groups []string
		want   []string
	}{
		{"by name", all(h.Outside("mine")), nil, []string{`user jane view in "b" by elsewhere limited`}},
		{"and by a group", all(h.Outside("mine")), []string{"dev"}, []string{`group dev view in "" by wider limited`, `user jane view in "b" by elsewhere limited`}},
		{"another set's own", all(h.Outside("other")), []string{"dev"}, []string{`user jane admin in "a" by own limited`, `user jane view in "b" by elsewhere limited`}},
		{"of the set", h.Of("mine"), []string{"dev"}, []string{`user jane admin in "a" by own `}},
		{"of a group that she has not", all(h.Outside("mine")), []string{"ops"}, []string{`user jane view in "b" by elsewhere limited`}},
	} {
		if got := heldTexts(c.h.Beyond(given, "jane", c.groups)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// However many people have something, a warning stands for all that is alike, and holds nothing that changes without
// anybody getting or losing a right.
func TestOutsideWarnings(t *testing.T) {
	var list []Held
	for i := range 3000 {
		s := Subject{"User", fmt.Sprintf("u%04d", i)}
		list = append(list, heldBy(s, "", "edit", "a", "hand"), heldBy(s, "other", "edit", fmt.Sprintf("home-%d", i), "home"))
	}
	root := heldBy(Subject{"Group", "dev"}, "", "cluster-admin", "", "root")
	root.Power = PowerAdmin
	hidden := heldBy(Subject{"User", "u0001"}, "", "edit", "", "hidden")
	hidden.Power = PowerUnknown
	list = append(list, hidden, root)
	got := OutsideWarnings(list)
	want := []struct {
		code WarningCode
		role string
		set  string
		held int
	}{{OutsideAdmin, "cluster-admin", "", 1}, {OutsideUnread, "edit", "", 1}, {OutsideGrant, "edit", "", 3000}, {OutsideGrant, "edit", "other", 3000}}
	if len(got) != len(want) {
		t.Fatalf("%d warnings, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Code != w.code || g.Role.Name != w.role || g.Name != w.set || len(g.Held) != w.held || !g.Outside() || g.Grave() != (w.code != OutsideGrant) {
			t.Errorf("%s of %s, set %q, %d held; want %v", g.Code, g.Role, g.Name, len(g.Held), w)
		}
		for _, h := range g.Held {
			if len(h.Binding.Subjects) > 0 || h.Binding.ResourceVersion != "" {
				t.Fatalf("%+v", h)
			}
		}
	}
	slices.Reverse(list)
	for i, w := range OutsideWarnings(list) {
		if more, is := w.Beyond(got); is {
			t.Errorf("in another order: %d is other than it was: %v", i, more)
		}
	}
	more := OutsideWarnings(append(list, heldBy(Subject{"User", "zoe"}, "", "edit", "a", "hand")))
	if beyond, is := more[2].Beyond(got); !is || len(beyond.Held) != 1 || beyond.Held[0].Subject.Name != "zoe" {
		t.Errorf("with one more: %v", beyond)
	}
}

// What counts is in a certificate that lives, or will be in the next.
func TestGroupsHeld(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"))
	w.Users[0].Certificate.Groups = []string{"ops"}
	if got := GroupsHeld(w.Desired, w.Observed, noon)["jane"]; !slices.Equal(got, []string{"dev", "ops"}) {
		t.Errorf("%q", got)
	}
	if got := GroupsHeld(w.Desired, w.Observed, noon.Add(365*day))["jane"]; !slices.Equal(got, []string{"ops"}) {
		t.Errorf("later: %q", got)
	}
}
