package view

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"provision/internal/plan"
)

// lackWords says how many permissions a user lacks for that; the roles to apply follow below.
func lackWords(user string, n int, that string) string {
	return fmt.Sprintf("%s lacks %s%s; somebody who may has to kubectl apply:", user, Plural(n, "permission"), that)
}

// permissionTexts writes permissions, one rule per line, each with the namespaces that need it.
func permissionTexts(list []plan.Permission, names lister) []string {
	type need struct {
		namespace string
		rule      rbacv1.PolicyRule
	}
	byNamespace := plan.RulesFor(list)
	var needs []need
	for _, ns := range slices.Sorted(maps.Keys(byNamespace)) {
		for _, rule := range byNamespace[ns] {
			needs = append(needs, need{ns, rule})
		}
	}
	var lines []string
	for _, group := range together(needs, func(n need) any { return values(n.namespace == "", n.rule) }) {
		for _, text := range ruleTexts([]rbacv1.PolicyRule{group[0].rule}) {
			if group[0].namespace != "" {
				text += " -n " + names(each(group, func(n need) string { return n.namespace }))
			}
			lines = append(lines, text)
		}
	}
	return lines
}

// rulesYAML writes the roles that grant permissions to a user, and their bindings, ready for kubectl apply. Namespaces
// that are not there yet come first. The name stands for the content: applying it never takes away what another has granted.
func rulesYAML(user string, missing []plan.Permission, newNamespaces []string) string {
	byNamespace := plan.RulesFor(missing)
	all, err := json.Marshal([]any{user, byNamespace})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(all)
	name := "provision-operator-" + hex.EncodeToString(sum[:4])
	const rbac = "rbac.authorization.k8s.io"
	subject := map[string]any{"apiGroup": rbac, "kind": "User", "name": user}
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		namespace, of, _ := strings.Cut(account, ":")
		subject = map[string]any{"kind": "ServiceAccount", "name": of, "namespace": namespace}
	}
	var b strings.Builder
	document := func(apiVersion, kind, namespace, name string, more map[string]any) {
		meta := map[string]any{"name": name}
		if namespace != "" {
			meta["namespace"] = namespace
		}
		object := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": meta}
		maps.Copy(object, more)
		if data, err := yaml.Marshal(object); err == nil {
			b.WriteString("---\n")
			b.Write(data)
		}
	}
	for _, ns := range newNamespaces {
		if _, ok := byNamespace[ns]; ok {
			document("v1", "Namespace", "", ns, nil)
		}
	}
	for _, ns := range slices.Sorted(maps.Keys(byNamespace)) {
		kind := "ClusterRole"
		if ns != "" {
			kind = "Role"
		}
		document(rbac+"/v1", kind, ns, name, map[string]any{"rules": byNamespace[ns]})
		document(rbac+"/v1", kind+"Binding", ns, name, map[string]any{
			"roleRef": map[string]any{"apiGroup": rbac, "kind": kind, "name": name}, "subjects": []any{subject},
		})
	}
	return b.String()
}

// ruleTexts writes rules one per line, as people read them: "get,list pods,services (apps)". Those come first that have
// a wildcard.
func ruleTexts(rules []rbacv1.PolicyRule) []string {
	var texts []string
	wild := func(r rbacv1.PolicyRule) bool {
		return slices.Contains(slices.Concat(r.Verbs, r.Resources, r.APIGroups), "*")
	}
	for _, r := range inFront(rules, wild) {
		var b strings.Builder
		b.WriteString(strings.Join(r.Verbs, ","))
		if len(r.NonResourceURLs) > 0 {
			b.WriteString(" " + strings.Join(r.NonResourceURLs, ","))
		}
		if len(r.Resources) > 0 {
			b.WriteString(" " + strings.Join(r.Resources, ","))
			groups := slices.Clone(r.APIGroups)
			for i, g := range groups {
				if g == "" {
					groups[i] = "core"
				}
			}
			b.WriteString(" (" + strings.Join(groups, ",") + ")")
		}
		if len(r.ResourceNames) > 0 {
			b.WriteString(" named " + strings.Join(r.ResourceNames, ","))
		}
		texts = append(texts, b.String())
	}
	return texts
}
