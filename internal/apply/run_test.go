package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// planOf asks for n certificates.
func planOf(n int) plan.Plan {
	p := plan.Plan{Set: "team"}
	for i := range n {
		name := fmt.Sprintf("user-%d", i)
		p.Users = append(p.Users, plan.UserChange{
			Name:        name,
			Certificate: plan.Change[plan.Certificate]{Op: plan.Issue, After: &plan.Certificate{User: name}},
			Kubeconfig:  plan.Change[plan.Kubeconfig]{Op: plan.Write, After: &plan.Kubeconfig{}},
		})
	}
	return p
}

// The report has one result for each change, in the plan's order, and none for what stays.
func TestReport(t *testing.T) {
	p := planOf(2)
	p.Users = append(p.Users,
		plan.UserChange{Name: "same", Certificate: plan.Change[plan.Certificate]{Op: plan.Keep}, Kubeconfig: plan.Change[plan.Kubeconfig]{Op: plan.Keep}},
		plan.UserChange{Name: "moved", Certificate: plan.Change[plan.Certificate]{Op: plan.Keep}, Kubeconfig: plan.Change[plan.Kubeconfig]{Op: plan.Rewrite}},
		plan.UserChange{Name: "given up", Certificate: plan.Change[plan.Certificate]{Op: plan.Keep}, Kubeconfig: plan.Change[plan.Kubeconfig]{Op: plan.Keep}, Abandon: true},
		plan.UserChange{Name: "left", Certificate: plan.Change[plan.Certificate]{Op: plan.Keep}, Kubeconfig: plan.Change[plan.Kubeconfig]{Op: plan.Remove}, Abandon: true},
	)
	p.Roles = []plan.Change[plan.Role]{
		{Op: plan.Keep, Before: &plan.Role{Name: "kept"}, After: &plan.Role{Name: "kept"}},
		{Op: plan.Delete, Before: &plan.Role{Namespace: "shop", Name: "old"}},
	}
	p.Bindings = []plan.Change[plan.Binding]{{Op: plan.Create, After: &plan.Binding{Name: "new"}}}
	p.Requests = []plan.Change[plan.Request]{{Op: plan.Delete, Before: &plan.Request{Name: "request"}}}
	var progress Progress
	r := newRun(t.Context(), p, nil, nil, Options{Progress: &progress})
	defer r.close()
	var got []string
	for _, one := range r.report().Results {
		got = append(got, fmt.Sprintf("%s %s/%s %s %s", one.Op, one.Kind, one.Name, one.Namespace, one.Status))
	}
	want := []string{
		"delete Role/old shop notStarted", "create ClusterRoleBinding/new  notStarted", "delete CertificateSigningRequest/request  notStarted",
		"issue User/user-0  notStarted", "issue User/user-1  notStarted", "rewrite User/moved  notStarted", "delete User/given up  notStarted",
		"remove User/left  notStarted",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
	if c := progress.Counts(); c.Total != 2 {
		t.Errorf("%d certificates are asked for", c.Total)
	}
}

// A failure stays one, whatever comes after it.
func TestSettleKeepsFailures(t *testing.T) {
	r := newRun(t.Context(), plan.Plan{}, nil, nil, Options{})
	defer r.close()
	result := Result{Status: NotStarted}
	var got []Status
	for _, err := range []error{&StoppedError{errors.New("interrupted")}, cluster.ErrUnavailable, nil, errors.New("disk full"), nil} {
		r.settle(&result, err)
		got = append(got, result.Status)
	}
	if want := []Status{NotStarted, NotStarted, Done, Failed, Failed}; !slices.Equal(got, want) || result.Err == nil {
		t.Errorf("%v %v, want %v", got, result.Err, want)
	}
}

// Who is told to stop before her key is made has none.
func TestKeyStopped(t *testing.T) {
	r := newRun(t.Context(), planOf(1), nil, nil, Options{})
	defer r.close()
	why := errors.New("told to stop")
	r.stop(&StoppedError{why})
	var spec cluster.RequestSpec
	if key, err := r.key(r.plan.Users[0], &spec); key != nil || !errors.Is(err, why) {
		t.Errorf("%v %v", key, err)
	}
}

// A request is known to be unsent only if it was never begun or was refused for good. What a run that is given up says of
// one that was under way is the reason why it was given up, and no word about the request.
func TestSent(t *testing.T) {
	stopped := &StoppedError{errors.New("told to stop")}
	for _, c := range []struct {
		name   string
		before bool // told to stop before it began
		err    error
		sent   bool
	}{
		{"not begun", true, nil, false},
		{"given up while it was sent", false, stopped, true},
		{"no answer", false, errors.New("connection reset"), true},
		{"refused", false, &cluster.RefusedError{Err: errors.New("denied by a policy")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRun(t.Context(), planOf(1), nil, nil, Options{})
			defer r.close()
			if c.before {
				r.stop(stopped)
			}
			var result Result
			_, sent, err := r.approved(&result, cluster.RequestSpec{}, func(context.Context, cluster.RequestSpec) (cluster.Request, error) {
				return cluster.Request{}, c.err
			})
			if sent != c.sent || err == nil {
				t.Errorf("sent %v, %v", sent, err)
			}
		})
	}
}

// The ledger forgets a request of which no certificate can ever have come, and no other.
func TestForgotten(t *testing.T) {
	for _, c := range []struct {
		name    string
		request *plan.RequestRef
		never   bool
	}{
		{"new", nil, true},
		{"resumed", &plan.RequestRef{Name: "a", UID: "1"}, true},
		{"sent again", &plan.RequestRef{Name: "a", Resent: true}, false},
		{"sent again, and resumed later", &plan.RequestRef{Name: "a", UID: "1", Resent: true}, false},
	} {
		if got := neverIssued(plan.UserChange{Request: c.request}); got != c.never {
			t.Errorf("%s, and denied: forgotten %v", c.name, got)
		}
	}
	for _, c := range []struct {
		name    string
		request plan.Request
		forgets bool
	}{
		{"pending", plan.Request{State: plan.Pending, Conforms: true}, true},
		{"pending, sent twice", plan.Request{State: plan.Pending, Conforms: true, Resent: true}, false},
		{"approved", plan.Request{State: plan.Approved, Conforms: true}, false},
		{"not as we send it", plan.Request{State: plan.Pending}, false},
	} {
		if got := forgets(c.request); got != c.forgets {
			t.Errorf("%s, and deleted: forgotten %v", c.name, got)
		}
	}
}
