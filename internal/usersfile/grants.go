package usersfile

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// scope is a role in a namespace, or in the whole cluster when the namespace is "".
type scope struct{ kind, name, namespace string }

// scopes returns one scope for each namespace, or the one of the whole cluster.
func scopes(kind, name string, namespaces []string) []scope {
	if len(namespaces) == 0 {
		return []scope{{kind, name, ""}}
	}
	var all []scope
	for _, n := range namespaces {
		all = append(all, scope{kind, name, n})
	}
	return all
}

// String is the scope in kubectl's words.
func (s scope) String() string {
	if s.namespace == "" {
		return s.kind + "/" + s.name
	}
	return s.kind + "/" + s.name + " -n " + s.namespace
}

// once records the scopes of a value and reports the first that is there already.
func (r *reader) once(v value, first map[scope]Pos, all []scope) {
	for _, s := range all {
		if at, ok := first[s]; ok {
			r.duplicate(v, s.String(), at)
			return
		}
		first[s] = r.at(v)
	}
}

// roles reads the roles of the set, and checks that no two of them are one object.
func (r *reader) roles(v value) []Role {
	var all []Role
	first := map[scope]Pos{}
	for _, e := range r.list(v) {
		o, ok := r.object(e, "name", "namespaces", "rules")
		if !ok {
			continue
		}
		role := Role{Pos: r.at(e), Namespaces: r.namespaces(o.get("namespaces"))}
		if v := o.get("namespaces"); v.given() {
			role.NamespacesPos = r.at(v)
		}
		name := o.get("name")
		if !name.given() {
			r.required(name, "must name the role")
		} else if role.Name, ok = r.roleName(name); ok && isReserved(role.Name, asUser) && !r.reserved[role.Name] {
			r.fail(name, field.Forbidden(name.path, "names that begin with system: are reserved for Kubernetes itself: choose another name, or list it under allowReserved"))
		}
		// A list that was given and found wrong does not make a ClusterRole.
		inCluster := !o.get("namespaces").given() && !o.get("namespaces").misspelt
		if role.Name != "" && (inCluster || len(role.Namespaces) > 0) {
			kind := "role"
			if inCluster {
				kind = "clusterrole"
			}
			r.once(e, first, scopes(kind, role.Name, role.Namespaces))
		}
		rules := o.get("rules")
		elements := r.list(rules)
		if len(elements) == 0 && (!rules.given() || rules.isEmptyList()) {
			r.required(rules, "must hold at least one rule")
		}
		for _, e := range elements {
			role.Rules = append(role.Rules, r.rule(e, !inCluster))
		}
		all = append(all, role)
	}
	return all
}

// rule reads a rule and checks what the API server would check.
func (r *reader) rule(v value, namespaced bool) rbacv1.PolicyRule {
	o, ok := r.object(v, "apiGroups", "resources", "resourceNames", "verbs", "nonResourceURLs")
	if !ok {
		return rbacv1.PolicyRule{}
	}
	words := func(name string, read func(value) (string, bool)) []string {
		var all []string
		for _, e := range r.list(o.get(name)) {
			s, _ := read(e)
			all = append(all, s)
		}
		return all
	}
	rule := rbacv1.PolicyRule{
		APIGroups:       words("apiGroups", r.apiGroup),
		Resources:       words("resources", r.visible),
		ResourceNames:   words("resourceNames", r.visible),
		Verbs:           words("verbs", r.visible),
		NonResourceURLs: words("nonResourceURLs", r.visible),
	}
	absent := func(name, detail string) {
		if f := o.get(name); !f.given() || f.isEmptyList() {
			r.required(f, detail)
		}
	}
	if len(rule.Verbs) == 0 {
		absent("verbs", `must hold at least one verb, as in ["get", "list"]`)
	}
	urls := o.get("nonResourceURLs")
	if len(rule.NonResourceURLs) > 0 || urls.misspelt {
		switch {
		case urls.misspelt:
		case namespaced:
			r.fail(urls, field.Forbidden(urls.path, "belongs into a ClusterRole: leave out the role's namespaces"))
		case len(rule.APIGroups)+len(rule.Resources)+len(rule.ResourceNames) > 0:
			r.fail(urls, field.Forbidden(urls.path, "must not stand beside resources: make two rules"))
		}
		return rule
	}
	if len(rule.APIGroups) == 0 {
		absent("apiGroups", `must hold at least one API group; the core group is ""`)
	}
	if len(rule.Resources) == 0 {
		absent("resources", "must hold at least one resource, as in pods")
	}
	return rule
}

// apiGroup reads an API group: "" is the core group.
func (r *reader) apiGroup(v value) (string, bool) {
	if s, ok := r.text(v); !ok || s == "" {
		return s, ok
	}
	return r.visible(v)
}

// groups reads what the set says of groups, each of which it defines once.
func (r *reader) groups(v value) []Group {
	var all []Group
	first := map[string]Pos{}
	for _, e := range r.list(v) {
		o, ok := r.object(e, "name", "bindTo", "inCertificate", "shared", "roles", "until")
		if !ok {
			continue
		}
		g := Group{Pos: r.at(e), BindTo: BindToMembers}
		name := o.get("name")
		if !name.given() {
			r.required(name, "must name the group")
		} else if g.Name, ok = r.subject(name, asGroup); ok {
			if at, ok := first[g.Name]; ok {
				r.duplicate(name, g.Name, at)
			} else {
				first[g.Name] = r.at(name)
			}
		}
		bindTo := o.get("bindTo")
		if s, ok := r.text(bindTo); ok {
			g.BindTo = BindTo(s)
			if g.BindTo != BindToGroup && g.BindTo != BindToMembers {
				r.fail(bindTo, field.NotSupported(bindTo.path, clip(s), []BindTo{BindToGroup, BindToMembers}))
			}
		}
		inCertificate := o.get("inCertificate")
		g.InCertificate = r.flag(inCertificate)
		if g.BindTo == BindToGroup && inCertificate.given() && !g.InCertificate {
			r.fail(inCertificate, field.Invalid(inCertificate.path, false, "must be true, or be left out, for a group with bindTo: Group: nobody would have what is bound to it"))
		}
		shared := o.get("shared")
		if g.Shared = r.flag(shared); g.Shared && g.BindTo == BindToMembers {
			r.fail(shared, field.Invalid(shared.path, true, "is for a group with bindTo: Group: whoever is not a member of this one has nothing of it"))
		}
		g.Roles = r.grants(o.get("roles"))
		g.Until, g.UntilPos = r.ends(o.get("until"))
		all = append(all, g)
	}
	return all
}

// grants reads the grants of a user or a group, leaving out those with a mistake. No two are of one role in one place.
func (r *reader) grants(v value) []Grant {
	var all []Grant
	first := map[scope]Pos{}
	for _, e := range r.list(v) {
		g, ok := r.grant(e)
		if !ok {
			continue
		}
		kind, name := "role", g.Role
		if g.ClusterRole != "" {
			kind, name = "clusterrole", g.ClusterRole
		}
		r.once(e, first, scopes(kind, name, g.places()))
		all = append(all, g)
	}
	return all
}

// grant returns false for a grant with a mistake.
func (r *reader) grant(v value) (Grant, bool) {
	before := r.mistakes
	o, ok := r.object(v, "role", "clusterRole", "namespaces", "namespaceSelector", "until")
	if !ok {
		return Grant{}, false
	}
	role, clusterRole, namespaces := o.get("role"), o.get("clusterRole"), o.get("namespaces")
	g := Grant{Pos: r.at(v), Namespaces: r.namespaces(namespaces)}
	if namespaces.given() {
		g.NamespacesPos = r.at(namespaces)
	}
	selector := o.get("namespaceSelector")
	if selector.given() {
		g.SelectorPos = r.at(selector)
		g.Selector, _ = r.selector(selector)
	}
	g.Until, g.UntilPos = r.ends(o.get("until"))
	g.Role, _ = r.roleName(role)
	g.ClusterRole, _ = r.roleName(clusterRole)
	switch {
	case role.given() && clusterRole.given():
		r.fail(clusterRole, field.Forbidden(clusterRole.path, "must not stand beside role: a grant is of one of the two"))
	case role.misspelt || clusterRole.misspelt:
	case !role.given() && !clusterRole.given():
		r.required(v, "must have role or clusterRole")
	case role.given() && !namespaces.given() && !selector.given() && !selector.misspelt:
		r.required(namespaces, "a role is granted in namespaces, as in [payments]; a clusterRole may do without")
	}
	return g, r.mistakes == before
}
