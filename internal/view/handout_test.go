package view

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"provision/internal/apply"
	"provision/internal/cluster"
	"provision/internal/plan"
)

// handedUser is a user whose kubeconfig changes for a reason.
func handedUser(name string, key plan.KeyPlace, why plan.ReasonCode) apply.Result {
	file := plan.Kubeconfig{File: name + ".kubeconfig", Endpoint: plan.Endpoint{Server: "https://prod:6443"}}
	u := plan.UserChange{Name: name, Certificate: plan.Change[plan.Certificate]{Op: plan.Keep, After: &plan.Certificate{User: name, Key: key}}}
	u.Kubeconfig = plan.Change[plan.Kubeconfig]{Op: plan.Rewrite, After: &file, Reasons: []plan.Reason{{Code: why}}}
	return apply.Result{Kind: apply.Kubeconfig, Object: plan.Object{Kind: "User", Name: name}, Op: plan.Rewrite, Status: apply.Done, Reasons: u.Kubeconfig.Reasons, User: &u}
}

// An apply says who has a new file, and what those do whose key is not in it; of files that were only put right here nothing.
func TestHandOut(t *testing.T) {
	plain := func(n int) (list []apply.Result) {
		for i := range n {
			list = append(list, handedUser(fmt.Sprintf("ann-%d", n-i), plan.KeyHere, plan.NewCertificate))
		}
		return list
	}
	sealed, own := handedUser("bob b", plan.KeySealed, plan.NewCertificate), handedUser("zoe", plan.KeyOwn, plan.ServerChanged)
	failed, pending, removed := handedUser("a", plan.KeyHere, plan.NewCertificate), handedUser("b", plan.KeyHere, plan.NewCertificate), handedUser("c", plan.KeyHere, plan.NotInFile)
	failed.Status, failed.Err, pending.Status = apply.Failed, cluster.ErrGone, apply.Pending
	removed.User.Kubeconfig.Before, removed.User.Kubeconfig.After, removed.Op = removed.User.Kubeconfig.After, nil, plan.Remove
	old := apply.Result{Kind: apply.OldKey, Op: plan.Delete, Status: apply.Done, User: &plan.UserChange{Name: "d"}}
	binding := apply.Result{Kind: apply.Binding, Op: plan.Create, Status: apply.Done}
	for _, c := range []struct {
		name    string
		results []apply.Result
		all     bool
		want    string
	}{
		{"one", plain(1), false, "new kubeconfig to hand out: ann-1"},
		{"some", plain(2), false, "new kubeconfigs to hand out: ann-1, ann-2"},
		{"many", plain(7), false, "new kubeconfigs to hand out: ann-1, ann-2, ann-3, ann-4, ann-5 and 2 more (--show-all lists them)"},
		{"all of many", plain(7), true, "new kubeconfigs to hand out: ann-1, ann-2, ann-3, ann-4, ann-5, ann-6, ann-7"},
		{"of all kinds", append(plain(1), own, sealed), false, "new kubeconfigs to hand out: ann-1; \"bob b\" (sealed: `provision accept` opens it); zoe (own key: `provision accept --key` adds it)"},
		{"nobody", []apply.Result{failed, pending, removed, old, binding}, false, ""},
		{"what was put right here", []apply.Result{
			handedUser("a", plan.KeyHere, plan.ModeTooOpen), handedUser("b", plan.KeyHere, plan.MarkGone), handedUser("c", plan.KeyHere, plan.EntryEdited), handedUser("d", plan.KeyHere, plan.EntryIncomplete),
		}, false, ""},
	} {
		for _, dry := range []bool{false, true} {
			var out bytes.Buffer
			v := Page{Dir: "kubeconfigs", All: c.all}
			if err := v.Report(Streams{Out: &out, Err: &bytes.Buffer{}}, "text", nil, []apply.Report{{Set: "team", Results: c.results}}, dry); err != nil {
				t.Fatal(err)
			}
			want := c.want
			if dry {
				want = ""
			}
			var got string
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, "hand out") {
					got += strings.TrimSuffix(line, "\n")
				}
			}
			if got != want {
				t.Errorf("%s, dry run %v:\n%s\nwant\n%s", c.name, dry, out.String(), want)
			}
			if strings.Contains(out.String(), "CA of") != (want != "") {
				t.Errorf("%s, dry run %v: without anything to hand out there is no CA to compare:\n%s", c.name, dry, out.String())
			}
		}
	}
}

// What a program needs to hand a kubeconfig out stands at the result, in the words of the plan and of status.
func TestResultDocument(t *testing.T) {
	v := Page{Dir: "kubeconfigs"}
	d := v.resultDocument("team", handedUser("zoe", plan.KeyOwn, plan.ServerChanged), false)
	if d.File != "kubeconfigs/zoe.kubeconfig" || !d.HandOut || d.Key != plan.KeyOwn || d.Reason == "" || len(d.Reasons) != 1 || d.Reasons[0].Code != plan.ServerChanged {
		t.Errorf("%+v", d)
	}
	if d := v.resultDocument("team", handedUser("zoe", plan.KeyOwn, plan.ServerChanged), true); d.HandOut {
		t.Error("a dry run has made nothing")
	}
	d = v.resultDocument("team", apply.Result{Kind: apply.Binding, Op: plan.Create, Status: apply.Done, Reasons: []plan.Reason{{Code: plan.InFile}}}, false)
	if d.File != "" || d.HandOut || d.Reason != "not in the cluster" || d.Reasons == nil {
		t.Errorf("%+v", d)
	}
}
