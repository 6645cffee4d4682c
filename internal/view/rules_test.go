package view

import (
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

func TestRuleTexts(t *testing.T) {
	got := ruleTexts([]rbacv1.PolicyRule{
		{Verbs: []string{"get", "list"}, Resources: []string{"pods", "services"}, APIGroups: []string{"", "apps"}},
		{Verbs: []string{"get"}, Resources: []string{"secrets"}, APIGroups: []string{""}, ResourceNames: []string{"one"}},
		{Verbs: []string{"get"}, NonResourceURLs: []string{"/metrics"}},
		{Verbs: []string{"*"}, Resources: []string{"nodes"}, APIGroups: []string{""}},
	})
	want := []string{"* nodes (core)", "get,list pods,services (core,apps)", "get secrets (core) named one", "get /metrics"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
