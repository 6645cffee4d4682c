package view

import (
	"fmt"
	"strings"
	"testing"

	"provision/internal/plan"
)

// Rights that are alike are one line, of a length that people read unless they are as good as cluster-admin; --show-all lists all.
func TestOutsideIsBounded(t *testing.T) {
	held := func(n int, set, role, namespace, binding string, power plan.Power) []plan.Held {
		var list []plan.Held
		for i := range n {
			list = append(list, plan.Held{
				Binding: plan.Binding{Namespace: namespace, Name: binding, RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: role}},
				Set:     set, Subject: plan.Subject{Kind: "User", Name: fmt.Sprintf("u%04d", i)}, Power: power,
			})
		}
		return list
	}
	list := held(3000, "", "edit", "shop", "by-hand", plan.PowerLimited)
	list = append(list, held(3000, "", "cluster-admin", "", "admins", plan.PowerAdmin)...)
	for i := range 100 {
		list = append(list, held(1, "", fmt.Sprintf("role-%03d", i), "shop", "x", plan.PowerLimited)...)
	}
	warnings := plan.OutsideWarnings(list)
	draw := func(all bool) string {
		var out strings.Builder
		Page{All: all}.warnings(pen{w: &out}, warnings)
		return out.String()
	}
	short, long := draw(false), draw(true)
	if lines := strings.Count(short, "\n"); lines != 2+1+fewRows+1 || len(strings.SplitAfterN(short, "\n", 4)[3]) > 8000 {
		t.Errorf("%d lines, %d characters", lines, len(short))
	}
	for _, want := range []string{
		"\nwarnings\n  ! as good as cluster-admin, and not of this file: clusterrole/cluster-admin by clusterrolebinding/admins (user u0000, user u0001, ",
		", user u2998, user u2999)\n  ! not of this file: clusterrole/edit by rolebinding/by-hand -n shop (user u0000, user u0001, user u0002, user u0003, user u0004 and 2,995 more) (--show-all lists them)\n",
		"\n  ! ... and 51 more (--show-all lists them)\n",
	} {
		if !strings.Contains(short, want) {
			t.Errorf("%q is not in\n%s", want, short)
		}
	}
	if strings.Count(long, "user u2999") != 2 || strings.Count(long, "\n") != 2+1+1+100 {
		t.Errorf("all: %d lines", strings.Count(long, "\n"))
	}
}
