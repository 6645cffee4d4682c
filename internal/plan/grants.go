package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// computeRoles compares the roles that the set owns.
func computeRoles(desired Desired, observed Observed) ([]Change[Role], []Problem) {
	have := map[ObjectKey]Role{}
	for _, r := range observed.Roles {
		have[ObjectKey{r.Namespace, r.Name}] = r
	}
	var changes []Change[Role]
	var problems []Problem
	for _, want := range desired.Roles {
		key := ObjectKey{want.Namespace, want.Name}
		now, ok := have[key]
		delete(have, key)
		if !ok {
			if owner, taken := observed.RoleOwners[key]; taken && owner != desired.Set {
				problems = append(problems, Problem{Code: ForeignObject, Kind: want.Kind(), Namespace: want.Namespace, Name: want.Name, Detail: owner})
				continue
			}
			changes = append(changes, Change[Role]{Op: Create, After: &want, Reasons: []Reason{{Code: InFile}}})
			continue
		}
		c := Change[Role]{Op: Keep, Before: &now, After: &want}
		if !equality.Semantic.DeepEqual(now.Rules, want.Rules) {
			added, removed := difference(RuleTexts(now.Rules), RuleTexts(want.Rules))
			c.Op, c.Reasons = Update, []Reason{{Code: RulesChanged, Added: added, Removed: removed}}
		}
		want.UID, want.ResourceVersion = now.UID, now.ResourceVersion
		changes = append(changes, c)
	}
	for _, r := range have {
		changes = append(changes, Change[Role]{Op: Delete, Before: &r, Reasons: []Reason{{Code: NotInFile}}})
	}
	slices.SortFunc(changes, func(a, b Change[Role]) int {
		x, y := a.Object(), b.Object()
		return compareKeys(x.Namespace, x.Name, y.Namespace, y.Name)
	})
	return changes, problems
}

// computeBindings spreads the subjects of every role and scope over as many bindings as they need and compares.
// A subject stays in the binding that has it, so that adding one user changes one object. To a role that is somebody
// else's (foreign) nobody is bound: who knows what it allows.
func computeBindings(desired Desired, observed Observed, foreign []Problem) ([]Change[Binding], []Problem) {
	type scope struct {
		namespace string
		ref       RoleRef
	}
	notOurs := map[ObjectKey]bool{}
	for _, p := range foreign {
		notOurs[ObjectKey{p.Namespace, p.Name}] = true
	}
	var changes []Change[Binding]
	var problems []Problem
	have := map[scope][]Binding{}
	for _, b := range observed.Bindings {
		switch {
		case !b.named(desired.Set): // somebody copied the label: see setWarnings
		case !isShard(b.Name, BindingName(desired.Set, b.RoleRef)): // made by somebody; it may have the name of another role's
			changes = append(changes, Change[Binding]{Op: Delete, Before: &b, Reasons: []Reason{{Code: NotInFile}}})
		default:
			s := scope{b.Namespace, b.RoleRef}
			have[s] = append(have[s], b)
		}
	}
	for _, want := range desired.Bindings {
		s := scope{want.Namespace, want.RoleRef}
		if notOurs[want.Role()] {
			want.Subjects = present(want.Subjects, have[s])
		}
		changes = append(changes, spread(want, have[s])...)
		delete(have, s)
	}
	for _, list := range have {
		for _, b := range list {
			changes = append(changes, Change[Binding]{Op: Delete, Before: &b, Reasons: []Reason{{Code: NotInFile}}})
		}
	}
	changes = slices.DeleteFunc(changes, func(c Change[Binding]) bool {
		if c.Op != Create {
			return false
		}
		key := ObjectKey{c.After.Namespace, c.After.Name}
		owner, taken := observed.BindingOwners[key]
		if taken && owner != desired.Set {
			problems = append(problems, Problem{Code: ForeignObject, Kind: c.After.Kind(), Namespace: key.Namespace, Name: key.Name, Detail: owner})
			return true
		}
		return false
	})
	named := map[ObjectKey]bool{}
	for _, p := range problems {
		named[ObjectKey{p.Namespace, p.Name}] = true
	}
	for key, owner := range observed.BindingOwners {
		if owner != desired.Set && !named[key] {
			problems = append(problems, Problem{Code: LabelGone, Kind: Binding{Namespace: key.Namespace}.Kind(), Namespace: key.Namespace, Name: key.Name, Detail: owner})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return compareKeys(a.Namespace, a.Name, b.Namespace, b.Name) })
	changes = replaced(changes)
	slices.SortFunc(changes, func(a, b Change[Binding]) int {
		x, y := a.Object(), b.Object()
		return compareKeys(x.Namespace, x.Name, y.Namespace, y.Name)
	})
	return changes, problems
}

// present are those of some subjects that are in one of the bindings already.
func present(subjects []Subject, in []Binding) []Subject {
	has := map[Subject]bool{}
	for _, b := range in {
		for _, s := range b.Subjects {
			has[s] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(subjects), func(s Subject) bool { return !has[s] })
}

// replaced joins the deletion of a binding with the creation of one of the same name: somebody made ours anew with
// another roleRef. It is the one case where the old one must go first.
func replaced(changes []Change[Binding]) []Change[Binding] {
	deleted := map[ObjectKey]*Binding{}
	for _, c := range changes {
		if c.Op == Delete {
			deleted[ObjectKey{c.Before.Namespace, c.Before.Name}] = c.Before
		}
	}
	joined := map[ObjectKey]bool{}
	for i, c := range changes {
		if c.Op != Create {
			continue
		}
		key := ObjectKey{c.After.Namespace, c.After.Name}
		if before := deleted[key]; before != nil {
			joined[key] = true
			changes[i].Before = before
			changes[i].Reasons = []Reason{{Code: RoleRefChanged, From: before.RoleRef.String(), To: c.After.RoleRef.String()}}
		}
	}
	return slices.DeleteFunc(changes, func(c Change[Binding]) bool {
		return c.Op == Delete && joined[ObjectKey{c.Before.Namespace, c.Before.Name}]
	})
}

// spread assigns the subjects of want to the existing bindings of the same role and scope, then to new ones.
func spread(want Binding, existing []Binding) []Change[Binding] {
	slices.SortFunc(existing, func(a, b Binding) int { return compareShards(a.Name, b.Name) })
	left := make(map[Subject]bool, len(want.Subjects))
	for _, s := range want.Subjects {
		left[s] = true
	}
	after := make([]Binding, 0, len(existing)+1)
	names := map[string]bool{}
	for _, b := range existing {
		keep := Binding{Namespace: b.Namespace, Name: b.Name, RoleRef: b.RoleRef, UID: b.UID, ResourceVersion: b.ResourceVersion}
		for _, s := range b.Subjects {
			if left[s] && len(keep.Subjects) < MaxSubjects {
				keep.Subjects = append(keep.Subjects, s)
				delete(left, s)
			}
		}
		names[b.Name] = true
		after = append(after, keep)
	}
	at, number := 0, 1
	for _, s := range want.Subjects {
		if !left[s] {
			continue
		}
		for at < len(after) && len(after[at].Subjects) >= MaxSubjects {
			at++
		}
		if at == len(after) {
			name := want.Name
			for ; names[name]; number++ {
				name = fmt.Sprintf("%s:%d", want.Name, number+1)
			}
			names[name] = true
			after = append(after, Binding{Namespace: want.Namespace, Name: name, RoleRef: want.RoleRef})
		}
		after[at].Subjects = append(after[at].Subjects, s)
	}
	changes := make([]Change[Binding], 0, len(after))
	for i, b := range after {
		slices.SortFunc(b.Subjects, compareSubjects)
		if i >= len(existing) {
			changes = append(changes, Change[Binding]{Op: Create, After: &b, Reasons: []Reason{{Code: InFile}}})
			continue
		}
		before := existing[i]
		added, removed := difference(before.Subjects, b.Subjects)
		switch {
		case len(b.Subjects) == 0:
			changes = append(changes, Change[Binding]{Op: Delete, Before: &before, Reasons: []Reason{{Code: NotInFile}}})
		case len(added)+len(removed) > 0 || len(before.Subjects) != len(b.Subjects):
			changes = append(changes, Change[Binding]{Op: Update, Before: &before, After: &b,
				Reasons: []Reason{{Code: SubjectsChanged, Added: SubjectTexts(added), Removed: SubjectTexts(removed)}}})
		default:
			changes = append(changes, Change[Binding]{Op: Keep, Before: &before, After: &b})
		}
	}
	return changes
}

// isShard says whether a name is first or a further one, as spread makes them.
func isShard(name, first string) bool {
	number, further := strings.CutPrefix(name, first+":")
	if !further {
		return name == first
	}
	_, err := strconv.ParseUint(number, 10, 32)
	return err == nil
}

// compareShards orders "x", "x:2", "x:10" by number.
func compareShards(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// SubjectTexts writes subjects one per line: "user jane", "group a:b".
func SubjectTexts(list []Subject) []string {
	texts := make([]string, 0, len(list))
	for _, s := range list {
		texts = append(texts, strings.ToLower(s.Kind)+" "+Quoted(s.Name))
	}
	return texts
}

// Quoted writes a name as it is, and in quotes where it could be taken for several words or lines.
func Quoted(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == ',' || r == '"' }) {
		return strconv.Quote(name)
	}
	return name
}

// Powerful picks the rules that allow everything there is, or to take more than one has: all verbs on all resources, and
// escalate, bind and impersonate (the good practices for RBAC in the Kubernetes documentation). To impersonate service
// accounts is not among them: the roles edit and admin of every cluster allow that.
func Powerful(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	has := func(list []string, some ...string) bool {
		return slices.ContainsFunc(list, func(v string) bool { return slices.Contains(some, v) })
	}
	return slices.DeleteFunc(slices.Clone(rules), func(r rbacv1.PolicyRule) bool {
		return !(has(r.Verbs, "*") && has(r.Resources, "*") ||
			has(r.Verbs, "create", "update", "patch") && has(r.Resources, "*") && has(r.APIGroups, "*", rbacv1.GroupName) ||
			has(r.Verbs, "escalate", "bind") || has(r.Verbs, "*") && has(r.Resources, "roles", "clusterroles") ||
			has(r.Verbs, "impersonate", "*") && has(r.Resources, "users", "groups", "*"))
	})
}

// PowerfulIn says whether a role with these rules allows everything, or to take everything, where it is bound: "" is the
// whole cluster. There, and in kube-system, it is enough to be able to act as a service account, or to run something as one:
// the controllers' are among them.
func PowerfulIn(namespace string, rules []rbacv1.PolicyRule) bool {
	if len(Powerful(rules)) > 0 {
		return true
	}
	if namespace != "" && namespace != metav1.NamespaceSystem {
		return false
	}
	return slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool {
		allows := func(verb string, resources ...string) bool {
			return (slices.Contains(r.Verbs, verb) || slices.Contains(r.Verbs, "*")) &&
				slices.ContainsFunc(r.Resources, func(v string) bool { return v == "*" || slices.Contains(resources, v) })
		}
		return allows("impersonate", "serviceaccounts") || allows("create", "serviceaccounts/token", "pods", "pods/exec") ||
			allows("get", "secrets") || allows("list", "secrets")
	})
}

// RuleTexts writes rules one per line, as people read them: "get,list pods,services (apps)". Those come first that have
// a wildcard.
func RuleTexts(rules []rbacv1.PolicyRule) []string {
	texts := make([]string, 0, len(rules))
	wild := func(r rbacv1.PolicyRule) bool {
		return slices.Contains(slices.Concat(r.Verbs, r.Resources, r.APIGroups), "*")
	}
	for _, r := range slices.SortedStableFunc(slices.Values(rules), func(a, b rbacv1.PolicyRule) int {
		switch {
		case wild(a) == wild(b):
			return 0
		case wild(a):
			return -1
		}
		return 1
	}) {
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
