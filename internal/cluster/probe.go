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

// Probe is one question whose answer shows that a grant holds: about a resource, or about a path.
type Probe struct {
	resource *authorizationv1.ResourceAttributes
	path     *authorizationv1.NonResourceAttributes
}

// String is the question as one asks kubectl: "get pods -n x".
func (p Probe) String() string {
	if p.path != nil {
		return p.path.Verb + " " + p.path.Path
	}
	s := p.resource.Verb + " " + p.resource.Resource
	if p.resource.Subresource != "" {
		s += "/" + p.resource.Subresource
	}
	if p.resource.Namespace != "" {
		s += " -n " + p.resource.Namespace
	}
	return s
}

// probeOf is the question about the first thing that a rule with a verb allows in a namespace; "": everywhere.
func probeOf(r rbacv1.PolicyRule, namespace string) Probe {
	if len(r.NonResourceURLs) > 0 {
		return Probe{path: &authorizationv1.NonResourceAttributes{Verb: r.Verbs[0], Path: r.NonResourceURLs[0]}}
	}
	p := plan.Permission{Verb: r.Verbs[0], Group: r.APIGroups[0], Resource: r.Resources[0], Namespace: namespace}
	if len(r.ResourceNames) > 0 {
		p.Name = r.ResourceNames[0]
	}
	return Probe{resource: attributes(p)}
}

// attributes are a permission as the API server is asked about it.
func attributes(p plan.Permission) *authorizationv1.ResourceAttributes {
	resource, subresource, _ := strings.Cut(p.Resource, "/")
	return &authorizationv1.ResourceAttributes{
		Verb: p.Verb, Group: p.Group, Resource: resource, Subresource: subresource, Namespace: p.Namespace, Name: p.Name,
	}
}

// Probe finds a question for a binding: the first rule of its role, as the cluster has it. A role without rules
// grants nothing and has none (false).
func (c *Client) Probe(ctx context.Context, b plan.Binding) (Probe, bool, error) {
	rules, err := c.rules(ctx, b.Namespace, b.RoleRef)
	if err != nil {
		return Probe{}, false, err
	}
	found, ok := probeOfAny(rules, b.Namespace)
	return found, ok, nil
}

// probeOfAny is the question about the first of some rules that can be asked about, in a namespace; "": everywhere.
func probeOfAny(rules []rbacv1.PolicyRule, namespace string) (found Probe, ok bool) {
	for _, r := range rules {
		// No API server accepts such a rule; one that shows it all the same has not granted anything to ask about.
		if len(r.Verbs) == 0 || len(r.Resources) > 0 && len(r.APIGroups) == 0 {
			continue
		}
		// Non-resource rules count in ClusterRoleBindings only.
		if len(r.Resources) == 0 && (namespace != "" || len(r.NonResourceURLs) == 0) {
			continue
		}
		// A resource itself tells people more than a part of one, such as pods/attach.
		if whole := len(r.Resources) > 0 && !strings.Contains(r.Resources[0], "/"); whole || !ok {
			found, ok = probeOf(r, namespace), true
			if whole {
				break
			}
		}
	}
	return found, ok
}

// May asks the API server whether the user may do what the probe stands for.
func (l *Login) May(ctx context.Context, p Probe) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: p.resource, NonResourceAttributes: p.path,
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
		ResourceAttributes: probe.resource, NonResourceAttributes: probe.path,
	}}
	answer, err := c.kube.authorization.SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, c.permission(ctx, err, plan.Permission{Verb: "create", Group: authorizationv1.GroupName, Resource: "subjectaccessreviews"}, "ask what "+user+" may do")
	}
	return answer.Status.Allowed, nil
}
