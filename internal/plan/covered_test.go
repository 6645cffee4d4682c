package plan

import (
	"testing"
	"time"
)

// A binding can go once everybody in it has the same by the set, and not before.
func TestCovered(t *testing.T) {
	edit, view := RoleRef{Kind: "ClusterRole", Name: "edit"}, RoleRef{Kind: "ClusterRole", Name: "view"}
	user := func(name string) Subject { return Subject{Kind: "User", Name: name} }
	ann := UserStatus{User: "ann", State: StateValid, Until: time.Unix(1, 0), Grants: []Grant{{edit, "shop"}, {view, ""}}}
	gone := UserStatus{User: "gone", State: StateRemoved, Until: time.Unix(1, 0), Grants: []Grant{{edit, "shop"}}}
	late := UserStatus{User: "late", State: StateExpired, Until: time.Unix(1, 0), Grants: []Grant{{edit, "shop"}}}
	missing := UserStatus{User: "missing", State: StateMissing, Grants: []Grant{{edit, "shop"}}}
	for name, c := range map[string]struct {
		binding Binding
		set     string
		want    bool
	}{
		"the same":            {Binding{Namespace: "shop", RoleRef: edit, Subjects: []Subject{user("ann")}}, "", true},
		"the whole cluster":   {Binding{Namespace: "shop", RoleRef: view, Subjects: []Subject{user("ann")}}, "", true},
		"another namespace":   {Binding{Namespace: "web", RoleRef: edit, Subjects: []Subject{user("ann")}}, "", false},
		"more than the set":   {Binding{RoleRef: edit, Subjects: []Subject{user("ann")}}, "", false},
		"somebody else too":   {Binding{Namespace: "shop", RoleRef: edit, Subjects: []Subject{user("ann"), user("bob")}}, "", false},
		"a group too":         {Binding{Namespace: "shop", RoleRef: edit, Subjects: []Subject{user("ann"), {Kind: "Group", Name: "g"}}}, "", false},
		"somebody who left":   {Binding{Namespace: "shop", RoleRef: edit, Subjects: []Subject{user("ann"), user("gone")}}, "", false},
		"not yet applied":     {Binding{Namespace: "shop", RoleRef: edit, Subjects: []Subject{user("ann"), user("missing")}}, "", false},
		"an expired one":      {Binding{Namespace: "shop", RoleRef: edit, Subjects: []Subject{user("ann"), user("late")}}, "", false},
		"that of another set": {Binding{Namespace: "shop", RoleRef: edit, Subjects: []Subject{user("ann")}}, "other", false},
		"twice the same":      {Binding{Namespace: "shop", RoleRef: edit, Subjects: []Subject{user("ann"), user("ann")}}, "", true},
		"a role of that name": {Binding{Namespace: "shop", RoleRef: RoleRef{Kind: "Role", Name: "edit"}, Subjects: []Subject{user("ann")}}, "", false},
	} {
		held := Holdings{user("ann"): {{Binding: c.binding, Set: c.set, Subject: user("ann")}, {Binding: c.binding, Set: c.set, Subject: user("ann")}}}
		if got := Covered(held, []UserStatus{ann, gone, late, missing}); (len(got) == 1) != c.want || len(got) > 1 {
			t.Errorf("%s: %v", name, got)
		}
	}
}
