package plan_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"provision/internal/plan"
	"provision/internal/usersfile"
	"provision/internal/view"
)

// A users file comes in as text, and its plan goes out as people read it. Nothing is asked of a cluster or a directory:
// what there is stands in observed.
func ExampleCompute() {
	sets, err := usersfile.Load([]string{"-"}, strings.NewReader(`
apiVersion: provision/v1alpha1
kind: Users
name: payments
defaults: {duration: 30d}
users:
  - name: jane
    groups: [payments:oncall]
    roles: [{clusterRole: view, namespaces: [payments]}]
  - name: tom
    roles: [{clusterRole: view, namespaces: [payments, billing]}]
`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	operator := plan.Context{Name: "admin@prod", Endpoint: plan.Endpoint{Name: "prod", Server: "https://api.example.com:6443"}}
	desired := plan.Expand(sets[0], operator)

	// The namespace payments exists, billing does not, and nobody has anything yet.
	observed := plan.Observed{
		Namespaces:      map[string]bool{"payments": true},
		RoleOwners:      map[plan.ObjectKey]string{{Name: "view"}: ""},
		LedgerNamespace: true,
	}

	p := plan.Compute(desired, observed, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

	page := view.Page{Dir: "kubeconfigs", Endpoint: operator.Endpoint}
	err = page.Plans(view.Streams{Out: os.Stdout}, "text", plan.Proposals{{Plan: p, Desired: desired, Observed: observed}})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// set payments on cluster prod (https://api.example.com:6443), kubeconfigs in kubeconfigs
	//
	// users
	//   + jane  issue certificate (30d, ECDSA-P256, payments:oncall): no kubeconfig here
	//   + tom   issue certificate (30d, ECDSA-P256): no kubeconfig here
	//
	// bindings
	//   + create rolebinding/provision:payments:view:9a21aed6 -n payments (clusterrole/view)
	//       + user jane
	//       + user tom
	//
	// errors
	//   x <stdin>:11:45: namespace "billing" does not exist
	//     left out: clusterrole/view -n billing for user tom
	//     hint: kubectl create namespace billing  # or set namespaces: create in the users file
	//
	// plan: 2 certificates to issue, 1 binding to create
	//       not all can be done: 1 error
}
