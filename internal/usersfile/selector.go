package usersfile

import (
	"slices"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// selector reads a label selector of Kubernetes (metav1.LabelSelector) and returns it in the words of kubectl's --selector, the same for
// all that select the same way. An empty one, which would select every namespace, is a mistake: so it is never "" where ok is true.
func (r *reader) selector(v value) (words string, ok bool) {
	before := r.mistakes
	o, is := r.object(v, "matchLabels", "matchExpressions")
	if !is {
		return "", false
	}
	var s metav1.LabelSelector
	s.MatchLabels = r.labelMap(o.get("matchLabels"))
	for _, e := range r.list(o.get("matchExpressions")) {
		one, is := r.object(e, "key", "operator", "values")
		if !is {
			continue
		}
		var requirement metav1.LabelSelectorRequirement
		key, operator := one.get("key"), one.get("operator")
		if !key.given() {
			r.required(key, "must name a label")
		}
		if !operator.given() {
			r.required(operator, "must be In, NotIn, Exists or DoesNotExist")
		}
		requirement.Key, _ = r.text(key)
		text, _ := r.text(operator)
		requirement.Operator = metav1.LabelSelectorOperator(text)
		for _, v := range r.list(one.get("values")) {
			text, _ := r.text(v)
			requirement.Values = append(requirement.Values, text)
		}
		s.MatchExpressions = append(s.MatchExpressions, requirement)
	}
	if r.mistakes > before {
		return "", false
	}
	if len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		r.required(v, "must select by a label, as in matchLabels: {team: payments}; an empty one would select every namespace: leave out namespaces and namespaceSelector to grant a clusterRole in the whole cluster")
		return "", false
	}
	for _, err := range validation.ValidateLabelSelector(&s, validation.LabelSelectorValidationOptions{}, v.path) {
		r.fail(v, err)
	}
	if r.mistakes > before {
		return "", false
	}
	s.MatchExpressions = slices.DeleteFunc(s.MatchExpressions, func(one metav1.LabelSelectorRequirement) bool {
		if one.Operator != metav1.LabelSelectorOpIn || len(one.Values) != 1 {
			return false
		}
		had, is := s.MatchLabels[one.Key]
		if is && had != one.Values[0] { // nothing is selected, as the file says
			return false
		}
		if s.MatchLabels == nil {
			s.MatchLabels = map[string]string{}
		}
		s.MatchLabels[one.Key] = one.Values[0] // one value of one is that value
		return true
	})
	selector, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil {
		r.fail(v, field.Invalid(v.path, "", err.Error()))
		return "", false
	}
	return selector.String(), true
}

// labelMap reads labels: an object with whatever keys.
func (r *reader) labelMap(v value) map[string]string {
	if !v.given() || isNull(v.node) {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		r.wrongType(v, "labels, as in {team: payments}")
		return nil
	}
	all := map[string]string{}
	first := map[string]Pos{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		at := value{node: v.node.Content[i+1], parent: v.node, path: child(v.path, key.Value), form: v.form + ".*"}
		if before, twice := first[key.Value]; twice {
			r.duplicate(value{node: key, path: at.path, form: at.form}, key.Value, before)
			continue
		}
		first[key.Value] = r.pos(key)
		if text, ok := r.text(at); ok {
			all[key.Value] = text
		}
	}
	return all
}

// Selecting returns what reports whether a namespace with some labels is among those of a selector, as Grant has it.
func Selecting(selector string) func(map[string]string) bool {
	parsed, err := labels.Parse(selector)
	if err != nil || parsed.Empty() { // the reader lets no such one through, and everything is never meant
		return func(map[string]string) bool { return false }
	}
	return func(of map[string]string) bool { return parsed.Matches(labels.Set(of)) }
}

// places are what stands for the grant's namespaces where grants are compared.
func (g Grant) places() []string {
	if g.Selector != "" {
		return append([]string{"with " + g.Selector}, g.Namespaces...)
	}
	return g.Namespaces
}
