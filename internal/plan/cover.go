package plan

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Covers reports whether some rules allow everything that others do, as the API server reads them
// (pkg/apis/rbac/v1/evaluation_helpers.go). It compares verb by verb and resource by resource; where all together allow
// what no single one does, such as every verb that there is instead of "*", it says no.
func Covers(rules, others []rbacv1.PolicyRule) bool {
	for _, o := range others {
		names := o.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, verb := range o.Verbs {
			for _, url := range o.NonResourceURLs {
				if !slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool { return oneOf(r.Verbs, verb) && reaches(r.NonResourceURLs, url) }) {
					return false
				}
			}
			for _, group := range o.APIGroups {
				for _, resource := range o.Resources {
					for _, name := range names {
						if !slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
							return oneOf(r.Verbs, verb) && oneOf(r.APIGroups, group) && holds(r.Resources, resource) &&
								(len(r.ResourceNames) == 0 || name != "" && slices.Contains(r.ResourceNames, name))
						}) {
							return false
						}
					}
				}
			}
		}
	}
	return true
}

// Common are rules that allow just what two lists of rules both allow.
func Common(some, others []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	var both []rbacv1.PolicyRule
	for _, a := range some {
		for _, b := range others {
			verbs := meet(a.Verbs, b.Verbs, oneOf)
			if len(verbs) == 0 {
				continue
			}
			if urls := meet(a.NonResourceURLs, b.NonResourceURLs, reaches); len(urls) > 0 {
				both = append(both, rbacv1.PolicyRule{Verbs: verbs, NonResourceURLs: urls})
			}
			groups, resources := meet(a.APIGroups, b.APIGroups, oneOf), meet(a.Resources, b.Resources, holds)
			names := meet(a.ResourceNames, b.ResourceNames, slices.Contains)
			switch { // no names are all of them
			case len(a.ResourceNames) == 0:
				names = b.ResourceNames
			case len(b.ResourceNames) == 0:
				names = a.ResourceNames
			case len(names) == 0:
				continue
			}
			if len(groups) > 0 && len(resources) > 0 {
				both = append(both, rbacv1.PolicyRule{Verbs: verbs, APIGroups: groups, Resources: resources, ResourceNames: names})
			}
		}
	}
	return both
}

// meet are the members of either list that the other one has too, in the sense of has.
func meet(a, b []string, has func([]string, string) bool) []string {
	var both []string
	for _, one := range a {
		if has(b, one) {
			both = append(both, one)
		}
	}
	for _, one := range b {
		if has(a, one) && !slices.Contains(both, one) {
			both = append(both, one)
		}
	}
	return both
}

func oneOf(list []string, one string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, one)
}

// holds reports whether resources have one, perhaps as "*/scale".
func holds(resources []string, one string) bool {
	_, sub, found := strings.Cut(one, "/")
	return oneOf(resources, one) || found && slices.Contains(resources, "*/"+sub)
}

// reaches reports whether URLs have one, perhaps below "/healthz*".
func reaches(urls []string, one string) bool {
	return slices.ContainsFunc(urls, func(u string) bool {
		return u == one || strings.HasSuffix(u, "*") && strings.HasPrefix(one, strings.TrimSuffix(u, "*"))
	})
}
