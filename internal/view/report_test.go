package view

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"provision/internal/apply"
	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/plan"
)

// The way out of a failure names the command that failed: an apply after a revoke would give back what it took.
func TestHintsNameTheCommand(t *testing.T) {
	for _, c := range []struct {
		verb Verb
		want string
	}{
		{Apply, "failed: rolebinding/x -n shop: somebody has edited it since the plan\nhint: run `provision apply` again: it plans from what is there now\n"},
		{Revoke, "failed: rolebinding/x -n shop: somebody has edited it since the plan\nhint: run `provision revoke` again: it plans from what is there now\n"},
		{Destroy, "failed: rolebinding/x -n shop: somebody has edited it since the plan\nhint: run `provision destroy` again: it plans from what is there now\n"},
	} {
		var told bytes.Buffer
		failed := apply.Result{Kind: apply.Binding, Object: plan.Object{Kind: "RoleBinding", Namespace: "shop", Name: "x"}, Op: plan.Delete, Status: apply.Failed, Err: cluster.ErrEdited}
		Page{Verb: c.verb}.failures(Streams{Err: &told, Command: c.verb.Command}, []apply.Report{{Set: "team", Results: []apply.Result{failed}}}, false)
		if told.String() != c.want {
			t.Errorf("%q, want %q", told.String(), c.want)
		}
	}
}

// Failures of one kind are told together. What is not the same of them, another object's name say, is told of each.
func TestFailuresAlike(t *testing.T) {
	user := func(err func(name string) error) func(int) apply.Result {
		return func(i int) apply.Result {
			name := fmt.Sprintf("ann-%d", 1001+i)
			return apply.Result{Kind: apply.Certificate, Object: plan.Object{Kind: "User", Name: name}, Op: plan.Issue, Status: apply.Failed, Err: err(name)}
		}
	}
	request := func(name string) string { return "provision-team-" + name + "-0123456789abcdef" }
	for _, c := range []struct {
		name   string
		of     func(int) apply.Result
		others string // of three
	}{
		{"the same of all", user(func(string) error { return fmt.Errorf("sign: %w", cluster.ErrGone) }), "the same for 2 more: user/ann-1002, user/ann-1003"},
		{"only the own files differ", user(func(name string) error {
			if name == "ann-1003" {
				return fmt.Errorf("write kubeconfigs/.provision/keys/.6c0b7363a96782ce.json: %w", syscall.ENOSPC)
			}
			return fmt.Errorf("write kubeconfigs/%s.kubeconfig: %w", name, syscall.ENOSPC)
		}), "the same for 2 more: user/ann-1002, user/ann-1003"},
		{"an answer about an object that never was", user(func(name string) error {
			return fmt.Errorf("create certificatesigningrequest/%s: %w", request(name),
				apierrors.NewForbidden(schema.GroupResource{Resource: "certificatesigningrequests"}, request(name), errors.New("not today")))
		}), "the same for 2 more: user/ann-1002, user/ann-1003"},
		{"requests of others, whose names are needed", user(func(name string) error {
			return fmt.Errorf("certificatesigningrequest/%s: %w", request(name), cluster.ErrSwapped)
		}), "the same for 2 more, but for what is in brackets: user/ann-1002 (certificatesigningrequest/" + request("ann-1002") + "), user/ann-1003 (certificatesigningrequest/" + request("ann-1003") + ")"},
		{"certificates of other people", user(func(name string) error {
			return fmt.Errorf("the certificate: %w", &credential.Refusal{Code: credential.RefusedSubject, Err: fmt.Errorf("it is for user %q", "eve-"+name)})
		}), `the same for 2 more, but for what is in brackets: user/ann-1002 ("eve-ann-1002"), user/ann-1003 ("eve-ann-1003")`},
		{"people who keep a role in each namespace", func(i int) apply.Result {
			b := plan.Binding{Namespace: fmt.Sprintf("space-%d", 1001+i), Name: "provision:team:edit"}
			err := apierrors.NewForbidden(schema.GroupResource{Resource: "rolebindings"}, b.Name, errors.New("not today"))
			return apply.Result{Kind: apply.Binding, Object: b.Object(), Op: plan.Update, Status: apply.Failed,
				Err: fmt.Errorf("user bob-%d: not taken away: update rolebinding/%s -n %s: %w", 1001+i, b.Name, b.Namespace, err)}
		}, "the same for 2 more, but for what is in brackets: rolebinding/provision:team:edit -n space-1002 (bob-1002), rolebinding/provision:team:edit -n space-1003 (bob-1003)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, n := range []int{1, 3, 300, 3000} {
				for _, all := range []bool{false, true} {
					r := apply.Report{Set: "team"}
					for i := range n {
						r.Results = append(r.Results, c.of(i))
					}
					var told bytes.Buffer
					Page{Verb: Apply, All: all}.failures(Streams{Err: &told, Command: Apply.Command}, []apply.Report{r}, false)
					lines := strings.Split(told.String(), "\n")
					if strings.Count(told.String(), "failed: ") != 1 || !strings.HasSuffix(lines[0], r.Results[0].Err.Error()) {
						t.Errorf("%d: %.2000s", n, told.String())
					}
					second := strings.TrimSpace(lines[1])
					switch {
					case n == 1 && strings.Contains(told.String(), "the same"):
						t.Error(told.String())
					case n == 3 && second != c.others:
						t.Errorf("%s\nwant %s", second, c.others)
					case n > 3 && !all && (len(second) > 1000 || !strings.HasSuffix(second, fmt.Sprintf(" and %s more (--show-all lists them)", thousands(n-1-few)))):
						t.Errorf("%d: %.2000s", n, second)
					case n > 3 && all && !strings.Contains(second, r.Results[n-1].Object.Name):
						t.Errorf("%d: the last one is not there", n)
					}
				}
			}
		})
	}
	// A long difference is told in full.
	r := apply.Report{Set: "team"}
	for i := range 3 {
		r.Results = append(r.Results, user(func(name string) error {
			return &credential.Refusal{Code: credential.RefusedGroups, Err: fmt.Errorf("it has the groups %s", strings.Repeat(fmt.Sprintf("group-%d ", i), 20))}
		})(i))
	}
	var told bytes.Buffer
	Page{Verb: Apply}.failures(Streams{Err: &told, Command: Apply.Command}, []apply.Report{r}, false)
	for i := range 3 {
		if strings.Count(told.String(), fmt.Sprintf("group-%d ", i)) < 19 || strings.Count(told.String(), "failed: ") != 3 {
			t.Error(told.String())
		}
	}
}
