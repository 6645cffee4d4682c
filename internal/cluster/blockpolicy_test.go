package cluster

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// oddNames would end a string of CEL, or mean something in it, if they were written as they are.
var oddNames = []string{"jane", "system:admin", "o'brien", `a\`, "']) || true || ('", "line\nbreak", "ünï 🙂", "", "jane@example.com", "O=x,CN=y", `\U00000027`}

func blockedFor(t testing.TB, user string, fingerprints ...string) []plan.BlockedCertificate {
	t.Helper()
	day := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	var list []plan.BlockedCertificate
	for i, f := range fingerprints {
		list = append(list, plan.BlockedCertificate{User: user, Fingerprint: f, Since: day, Until: day.AddDate(0, 1, i%3), Restored: i%2 == 1})
	}
	return list
}

// What is written into a policy is read from it again, whatever the names are, and however many there are.
func TestBlockPolicyRoundTrip(t *testing.T) {
	var all []plan.BlockedCertificate
	for i, name := range oddNames {
		all = append(all, blockedFor(t, name, fmt.Sprintf("%064x", i), fmt.Sprintf("%064x", i+1000), "")...)
	}
	for i := range 3 * mostInValidation {
		all = append(all, blockedFor(t, "many", fmt.Sprintf("%064x", 1_000_000+i))...)
	}
	want := (*plan.Block)(nil).With(all, nil).Certificates
	spec, probe := blockSpec("web", want)
	if got := blockedIn(spec); !reflect.DeepEqual(got, want) {
		t.Fatalf("%d certificates were read, %d written", len(got), len(want))
	}
	for _, v := range spec.Validations {
		for name := range strings.SplitSeq(v.Expression, "'") {
			if strings.ContainsAny(name, "\n") || strings.Contains(name, "|| true") {
				t.Errorf("a name is code: %s", v.Expression)
			}
		}
		if n := strings.Count(v.Expression, ", '"); n > 2*mostInValidation {
			t.Errorf("%d literals in one expression", n)
		}
	}
	if _, other := blockSpec("web", want[1:]); other == probe {
		t.Error("the probe does not tell which certificates are blocked")
	}
}

// A policy or a binding that somebody has altered in any way is not taken for whole.
func TestBlockAltered(t *testing.T) {
	set := "web"
	certificates := (*plan.Block)(nil).With(blockedFor(t, "jane", strings.Repeat("a", 64), strings.Repeat("b", 64)), nil).Certificates
	fail := admissionv1.Fail
	for name, c := range map[string]struct {
		alter   func(*admissionv1.ValidatingAdmissionPolicy, *admissionv1.ValidatingAdmissionPolicyBinding)
		altered bool
	}{
		"as it was": {func(*admissionv1.ValidatingAdmissionPolicy, *admissionv1.ValidatingAdmissionPolicyBinding) {}, false},
		"less resources": {func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.MatchConstraints.ResourceRules[0].Resources = []string{"pods"}
		}, true},
		"a further condition": {func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.MatchConditions = append(p.Spec.MatchConditions, admissionv1.MatchCondition{Name: "x", Expression: "false"})
		}, true},
		"it locks out others": {func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.Validations[0].Expression = "false"
		}, true},
		"errors refuse": {func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.FailurePolicy = &fail
		}, true},
		"a parameter": {func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.ParamKind = &admissionv1.ParamKind{APIVersion: "v1", Kind: "ConfigMap"}
		}, true},
		"it is only told of": {func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ValidationActions = []admissionv1.ValidationAction{admissionv1.Audit}
		}, true},
		"in some namespaces": {func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.MatchResources = &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}}
		}, true},
		"for some resources": {func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.MatchResources = &admissionv1.MatchResources{ExcludeResourceRules: []admissionv1.NamedRuleWithOperations{{}}}
		}, true},
		"another policy": {func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.PolicyName = "x"
		}, true},
		"no audit annotation": {func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ValidationActions = []admissionv1.ValidationAction{admissionv1.Deny}
		}, false},
		"a label of somebody's": {func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Labels = map[string]string{"x": "y"}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			spec, _ := blockSpec(set, certificates)
			policy, binding := &admissionv1.ValidatingAdmissionPolicy{Spec: spec}, &admissionv1.ValidatingAdmissionPolicyBinding{Spec: bindingSpec(set)}
			c.alter(policy, binding)
			if got := blockOf(set, policy, binding); got.Altered != c.altered {
				t.Errorf("altered: %v", got.Altered)
			}
		})
	}
	if blockOf(set, nil, nil) != nil {
		t.Error("nothing is a block")
	}
	spec, _ := blockSpec(set, certificates)
	if !blockOf(set, &admissionv1.ValidatingAdmissionPolicy{Spec: spec}, nil).Altered {
		t.Error("a policy without its binding is whole")
	}
	if b := blockOf(set, nil, &admissionv1.ValidatingAdmissionPolicyBinding{Spec: bindingSpec(set)}); !b.Altered || len(b.Certificates) > 0 {
		t.Errorf("a binding without its policy is %+v", b)
	}
}

// Nobody's name gets out of its string.
func FuzzBlockedName(f *testing.F) {
	for _, name := range oddNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		text := literal(name)
		if strings.Trim(text[1:len(text)-1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_.:@\\") != "" || strings.ContainsAny(text[1:len(text)-1], "'") {
			t.Fatalf("%q is written as %s", name, text)
		}
		if got := unliteral(text[1 : len(text)-1]); got != strings.ToValidUTF8(name, "\uFFFD") && got != string([]rune(name)) {
			t.Fatalf("%q is read as %q", name, got)
		}
	})
}
