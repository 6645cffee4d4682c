package view

import (
	"fmt"
	"slices"
	"strings"

	"provision/internal/plan"
)

// traceTexts say of each kind what somebody could have done, behind "could have"; which resources to look at: those in the
// namespaces, and, if it was in the whole cluster, those in none; and what ends it.
var traceTexts = map[plan.TraceCode]struct{ done, look, beside, ends string }{
	plan.TraceUnknown: {"done what is not known, as you may not read the role", "roles,clusterroles", "", "for somebody who may read them"},
	plan.TraceApproved: {"approved client certificates for any name and group", "", "csr",
		"these go an hour or two after the approval; a certificate that nobody knows ends with its time, or with the client CA"},
	plan.TraceNodes: {"run commands in any pod, through its kubelet", "secrets,serviceaccounts", "", "replace the secrets, and make the service accounts of pods anew"},
	plan.TraceAdmission: {"made webhooks and policies, which see or change every object", "",
		"$(kubectl api-resources --api-group=admissionregistration.k8s.io -o name | paste -sd, -)", "delete what nobody knows"},
	plan.TraceServers:     {"had another server answer in the API server's name", "", "apiservices", "delete what nobody knows"},
	plan.TraceEscalated:   {"given themselves or others more than they had", "roles,rolebindings", "clusterroles,clusterrolebindings", "delete what nobody knows"},
	plan.TraceBound:       {"given others, or service accounts, what they had", "roles,rolebindings", "clusterroles,clusterrolebindings", "delete what nobody knows"},
	plan.TraceImpersonate: {"acted as others, such as service accounts, with all that these may", "serviceaccounts", "", "the audit log says as whom: impersonatedUser"},
	plan.TraceToken:       {"made tokens of service accounts, which may live for years", "serviceaccounts", "", "to end its tokens, delete one and make it anew, then restart its pods"},
	plan.TraceSecrets:     {"read secrets", "secrets", "", "replace what they hold"},
	plan.TraceExec:        {"run commands in pods; a session goes on", "pods", "", "delete the pods, and replace the secrets that they mount"},
	plan.TraceWorkloads:   {"made pods, or what makes pods, which go on as service accounts", "pods,deployments,daemonsets,statefulsets,jobs,cronjobs", "", "delete what nobody knows"},
}

// traceCommand is the kubectl command that lists what may be a trace. It does not sort by age: kubectl refuses that for several kinds.
func traceCommand(t plan.Trace) string {
	text, spaces := traceTexts[t.Code], t.Namespaces()
	look := text.look
	if spaces[0] == "" && text.beside != "" {
		look = strings.TrimPrefix(look+","+text.beside, ",")
	}
	switch {
	case text.look == "":
		return "kubectl get " + look
	case len(spaces) == 1 && spaces[0] != "":
		return "kubectl get " + look + " -n " + spaces[0]
	}
	return "kubectl get " + look + " -A"
}

// traceWords say what somebody could have done, where, and by which roles.
func traceWords(t plan.Trace, names lister) string {
	where := "in the whole cluster"
	if spaces := t.Namespaces(); spaces[0] != "" {
		where = "in " + names(spaces)
	}
	roles := each(t.Bindings, func(b plan.Binding) string { return plan.Quoted(b.RoleRef.Name) })
	slices.Sort(roles)
	return fmt.Sprintf("%s, %s (%s)", traceTexts[t.Code].done, where, names(slices.Compact(roles)))
}

// traces lists what people could have made or read by now, a kind once for all of them. There is no later way to see names that are left
// out: the next run does not know anymore what this one took away.
func (r Remainder) traces(p pen) {
	if len(r.Traces) == 0 {
		return
	}
	names := lister(Listed)
	if r.All {
		names = everyone
	}
	who := "they"
	switch {
	case r.Certificate != nil:
		who = "whoever has the certificate"
	case len(r.People) == 1:
		who = p.bold(plan.Quoted(r.People[0].User))
	}
	p.gap()
	p.line(0, "", who+" could have, until now, and none of it ends by itself:")
	for _, t := range r.Traces {
		words := traceWords(t, names)
		if len(t.Users) < len(r.People) {
			words += ": " + names(each(t.Users, plan.Quoted))
		}
		p.line(2, p.yellow("?"), words)
		p.line(6, "", wayLine(traceCommand(t), traceTexts[t.Code].ends))
	}
}

// traceDoc is what people could have made or read of one kind, for programs.
type traceDoc struct {
	Code     plan.TraceCode `json:"code"`
	Message  string         `json:"message"`
	Users    []string       `json:"users"`
	Bindings []string       `json:"bindings"` // by which they could; some of them have ended
	Command  string         `json:"command"`  // lists what to look at
	Remedy   string         `json:"remedy"`   // what to do with it
}

// traceDocs writes them for programs. Never nil.
func traceDocs(list []plan.Trace) []traceDoc {
	return each(list, func(t plan.Trace) traceDoc {
		return traceDoc{
			Code: t.Code, Message: "could have " + traceWords(t, everyone), Users: t.Users, Command: traceCommand(t), Remedy: traceTexts[t.Code].ends,
			Bindings: each(t.Bindings, func(b plan.Binding) string { return objectName(b.Object()) }),
		}
	})
}
