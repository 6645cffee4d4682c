package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"provision/internal/cluster"
	"provision/internal/outdir"
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
	r := newRun(t.Context(), p, nil, outdir.Set{}, Options{Progress: &progress})
	defer r.close()
	var got []string
	for _, one := range r.report().Results {
		got = append(got, fmt.Sprintf("%s %s of %s %s", one.Op, one.Kind, one.Object, one.Status))
	}
	want := []string{
		"delete role of role/old -n shop notStarted", "create binding of clusterrolebinding/new notStarted",
		"delete request of certificatesigningrequest/request notStarted",
		"issue certificate of user/user-0 notStarted", "issue certificate of user/user-1 notStarted", "rewrite kubeconfig of user/moved notStarted",
		"delete oldKey of user/given up notStarted", "remove kubeconfig of user/left notStarted",
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
	r := newRun(t.Context(), plan.Plan{}, nil, outdir.Set{}, Options{})
	defer r.close()
	result := Result{Status: NotStarted}
	var got []Status
	for _, err := range []error{&StoppedError{errors.New("interrupted")}, cluster.ErrLockLost, nil, errors.New("disk full"), nil} {
		r.settle(&result, err)
		got = append(got, result.Status)
	}
	if want := []Status{NotStarted, NotStarted, Done, Failed, Failed}; !slices.Equal(got, want) || result.Err == nil {
		t.Errorf("%v %v, want %v", got, result.Err, want)
	}
}

// A run that is told to stop makes no more keys.
func TestKeyStopped(t *testing.T) {
	r := newRun(t.Context(), planOf(1), nil, outdir.Set{}, Options{})
	defer r.close()
	why := errors.New("told to stop")
	r.stop(&StoppedError{why})
	p := r.newPipeline(0)
	if err := p.takeKey(); p.key != nil || !errors.Is(err, why) {
		t.Errorf("%v %v", p.key, err)
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
			r := newRun(t.Context(), planOf(1), nil, outdir.Set{}, Options{})
			defer r.close()
			if c.before {
				r.stop(stopped)
			}
			p := r.newPipeline(0)
			_, err := p.approved(func(context.Context, cluster.RequestSpec) (cluster.Request, error) { return cluster.Request{}, c.err })
			if p.sent != c.sent || err == nil {
				t.Errorf("sent %v, %v", p.sent, err)
			}
		})
	}
}
