package view

import (
	"testing"

	"provision/internal/plan"
)

// The commands of one text work one after the other, also where they are about one binding: each counts on those before it. None
// deletes a binding that somebody may be left in.
func TestWaysOutOfOneBinding(t *testing.T) {
	ann, bob, dev := plan.Subject{Kind: "User", Name: "ann"}, plan.Subject{Kind: "User", Name: "bob"}, plan.Subject{Kind: "Group", Name: "dev"}
	robot := plan.Subject{Kind: "ServiceAccount", Name: "ci/robot"}
	b := plan.Binding{Namespace: "shop", Name: "b", RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: "edit"}, Subjects: []plan.Subject{ann, robot, bob, dev}}
	test := func(at, kind, name string) string {
		return `{"op":"test","path":"/subjects/` + at + `/kind","value":"` + kind + `"},{"op":"test","path":"/subjects/` + at + `/name","value":"` + name +
			`"},{"op":"remove","path":"/subjects/` + at + `"}`
	}
	const patch = "kubectl patch rolebinding/b -n shop --type=json -p '["
	ways := taken{}
	for _, c := range []struct {
		gone  []plan.Subject
		want  string
		about string
	}{
		{[]plan.Subject{ann}, patch + test("0", "User", "ann") + "]'", "edit, through user ann, in namespace shop"},
		{[]plan.Subject{dev}, patch + test("2", "Group", "dev") + "]'", "edit, through group dev, in namespace shop: from everybody in that group, after the command above"},
		{[]plan.Subject{dev}, "", "edit, through group dev, in namespace shop: from everybody in that group: a command above takes it away"},
		{[]plan.Subject{bob}, patch + test("1", "User", "bob") + "]'", "edit, through user bob, in namespace shop, after the command above"},
		{[]plan.Subject{robot}, patch + `{"op":"test","path":"/subjects/0/kind","value":"ServiceAccount"},{"op":"test","path":"/subjects/0/namespace","value":"ci"},` +
			`{"op":"test","path":"/subjects/0/name","value":"robot"},{"op":"remove","path":"/subjects/0"}]'`, "edit, through serviceaccount ci/robot, in namespace shop, after the command above"},
	} {
		if got, about := ways.wayOut(b, "", c.gone, nil, everyone); got != c.want || about != c.about {
			t.Errorf("%v: %s  # %s\nwant %s  # %s", c.gone, got, about, c.want, c.about)
		}
	}
	if got, _ := (taken{}).wayOut(b, "", []plan.Subject{ann, bob, dev, robot}, nil, everyone); got != "kubectl delete rolebinding/b -n shop" {
		t.Errorf("all of them: %s", got)
	}
}
