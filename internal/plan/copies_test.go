package plan

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// What is copied into a namespace that the file does not name goes, counts for nothing in the guard, and needs no permission.
// It is needed only where somebody is in it who does not have the original.
func TestCopies(t *testing.T) {
	const copied, left = "Copied shop", "NotInFile "
	for _, c := range []struct {
		name     string
		origin   Origin
		subjects []Subject
		destroy  bool
		reason   string
		lacking  []string
	}{
		{"by its annotation", Origin{Namespace: "shop"}, []Subject{{"User", "jane"}}, false, copied, nil},
		{"by who wrote it", Origin{ByOthers: true}, []Subject{{"User", "jane"}}, false, copied, nil},
		{"by who wrote it, with everything renamed", Origin{Namespace: "mall", ByOthers: true}, []Subject{{"User", "jane"}}, false, copied, nil},
		{"for a leaver", Origin{Namespace: "shop"}, []Subject{{"User", "dan"}, {"User", "jane"}}, false, copied, []string{"user dan"}},
		{"of a set that goes", Origin{Namespace: "shop"}, []Subject{{"User", "jane"}}, true, copied, []string{"user jane"}},
		{"the set's own", Origin{Namespace: "mall"}, []Subject{{"User", "jane"}}, false, left, nil},
		{"the set's own, without an annotation", Origin{}, []Subject{{"User", "jane"}}, false, left, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := settled(noon.Add(-time.Hour), wanted("jane"))
			w.Namespaces = map[string]bool{"shop": true}
			name := BindingName(setName, edit)
			w.Desired.Bindings = []Binding{{Namespace: "shop", Name: name, RoleRef: edit, Subjects: []Subject{{"User", "jane"}}}}
			w.Observed.Bindings = []Binding{
				{Namespace: "shop", Name: name, RoleRef: edit, Subjects: []Subject{{"User", "jane"}}},
				{Namespace: "mall", Name: name, RoleRef: edit, Subjects: c.subjects, Found: Found{Origin: c.origin}},
			}
			w.Desired.Roles = []Role{{Namespace: "shop", Name: "tools"}}
			w.Observed.Roles = []Role{{Namespace: "shop", Name: "tools"}, {Namespace: "mall", Name: "tools", Found: Found{Origin: c.origin}}}
			if c.destroy {
				w.Desired.Bindings, w.Desired.Destroy = nil, true
			}
			p := w.plan()
			said := func(reasons []Reason) string { return string(reasons[0].Code) + " " + reasons[0].From }
			is := func(namespace string) bool { return namespace == "mall" }
			at := slices.IndexFunc(p.Bindings, func(b Change[Binding]) bool { return is(b.Object().Namespace) })
			got := p.Bindings[at]
			if got.Op != Delete || said(got.Reasons) != c.reason || !slices.Equal(texts(got.Reasons[0].Leaves), c.lacking) {
				t.Errorf("%s %+v, want %q lacking %v", got.Op, got.Reasons, c.reason, c.lacking)
			}
			copy, needed := got.Copy()
			if want := c.reason == copied; copy != want || needed != (len(c.lacking) > 0) {
				t.Errorf("a copy %t, needed %t", copy, needed)
			}
			at = slices.IndexFunc(p.Roles, func(r Change[Role]) bool { return is(r.Object().Namespace) })
			if got := p.Roles[at]; got.Op != Delete || said(got.Reasons) != c.reason {
				t.Errorf("%s %+v", got.Op, got.Reasons)
			}
			needs := slices.ContainsFunc(p.Permissions(), func(n Permission) bool { return is(n.Namespace) })
			if own := c.reason == left; needs != own || (p.Deletions() == 0) == own && !c.destroy {
				t.Errorf("permissions %v, deletions %d", p.Permissions(), p.Deletions())
			}
			all := p
			all.holdTaking()
			if got := all.Bindings[slices.IndexFunc(all.Bindings, func(b Change[Binding]) bool { return is(b.Object().Namespace) })].Op; (got == Delete) != copy {
				t.Errorf("%s while deletions are held back", got)
			}
		})
	}
}

// A revoke takes people out of copies too, and says so.
func TestRevokeFromCopies(t *testing.T) {
	w := settled(noon.Add(-time.Hour), wanted("jane"))
	name := BindingName(setName, edit)
	w.Observed.Bindings = []Binding{
		{Namespace: "mall", Name: name, RoleRef: edit, Subjects: []Subject{{"User", "bob"}, {"User", "jane"}}, Found: Found{Origin: Origin{ByOthers: true}}},
		{Namespace: "shop", Name: name, RoleRef: edit, Subjects: []Subject{{"User", "jane"}}},
	}
	p := Revoke(w.Desired, w.Observed, []string{"jane"}, noon)
	var got []string
	for _, c := range p.Bindings {
		_, needed := c.Copy()
		line := c.Object().Namespace + " " + string(c.Op)
		for _, r := range c.Reasons {
			line += " " + string(r.Code)
		}
		if needed {
			line += " needed"
		}
		got = append(got, line)
	}
	if want := "mall update SubjectsChanged Copied needed, shop delete RevokedNow"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %q", strings.Join(got, ", "), want)
	}
	if slices.ContainsFunc(p.Permissions(), func(n Permission) bool { return n.Namespace == "mall" }) {
		t.Errorf("%v", p.Permissions())
	}
}
