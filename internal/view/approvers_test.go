package view

import (
	"errors"
	"strings"
	"testing"

	"provision/internal/observe"
	"provision/internal/plan"
)

// Where nobody can say who may approve, one line says that, and no list looks as if it were nobody.
func TestApproversNotKnown(t *testing.T) {
	unknown := observe.Approvers{Err: errors.New("list clusterroles: forbidden\nby somebody")}
	var out, errs strings.Builder
	Status{Approvers: unknown}.draw(Streams{Out: &out, Err: &errs}, false)
	const want = "who may approve client certificates for any name and group is not known: list clusterroles: forbidden"
	if strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), want) || strings.Contains(out.String(), "approve") {
		t.Errorf("status says %q, and beside it %q", out.String(), errs.String())
	}
	if d := (Status{Approvers: unknown}).document(); len(d.Warnings) != 1 || d.Warnings[0].Code != "ApproversNotRead" || d.Approvers == nil {
		t.Errorf("the document of status: %+v", d)
	}
	if d := (Remainder{Approvers: unknown}).document(); !strings.Contains(d.Errors[len(d.Errors)-1].Message, want) {
		t.Errorf("the document of revoke: %+v", d.Errors)
	}
}

// Of a right that a set grants its users file is the way out, and of half a right the other half is told.
func TestApproverText(t *testing.T) {
	ann, ops := plan.Subject{Kind: "User", Name: "ann"}, plan.Subject{Kind: "Group", Name: "ops"}
	of := func(set, name string, s plan.Subject) plan.Held {
		return plan.Held{Set: set, Subject: s, Binding: plan.Binding{Name: name, RoleRef: plan.ClusterAdminRole, Subjects: []plan.Subject{s}}}
	}
	a := plan.Approver{Subject: ann, You: true, By: []plan.Held{of("web", "a", ann), of("", "b", ann), of("", "c", ops)}, With: []plan.Subject{ops}}
	if got, want := approverText(a), "user ann (you, if also group ops, clusterrolebinding/a, clusterrolebinding/b, clusterrolebinding/c)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := approverWays(a); len(got) != 1 || !strings.HasPrefix(got[0], "kubectl delete clusterrolebinding/b  # ") {
		t.Errorf("ways out: %q", got)
	}
}
