package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// parallelReviews is how many questions are asked at once: half of what one run may have under way at all.
const parallelReviews = 16

// atOnce calls do for each number below n, parallelReviews of them at a time, and returns the first error, which ends all.
func atOnce(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelReviews)
	for i := range n {
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
}

// Missing returns which of a plan's permissions the operator does not have. Most plans cost a handful of requests, because
// the questions come in three rounds:
//
//	asked                                          of what
//	each kind of permission in the whole cluster   everything that the plan needs
//	the permission with its namespace and name     what was refused there
//	a dry run of the change itself                 bind and escalate that were refused there (see notNeeded)
//
// The error is that of a question that could not be asked.
func (c *Client) Missing(ctx context.Context, p plan.Plan) ([]plan.Permission, error) {
	needed := p.Permissions()
	kinds := map[plan.Permission]bool{}
	for _, n := range needed {
		kinds[broadest(n)] = true
	}
	refused, err := c.refusedOf(ctx, slices.Collect(maps.Keys(kinds)))
	if err != nil {
		return nil, err
	}
	narrow := slices.DeleteFunc(slices.Clone(needed), func(n plan.Permission) bool { return !slices.Contains(refused, broadest(n)) })
	if refused, err = c.refusedOf(ctx, narrow); err != nil {
		return nil, err
	}
	var missing, indirect []plan.Permission
	for _, n := range refused {
		if n.Verb == "bind" || n.Verb == "escalate" {
			indirect = append(indirect, n)
		} else {
			missing = append(missing, n)
		}
	}
	if len(indirect) == 0 || unwritable(missing) {
		return append(missing, indirect...), nil
	}
	notNeeded, err := c.notNeeded(ctx, p, indirect)
	if err != nil {
		return nil, err
	}
	for _, n := range indirect {
		if !notNeeded[n] {
			missing = append(missing, n)
		}
	}
	return missing, nil
}

// unwritable reports whether a dry run could not tell anything, because roles or bindings may not be read or written at all.
func unwritable(missing []plan.Permission) bool {
	return slices.ContainsFunc(missing, func(p plan.Permission) bool {
		return p.Group == rbacv1.GroupName && slices.Contains([]string{"get", "create", "update"}, p.Verb)
	})
}

// broadest is the same permission everywhere and for every name. The signer's name stays: it is how the built-in
// role grants it.
func broadest(p plan.Permission) plan.Permission {
	p.Namespace = ""
	if p.Verb != "approve" {
		p.Name = ""
	}
	return p
}

// refusedOf asks which of some permissions the operator does not have, and returns those in the same order.
func (c *Client) refusedOf(ctx context.Context, list []plan.Permission) ([]plan.Permission, error) {
	answers := make([]bool, len(list))
	err := atOnce(ctx, len(list), func(ctx context.Context, i int) (err error) {
		answers[i], err = c.allowed(ctx, list[i])
		return err
	})
	if err != nil {
		return nil, err
	}
	var refused []plan.Permission
	for i, p := range list {
		if !answers[i] {
			refused = append(refused, p)
		}
	}
	return refused, nil
}

// allowed asks whether the operator may do something.
func (c *Client) allowed(ctx context.Context, p plan.Permission) (bool, error) {
	ok, err := c.allows(ctx, p)
	if err == nil && !ok && p.Resource == "signers" && p.Name == plan.SignerName {
		// The permission for all signers of its domain is one for it, too (pkg/certauthorization:IsAuthorizedForSignerName).
		domain, _, _ := strings.Cut(plan.SignerName, "/")
		p.Name = domain + "/*"
		ok, err = c.allows(ctx, p)
	}
	return ok, err
}

// allows asks for one permission exactly as it stands.
func (c *Client) allows(ctx context.Context, p plan.Permission) (bool, error) {
	review, err := c.kube.authorization.SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: attributes(p)},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, c.permission(ctx, err, selfAccess, fmt.Sprintf("ask whether you may %s %s", p.Verb, p.Resource))
	}
	return review.Status.Allowed, nil
}
