package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

const (
	certificatesGroup   = "certificates.k8s.io"
	rbacGroup           = rbacv1.GroupName
	authenticationGroup = "authentication.k8s.io"
	admissionGroup      = "admissionregistration.k8s.io"
)

// blockResources are the kinds of objects that a block is made of.
var blockResources = []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings"}

// Permission is one thing that the operator must be allowed to do. An empty Namespace is the whole cluster, an empty
// Name every object. Resource may have a subresource behind a slash.
type Permission struct {
	Verb      string `json:"verb"`
	Group     string `json:"group"`
	Resource  string `json:"resource"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// Permissions lists what the operator needs to be allowed to apply p: sorted, each once. The verbs bind and escalate
// are among them, although an operator who holds the granted rules does not need them
// (pkg/registry/rbac/escalation_check.go): the check of the list allows for that. The permissions to remove copies that somebody
// made in other namespaces is not among them: that is tried, and all else is done without it.
func (p Plan) Permissions() []Permission {
	need := map[Permission]bool{}
	add := func(verb, group, resource, namespace, name string) {
		need[Permission{verb, group, resource, namespace, name}] = true
	}
	if p.Changes() {
		for _, verb := range []string{"create", "update"} {
			add(verb, "", "configmaps", p.Ledger.Namespace, "")
			add(verb, "coordination.k8s.io", "leases", p.Ledger.Namespace, "")
		}
		add("get", "", "configmaps", p.Ledger.Namespace, "")
		add("get", "coordination.k8s.io", "leases", p.Ledger.Namespace, "")
		if p.Ledger.CreateNamespace {
			add("create", "", "namespaces", "", "")
		}
	}
	if len(p.Namespaces) > 0 {
		add("create", "", "namespaces", "", "")
	}
	if len(p.Requests) > 0 {
		add("delete", certificatesGroup, "certificatesigningrequests", "", "")
	}
	for _, u := range p.Users {
		if u.Certificate.Op == Keep {
			continue
		}
		// list is needed to plan at all, watch to wait, and get to resume and where somebody edits a request meanwhile.
		add("create", certificatesGroup, "certificatesigningrequests", "", "")
		add("get", certificatesGroup, "certificatesigningrequests", "", "")
		add("watch", certificatesGroup, "certificatesigningrequests", "", "")
		add("update", certificatesGroup, "certificatesigningrequests/approval", "", "")
		// pkg/certauthorization: verb approve on the signer, cluster-wide.
		add("approve", certificatesGroup, "signers", "", SignerName)
	}
	for _, c := range p.Roles {
		if gives := writes(c, add); gives {
			add("escalate", rbacGroup, resourceOf(c.After.Kind()), c.After.Namespace, EscalateName(c))
		}
	}
	for _, c := range p.Bindings {
		if gives := writes(c, add); gives {
			add("bind", rbacGroup, resourceOf(c.After.RoleRef.Kind), c.After.Namespace, c.After.RoleRef.Name)
			if c.Before != nil && c.Op == Create {
				add("delete", rbacGroup, resourceOf(c.After.Kind()), c.After.Namespace, "")
			}
		}
	}
	if c := p.Block; c != nil {
		for _, resource := range blockResources {
			add("get", admissionGroup, resource, "", "")
			add(string(c.Op), admissionGroup, resource, "", "")
			if c.Op == Update { // one of the two may not be there
				add("create", admissionGroup, resource, "", "")
			}
		}
	}
	return slices.SortedFunc(maps.Keys(need), comparePermissions)
}

// resourceOf is the resource of a kind of rbac.authorization.k8s.io.
func resourceOf(kind string) string { return strings.ToLower(kind) + "s" }

// writes adds what it takes to write a role or binding, and reports whether the change may give anything.
func writes[T interface{ Object() Object }](c Change[T], add func(verb, group, resource, namespace, name string)) (gives bool) {
	if copied, _ := c.Copy(); copied || c.Op == Keep {
		return false
	}
	o := (*c.Object()).Object()
	add(string(c.Op), rbacGroup, resourceOf(o.Kind), o.Namespace, "")
	if c.Op == Update { // it keeps what is not ours, so it reads first
		add("get", rbacGroup, resourceOf(o.Kind), o.Namespace, "")
	}
	return c.Op != Delete
}

// Possible reports whether an operator who lacks some permissions may make at least one of the changes to roles, bindings and
// requests, the ledger and the lock aside.
func (p Plan) Possible(missing []Permission) bool {
	may := func(part Plan) bool {
		return part.Changes() && !slices.ContainsFunc(part.Permissions(), func(n Permission) bool {
			return (n.Group == rbacGroup || n.Group == certificatesGroup || n.Group == admissionGroup) && slices.Contains(missing, n)
		})
	}
	return p.blocksMore() && may(Plan{Block: p.Block}) ||
		slices.ContainsFunc(p.Bindings, func(c Change[Binding]) bool { return may(Plan{Bindings: []Change[Binding]{c}}) }) ||
		slices.ContainsFunc(p.Roles, func(c Change[Role]) bool { return may(Plan{Roles: []Change[Role]{c}}) }) ||
		slices.ContainsFunc(p.Requests, func(c Change[Request]) bool { return may(Plan{Requests: []Change[Request]{c}}) })
}

// EscalateName is the name for which the API server asks the verb escalate: it takes it from the URL, and the URL of a
// creation has none. A rule with resourceNames is of no use there.
func EscalateName(c Change[Role]) string {
	if c.Op == Create {
		return ""
	}
	return c.After.Name
}

func comparePermissions(a, b Permission) int {
	return cmp.Or(
		cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb),
		cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
	)
}

// RulesFor gathers permissions into the RBAC rules that grant them, by namespace; "" is a ClusterRole's.
func RulesFor(permissions []Permission) map[string][]rbacv1.PolicyRule {
	type target struct{ namespace, group, resource, name string }
	verbs := map[target][]string{}
	for _, p := range slices.SortedFunc(slices.Values(permissions), comparePermissions) {
		t := target{p.Namespace, p.Group, p.Resource, p.Name}
		verbs[t] = append(verbs[t], p.Verb)
	}
	rules := map[string][]rbacv1.PolicyRule{}
	targets := slices.SortedFunc(maps.Keys(verbs), func(a, b target) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.group, b.group), cmp.Compare(a.resource, b.resource), cmp.Compare(a.name, b.name))
	})
	for _, t := range targets {
		rule := rbacv1.PolicyRule{APIGroups: []string{t.group}, Resources: []string{t.resource}, Verbs: verbs[t]}
		if t.name != "" {
			rule.ResourceNames = []string{t.name}
		}
		list := rules[t.namespace]
		alike := slices.IndexFunc(list, func(r rbacv1.PolicyRule) bool {
			return r.APIGroups[0] == t.group && slices.Equal(r.Verbs, rule.Verbs) && slices.Equal(r.ResourceNames, rule.ResourceNames)
		})
		if alike < 0 {
			rules[t.namespace] = append(list, rule)
		} else if !slices.Contains(list[alike].Resources, t.resource) {
			list[alike].Resources = append(list[alike].Resources, t.resource)
		}
	}
	return rules
}
