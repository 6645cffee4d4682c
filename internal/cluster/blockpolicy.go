package cluster

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// The policy holds users and fingerprints as literals: see docs/decisions/0011-block-without-a-parameter.md.

// mostInValidation is how many certificates one expression compares. The API server limits what one may cost: 2,000 are too many.
const mostInValidation = 500

const (
	credentialKey = "authentication.kubernetes.io/credential-id"
	// mayUnblock asks whether whoever sends a request may delete the policy.
	mayUnblock = "authorizer.group('admissionregistration.k8s.io').resource('validatingadmissionpolicies').check('delete').allowed()"
	dayLayout  = "2006-01-02"
)

// BlockName is the name of the policy of a set, and of its binding.
func BlockName(set string) string { return "provision." + set + ".blocked" }

// probeName is that of an object which the policy refuses to make in a dry run: whoever sees that refused knows that the API server
// goes by just these validations.
func probeName(validations []admissionv1.Validation) string {
	hash := sha256.New()
	for _, v := range validations {
		fmt.Fprintln(hash, v.Expression)
	}
	return "provision-block-" + hex.EncodeToString(hash.Sum(nil)[:8])
}

// probed is the expression that is true for a request to make that object.
func probed(name string) string { return "request.dryRun && request.name == '" + name + "'" }

// blockSpec is the policy of a set that blocks certificates, as the API server keeps it, and the name of its probe.
func blockSpec(set string, certificates []plan.BlockedCertificate) (spec admissionv1.ValidatingAdmissionPolicySpec, probe string) {
	ignore, equivalent, all := admissionv1.Ignore, admissionv1.Equivalent, admissionv1.AllScopes
	has := "has(request.userInfo.extra) && '" + credentialKey + "' in request.userInfo.extra"
	var validations []admissionv1.Validation
	for _, alike := range alikeBlocked(certificates) {
		for chunk := range slices.Chunk(alike, mostInValidation) {
			validations = append(validations, validation(set, chunk))
		}
	}
	probe = probeName(validations)
	invalid := metav1.StatusReasonInvalid
	validations = append(validations, admissionv1.Validation{Expression: "!(" + probed(probe) + ")", Message: probe + " is refused: the block is in force", Reason: &invalid})
	return admissionv1.ValidatingAdmissionPolicySpec{
		// An error in a rule that is about a few must lock out nobody.
		FailurePolicy: &ignore,
		MatchConstraints: &admissionv1.MatchResources{
			MatchPolicy: &equivalent, NamespaceSelector: &metav1.LabelSelector{}, ObjectSelector: &metav1.LabelSelector{},
			ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
				Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update, admissionv1.Delete, admissionv1.Connect},
				Rule:       admissionv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: []string{"*/*"}, Scope: &all},
			}}},
		},
		MatchConditions: []admissionv1.MatchCondition{{Name: "client-certificate", Expression: has + " || " + probed(probe)}},
		Variables: []admissionv1.Variable{{Name: "id", Expression: "request.userInfo.extra['" + credentialKey +
			"'].filter(c, c.startsWith('X509SHA256=')).map(c, c.substring(11))"}},
		Validations: validations,
	}, probe
}

// bindingSpec puts the policy of a set in force, for all objects.
func bindingSpec(set string) admissionv1.ValidatingAdmissionPolicyBindingSpec {
	return admissionv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: BlockName(set), ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny, admissionv1.Audit},
	}
}

// kindOfBlock is what the certificates of one validation have in common.
type kindOfBlock struct {
	since, until time.Time
	restored     bool
	named        bool // by their name alone
}

func kindOf(c plan.BlockedCertificate) kindOfBlock {
	return kindOfBlock{c.Since.UTC(), c.Until.UTC(), c.Restored, c.Fingerprint == ""}
}

// alikeBlocked groups certificates that can stand in one validation.
func alikeBlocked(certificates []plan.BlockedCertificate) [][]plan.BlockedCertificate {
	var groups [][]plan.BlockedCertificate
	at := map[kindOfBlock]int{}
	for _, c := range certificates {
		k := kindOf(c)
		i, known := at[k]
		if !known {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], c)
	}
	slices.SortFunc(groups, func(a, b []plan.BlockedCertificate) int {
		x, y := kindOf(a[0]), kindOf(b[0])
		return cmp.Or(x.since.Compare(y.since), x.until.Compare(y.until), cmp.Compare(fmt.Sprint(x.restored, x.named), fmt.Sprint(y.restored, y.named)))
	})
	return groups
}

// validation refuses requests with some certificates. The name counts as well as the fingerprint: a fingerprint in the ledger that
// is not that user's certificate must lock out nobody else.
func validation(set string, alike []plan.BlockedCertificate) admissionv1.Validation {
	k := kindOf(alike[0])
	var users, fingerprints []string
	for _, c := range alike {
		users = append(users, literal(c.User))
		fingerprints = append(fingerprints, "'"+c.Fingerprint+"'")
	}
	who := "request.userInfo.username in [" + strings.Join(users, ", ") + "]"
	if k.named {
		who += " && size(variables.id) > 0"
	} else {
		who += " && variables.id.exists(c, c in [" + strings.Join(fingerprints, ", ") + "])"
	}
	expression := "!(" + who + ")"
	if k.restored {
		expression += " || " + mayUnblock
	}
	forbidden := metav1.StatusReasonForbidden
	words := fmt.Sprintf("was revoked on %s and ends before %s (provision, set %s)", k.since.Format(dayLayout), k.until.Format(dayLayout), set)
	return admissionv1.Validation{
		Expression: expression, Reason: &forbidden, Message: "this certificate " + words,
		MessageExpression: "'the certificate of ' + request.userInfo.username + ' " + words + "'",
	}
}

// literal writes a name as a string of CEL. All but a few characters are written as numbers, so no name ends the string.
func literal(name string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range name {
		if r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(" -_.:@", r)) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

var (
	literals = regexp.MustCompile(`'((?:[-A-Za-z0-9 _.:@]|\\U[0-9a-f]{8})*)'`)
	numbered = regexp.MustCompile(`\\U[0-9a-f]{8}`)
	daysIn   = regexp.MustCompile(`^this certificate was revoked on (\d{4}-\d\d-\d\d) and ends before (\d{4}-\d\d-\d\d) `)
	listsIn  = regexp.MustCompile(`^!\(request\.userInfo\.username in \[([^\]]*)\] && (?:variables\.id\.exists\(c, c in \[([^\]]*)\]\)|size\(variables\.id\) > 0)\)`)
)

// blockedIn reads the certificates out of a policy: as many as can be read of one that somebody has altered.
func blockedIn(spec admissionv1.ValidatingAdmissionPolicySpec) []plan.BlockedCertificate {
	var all []plan.BlockedCertificate
	for _, v := range spec.Validations {
		days, lists := daysIn.FindStringSubmatch(v.Message), listsIn.FindStringSubmatch(v.Expression)
		if days == nil || lists == nil {
			continue
		}
		since, err1 := time.Parse(dayLayout, days[1])
		until, err2 := time.Parse(dayLayout, days[2])
		users, ids := literals.FindAllStringSubmatch(lists[1], -1), literals.FindAllStringSubmatch(lists[2], -1)
		if err1 != nil || err2 != nil || lists[2] != "" && len(users) != len(ids) {
			continue
		}
		for i, user := range users {
			c := plan.BlockedCertificate{User: unliteral(user[1]), Since: since, Until: until, Restored: strings.HasSuffix(v.Expression, " || "+mayUnblock)}
			if lists[2] != "" {
				fingerprint, ok := plan.Fingerprint(ids[i][1])
				if !ok {
					continue
				}
				c.Fingerprint = fingerprint
			}
			all = append(all, c)
		}
	}
	return (*plan.Block)(nil).With(all, nil).Certificates
}

// unliteral reads a name that literal wrote.
func unliteral(text string) string {
	return numbered.ReplaceAllStringFunc(text, func(number string) string {
		var r rune
		if _, err := fmt.Sscanf(number[2:], "%x", &r); err != nil {
			return number
		}
		return string(r)
	})
}

// blockOf is what the two objects of a set block; nil: neither is there. Either may be nil.
func blockOf(set string, policy *admissionv1.ValidatingAdmissionPolicy, binding *admissionv1.ValidatingAdmissionPolicyBinding) *plan.Block {
	if policy == nil && binding == nil {
		return nil
	}
	b := &plan.Block{Altered: policy == nil || binding == nil}
	if policy != nil {
		b.Certificates = blockedIn(policy.Spec)
		want, _ := blockSpec(set, b.Certificates)
		b.Altered = b.Altered || policy.DeletionTimestamp != nil || !equality.Semantic.DeepEqual(policy.Spec, want)
		b.Version = string(policy.UID) + " " + policy.ResourceVersion
	}
	if binding != nil {
		b.Altered = b.Altered || binding.DeletionTimestamp != nil || !intact(set, binding.Spec)
		b.Version += ", " + string(binding.UID) + " " + binding.ResourceVersion
	}
	return b
}

// intact reports whether a binding puts the whole policy in force.
func intact(set string, have admissionv1.ValidatingAdmissionPolicyBindingSpec) bool {
	want := bindingSpec(set)
	all := have.MatchResources == nil || equality.Semantic.DeepEqual(*have.MatchResources, admissionv1.MatchResources{}) ||
		len(have.MatchResources.ResourceRules)+len(have.MatchResources.ExcludeResourceRules) == 0 && empty(have.MatchResources.NamespaceSelector) && empty(have.MatchResources.ObjectSelector)
	return have.PolicyName == want.PolicyName && have.ParamRef == nil && all && slices.Contains(have.ValidationActions, admissionv1.Deny)
}

// empty reports whether a selector selects all.
func empty(s *metav1.LabelSelector) bool {
	return s == nil || len(s.MatchLabels)+len(s.MatchExpressions) == 0
}
