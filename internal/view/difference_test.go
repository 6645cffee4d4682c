package view

import (
	"errors"
	"strings"
	"testing"
	"time"

	"provision/internal/plan"
	"provision/internal/verify"
)

// Every difference has words, and what many share stands first and is short.
func TestDifferenceWords(t *testing.T) {
	held := plan.Held{Binding: plan.Binding{Namespace: "shop", Name: "by-hand", RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: "edit"}}}
	at := time.Date(2026, 11, 23, 16, 42, 0, 0, time.UTC)
	missing := errors.New("role/x -n shop does not exist")
	for _, c := range []struct {
		of   verify.Difference
		want string
	}{
		{verify.Difference{Code: verify.Failed, Err: errors.New("read: no")}, "read: no"},
		{verify.Difference{Code: verify.NotReached, Err: errors.New("dial: refused")}, "dial: refused"},
		{verify.Difference{Code: verify.NotArrived, Err: errors.New("a front")}, "a front"},
		{verify.Difference{Code: verify.Disagree, Err: errors.New("1 of 2")}, "1 of 2"},
		{verify.Difference{Code: verify.MayNotAsk}, "the login works, but users may not ask who they are (create selfsubjectreviews.authentication.k8s.io): which groups the API server sees is not known"},
		{verify.Difference{Code: verify.Expired, At: at}, "expired 2026-11-23 16:42 UTC: run `provision apply`"},
		{verify.Difference{Code: verify.NotYetValid, At: at}, "not valid before 2026-11-23 16:42 UTC: check the clocks"},
		{verify.Difference{Code: verify.OtherGroups, Groups: []string{"a", "b"}, Wanted: []string{"a"}}, `the API server says groups "a b", the file says "a"`},
		{verify.Difference{Code: verify.OtherCluster, Other: plan.CurrentContext{Context: "x", Cluster: "uid"}}, "the current context, x, is for another cluster (uid) at the same address: if that is gone, run `provision apply --forget-cluster uid`"},
		{verify.Difference{Code: verify.RoleMissing, Err: missing}, "role/x -n shop does not exist: create it, or define it under roles: in the users file"},
		{verify.Difference{Code: verify.RoleNotApplied, Err: missing}, "role/x -n shop does not exist: run `provision apply`"},
		{verify.Difference{Code: verify.NotGiven, Held: []plan.Held{held}}, "has clusterrole/edit by rolebinding/by-hand -n shop, which the file does not give: run `provision apply`"},
		{verify.Difference{Code: verify.Foreign, Held: []plan.Held{held, held, held, held, held, held, held}},
			"has from outside the file: " + strings.Repeat("clusterrole/edit by rolebinding/by-hand -n shop, ", 4) + "clusterrole/edit by rolebinding/by-hand -n shop and 2 more"},
	} {
		if got := differenceWords(c.of); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.of.Code, got, c.want)
		}
	}
	list := []verify.Difference{{Code: verify.Expired, At: at}, {Code: verify.MayNotAsk}, {Code: verify.RoleNotApplied, Err: missing}}
	if got, want := strings.Join(each(sharedFirst(list), differenceCell), "; "),
		"logs in; groups not known; expired 2026-11-23 16:42 UTC: run `provision apply`; role/x -n shop does not exist: run `provision apply`"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
