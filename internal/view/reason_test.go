package view

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"provision/internal/plan"
)

// Every reason has words of its own, and says no value in them that a program would have to cut out again.
func TestReasonWords(t *testing.T) {
	codes := constants(t, "ReasonCode")
	if len(codes) < 30 {
		t.Fatalf("only %q", codes)
	}
	said := map[string]string{}
	for _, code := range codes {
		full := plan.Reason{Code: plan.ReasonCode(code), From: "from", To: "to", Added: []string{"one"}, Removed: []string{"two"}, Groups: []string{"ops"}, At: end, Field: "field", Mode: 0o644,
			Joins: []plan.Subject{{Kind: "User", Name: "ann"}}, Leaves: []plan.Subject{{Kind: "User", Name: "bob"}},
			Allows: []rbacv1.PolicyRule{{Verbs: []string{"get"}}}, Forbids: []rbacv1.PolicyRule{{Verbs: []string{"list"}}}}
		words := reasonWords(full, everyone)
		if strings.Contains(words, code) {
			t.Errorf("%s has no words: %s", code, words)
		}
		if found := unsound.FindString(exempt(words)); found != "" {
			t.Errorf("%s: %q is in %q", code, found, words)
		}
		if other := said[words]; other != "" {
			t.Errorf("%s and %s say the same: %s", code, other, words)
		}
		said[words] = code
	}
}

// The document for programs keeps the texts that it has always had, whatever the values in a plan are.
func TestReasonDocuments(t *testing.T) {
	for _, c := range []struct {
		of             plan.Reason
		from, to       string
		added, removed []string
	}{
		{of: plan.Reason{Code: plan.TLSChanged, Field: "tls-server-name", From: "old"}, from: "tls-server-name old", to: "none"},
		{of: plan.Reason{Code: plan.TLSChanged, Field: "proxy-url", From: "http://u:xxxxx@p", To: "http://u:xxxxx@p"}, from: "proxy-url", to: "another password"},
		{of: plan.Reason{Code: plan.NamespaceChanged, To: "default"}, from: "none", to: "default"},
		{of: plan.Reason{Code: plan.ModeTooOpen, Mode: 0o640}, from: "0640", to: "0600"},
		{of: plan.Reason{Code: plan.EndingObject, Added: []string{"a/b", "c/d"}}, to: "a/b, c/d"},
		{of: plan.Reason{Code: plan.GroupsChanged, Added: []string{"dev"}, Removed: []string{"ops"}}, added: []string{"dev"}, removed: []string{"ops"}},
		{of: plan.Reason{Code: plan.SubjectsChanged, Joins: []plan.Subject{{Kind: "User", Name: "a b"}}, Leaves: []plan.Subject{{Kind: "Group", Name: "ops"}}}, added: []string{`user "a b"`}, removed: []string{"group ops"}},
		{of: plan.Reason{Code: plan.RulesChanged, Allows: []rbacv1.PolicyRule{{Verbs: []string{"get"}, Resources: []string{"pods"}, APIGroups: []string{""}}}}, added: []string{"get pods (core)"}},
		{of: plan.Reason{Code: plan.Copied, From: "shop", Leaves: []plan.Subject{{Kind: "User", Name: "ann"}}}, from: "shop", removed: []string{"user ann"}},
	} {
		d := reasonDocs([]plan.Reason{c.of})[0]
		if d.From != c.from || d.To != c.to || !slices.Equal(d.Added, c.added) || !slices.Equal(d.Removed, c.removed) {
			t.Errorf("%s: %+v", c.of.Code, d)
		}
	}
}
