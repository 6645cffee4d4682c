package view

import (
	"fmt"
	"strings"
	"testing"

	"provision/internal/observe"
	"provision/internal/plan"
)

// Whatever somebody could have made has words, a place to look at and a remedy; the whole list stays short, and however many people
// there are.
func TestTracesHaveWords(t *testing.T) {
	admin := plan.Binding{Name: "all", RoleRef: plan.ClusterAdminRole}
	codes := append(plan.Rules{}.Traces(admin), plan.TraceUnknown, plan.TraceBound)
	if len(codes) != len(traceTexts) {
		t.Errorf("%d codes, and words for %d", len(codes), len(traceTexts))
	}
	r := Remainder{}
	for i := range 50 {
		r.People = append(r.People, observe.Remainder{User: fmt.Sprint("user-", i)})
	}
	here := plan.Binding{Namespace: "shop", Name: "here", RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: "edit"}}
	for _, code := range codes {
		trace := plan.Trace{Code: code, Bindings: []plan.Binding{admin}}
		for _, one := range r.People {
			trace.Users = append(trace.Users, one.User)
		}
		r.Traces = append(r.Traces, trace)
		doc := traceDocs(r.Traces)[len(r.Traces)-1]
		if !strings.HasPrefix(doc.Command, "kubectl get ") || strings.HasSuffix(doc.Command, "get ") || doc.Remedy == "" || !strings.Contains(doc.Message, "in the whole cluster (cluster-admin)") {
			t.Errorf("%s: %+v", code, doc)
		}
		if traceTexts[code].look != "" {
			trace.Bindings = []plan.Binding{here}
			if c := traceCommand(trace); !strings.HasSuffix(c, " -n shop") || strings.Contains(c, "csr") {
				t.Errorf("%s in a namespace: %s", code, c)
			}
		}
	}
	var b strings.Builder
	r.traces(pen{w: &b})
	if lines := strings.Count(b.String(), "\n"); lines > 2+2*12 || strings.Contains(b.String(), "user-") {
		t.Errorf("%d lines:\n%s", lines, b.String())
	}
	r.Traces[0].Users = r.Traces[0].Users[:7]
	b.Reset()
	r.traces(pen{w: &b})
	if want := "(cluster-admin): user-0, user-1, user-2, user-3, user-4 and 2 more\n"; !strings.Contains(b.String(), want) {
		t.Errorf("not everybody: no %q in\n%s", want, b.String())
	}
}
