package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

// TraceCode is a kind of thing that somebody can make or read with a right, and that goes on when the right has ended.
type TraceCode string

// Kinds of traces, in the order in which they are told.
const (
	TraceUnknown     TraceCode = "unknown"        // the operator may not read the role
	TraceApproved    TraceCode = "certificates"   // approved, for any name and group
	TraceNodes       TraceCode = "nodes"          // commands in any pod, by the kubelets
	TraceAdmission   TraceCode = "admission"      // webhooks and policies, which see or change every object
	TraceServers     TraceCode = "apiServices"    // other servers in the API server's name
	TraceEscalated   TraceCode = "escalation"     // roles and bindings with more than they had themselves
	TraceBound       TraceCode = "bindings"       // roles and bindings for a friend, or for a service account
	TraceImpersonate TraceCode = "impersonation"  // what they did bears the name of others
	TraceToken       TraceCode = "tokens"         // of service accounts, which live until they end
	TraceSecrets     TraceCode = "secrets"        // read
	TraceExec        TraceCode = "commandsInPods" // and whatever a pod can read and do
	TraceWorkloads   TraceCode = "workloads"      // which go on, as service accounts
)

// traces are the rights that leave each kind: wherever they are bound, and, as they are about resources that are in no namespace,
// in the whole cluster only.
var traces = []struct {
	code    TraceCode
	any     []escalation
	cluster []escalation
}{
	{TraceApproved, nil, []escalation{{certificatesGroup, []string{"signers"}, []string{"approve"}}}},
	{TraceNodes, nil, []escalation{{corev1.GroupName, []string{"nodes/proxy"}, []string{"create", "get"}}}},
	{TraceAdmission, nil, []escalation{{admissionGroup, []string{
		"mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
		"validatingadmissionpolicies", "validatingadmissionpolicybindings",
	}, writing}}},
	{TraceServers, nil, []escalation{{"apiregistration.k8s.io", []string{"apiservices"}, writing}}},
	{TraceEscalated, []escalation{
		{rbacGroup, []string{"roles", "clusterroles"}, []string{"bind"}},
		{rbacGroup, []string{"roles"}, []string{"escalate"}},
	}, []escalation{{rbacGroup, []string{"clusterroles"}, []string{"escalate"}}}},
	{TraceBound, []escalation{{rbacGroup, []string{"roles", "rolebindings"}, writing}},
		[]escalation{{rbacGroup, []string{"clusterroles", "clusterrolebindings"}, writing}}},
	{TraceImpersonate, impersonating, impersonatingInCluster},
	{TraceToken, []escalation{{corev1.GroupName, []string{"serviceaccounts/token"}, []string{"create"}}}, nil},
	{TraceSecrets, []escalation{{corev1.GroupName, []string{"secrets"}, []string{"get", "list", "watch", "patch", "delete", "deletecollection"}}}, nil},
	{TraceExec, []escalation{
		{corev1.GroupName, []string{"pods/exec", "pods/attach"}, []string{"create", "get"}},
		{corev1.GroupName, []string{"pods/ephemeralcontainers"}, []string{"update", "patch"}},
	}, nil},
	{TraceWorkloads, []escalation{
		{corev1.GroupName, []string{"pods", "replicationcontrollers"}, writing},
		{"apps", []string{"deployments", "daemonsets", "statefulsets", "replicasets"}, writing},
		{"batch", []string{"jobs", "cronjobs"}, writing},
	}, nil},
}

// Traces are the kinds of things that somebody could have made or read by a binding, in the order of the kinds.
func (r Rules) Traces(b Binding) []TraceCode {
	rules := r.Of[b.Role()]
	switch {
	case b.RoleRef == ClusterAdminRole:
		rules = []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}
	case r.Unread[b.Role()]:
		return []TraceCode{TraceUnknown}
	}
	var found []TraceCode
	for _, t := range traces {
		leaves := func(rule rbacv1.PolicyRule) bool {
			return allowsAny(rule, t.any) || b.Namespace == "" && allowsAny(rule, t.cluster) && (t.code != TraceApproved || approvesClients(rule))
		}
		told := t.code == TraceBound && slices.Contains(found, TraceEscalated) // which is more, and to be found in the same place
		if !told && slices.ContainsFunc(rules, leaves) {
			found = append(found, t.code)
		}
	}
	return found
}

// Trace is what some people could have made or read of one kind.
type Trace struct {
	Code     TraceCode
	Users    []string  // each once, in the order of the input
	Bindings []Binding // by which, each once, in the order of the input
}

// Namespaces are those in which they could, sorted; "" is the whole cluster. There is at least one.
func (t Trace) Namespaces() []string {
	var list []string
	for _, b := range t.Bindings {
		list = append(list, b.Namespace)
	}
	return sortedOnce(list)
}

// Traces are what people, in their order, could have made or read by some bindings each, one for each kind and in the order of the
// kinds.
func Traces(users []string, had map[string][]Binding, rules Rules) []Trace {
	by := map[TraceCode]*Trace{}
	known := map[TraceCode]map[ObjectKey]bool{}
	kinds := map[ObjectKey][]TraceCode{} // people of one team have the same bindings
	for _, user := range users {
		for _, b := range had[user] {
			if _, looked := kinds[b.Key()]; !looked {
				kinds[b.Key()] = rules.Traces(b)
			}
			for _, code := range kinds[b.Key()] {
				t := by[code]
				if t == nil {
					t = &Trace{Code: code}
					by[code], known[code] = t, map[ObjectKey]bool{}
				}
				if len(t.Users) == 0 || t.Users[len(t.Users)-1] != user {
					t.Users = append(t.Users, user)
				}
				if !known[code][b.Key()] {
					known[code][b.Key()] = true
					t.Bindings = append(t.Bindings, b)
				}
			}
		}
	}
	var list []Trace
	add := func(code TraceCode) {
		if t := by[code]; t != nil {
			list = append(list, *t)
		}
	}
	add(TraceUnknown)
	for _, t := range traces {
		add(t.code)
	}
	return list
}

// TakenFrom are the bindings that the plans take a person out of, by name or by a group that ends, as they were.
func (all Proposals) TakenFrom(user string) []Binding {
	var list []Binding
	for _, p := range all {
		had := map[Subject]bool{}
		for _, e := range p.Ended {
			had[e.Subject()] = slices.Contains(e.Leavers, user)
		}
		for _, c := range p.Bindings {
			if c.Before == nil || c.Op == Keep {
				continue
			}
			if slices.ContainsFunc(c.Before.Subjects, func(s Subject) bool {
				_, theirs := standsFor(p.Set, user, s)
				return (theirs || had[s]) && (c.After == nil || !slices.Contains(c.After.Subjects, s))
			}) {
				list = append(list, *c.Before)
			}
		}
	}
	return list
}
