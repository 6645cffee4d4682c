package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// Probe is one question whose answer shows that a grant holds.
type Probe struct {
	rule      rbacv1.PolicyRule
	namespace string
}

// String is the question as one asks kubectl: "get pods -n x".
func (p Probe) String() string {
	what := strings.Join(p.rule.Resources[:min(1, len(p.rule.Resources))], "")
	if len(p.rule.NonResourceURLs) > 0 {
		what = p.rule.NonResourceURLs[0]
	}
	s := p.rule.Verbs[0] + " " + what
	if p.namespace != "" {
		s += " -n " + p.namespace
	}
	return s
}

// resource is the question about a resource, or nil for one about a path.
func (p Probe) resource() *authorizationv1.ResourceAttributes {
	if len(p.rule.NonResourceURLs) > 0 {
		return nil
	}
	resource, subresource, _ := strings.Cut(p.rule.Resources[0], "/")
	a := &authorizationv1.ResourceAttributes{
		Verb: p.rule.Verbs[0], Group: p.rule.APIGroups[0], Resource: resource, Subresource: subresource, Namespace: p.namespace,
	}
	if len(p.rule.ResourceNames) > 0 {
		a.Name = p.rule.ResourceNames[0]
	}
	return a
}

// nonResource is the question about a path, or nil for one about a resource.
func (p Probe) nonResource() *authorizationv1.NonResourceAttributes {
	if len(p.rule.NonResourceURLs) == 0 {
		return nil
	}
	return &authorizationv1.NonResourceAttributes{Verb: p.rule.Verbs[0], Path: p.rule.NonResourceURLs[0]}
}

// Probe finds a question for a binding: the first rule of its role, as the cluster has it. A role without rules
// grants nothing and has none (false).
func (c *Client) Probe(ctx context.Context, b plan.Binding) (Probe, bool, error) {
	rules, err := c.rules(ctx, b.Namespace, b.RoleRef)
	if err != nil {
		return Probe{}, false, err
	}
	var found Probe
	ok := false
	for _, r := range rules {
		// No API server accepts such a rule; one that shows it all the same has not granted anything to ask about.
		if len(r.Verbs) == 0 || len(r.Resources) > 0 && len(r.APIGroups) == 0 {
			continue
		}
		// Non-resource rules count in ClusterRoleBindings only.
		if len(r.Resources) == 0 && (b.Namespace != "" || len(r.NonResourceURLs) == 0) {
			continue
		}
		// A resource itself tells people more than a part of one, such as pods/attach.
		if whole := len(r.Resources) > 0 && !strings.Contains(r.Resources[0], "/"); whole || !ok {
			found, ok = Probe{r, b.Namespace}, true
			if whole {
				break
			}
		}
	}
	return found, ok, nil
}

// May asks the API server whether the user may do what the probe stands for.
func (l *Login) May(ctx context.Context, p Probe) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: p.resource(), NonResourceAttributes: p.nonResource(),
	}}
	var answer *authorizationv1.SelfSubjectAccessReview
	err := retry(ctx, func() (err error) {
		answer, err = l.kube.authorization.SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("ask whether the user may %s: %w", p, err)
	}
	return answer.Status.Allowed, nil
}

// May asks the API server, as the operator, whether a user with these groups may do what the probe stands for.
func (c *Client) May(ctx context.Context, user string, groups []string, probe Probe) (bool, error) {
	return c.mayAs(ctx, user, append(slices.Clone(groups), "system:authenticated"), probe)
}

// mayAs is May for exactly these groups.
func (c *Client) mayAs(ctx context.Context, user string, groups []string, probe Probe) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user, Groups: groups,
		ResourceAttributes: probe.resource(), NonResourceAttributes: probe.nonResource(),
	}}
	answer, err := c.kube.authorization.SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, c.permission(ctx, err, plan.Permission{Verb: "create", Group: authorizationv1.GroupName, Resource: "subjectaccessreviews"}, "ask what "+user+" may do")
	}
	return answer.Status.Allowed, nil
}
