package apply

import (
	"errors"
	"testing"

	"provision/internal/plan"
)

func TestKeptError(t *testing.T) {
	two := []plan.Subject{{Kind: "User", Name: "ann"}, {Kind: "Group", Name: "ops"}}
	refused := errors.New("refused")
	for _, c := range []struct {
		err  *KeptError
		want string
	}{
		{&KeptError{Subjects: two[:1], Err: refused}, "user ann: not taken away: refused"},
		{&KeptError{Subjects: two[1:], Unfollowed: true, Err: refused}, "group ops: not taken away, because who was to follow was not put in: refused"},
		{&KeptError{Subjects: two[1:], Unfollowed: true, Leavers: []string{"bob", "cat"}, Err: refused},
			"group ops: not taken away, because who was to follow was not put in: refused; who left and keeps it by a certificate: bob, cat"},
		{&KeptError{Subjects: two, Heir: plan.Object{Kind: "RoleBinding", Namespace: "shop", Name: "x"}},
			"user ann and 1 more: not taken away, because what was to follow it failed: rolebinding/x -n shop"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
		if errors.Is(c.err, refused) != (c.err.Err != nil) {
			t.Errorf("%s: the failure behind it is lost", c.want)
		}
	}
}
