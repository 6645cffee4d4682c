package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// parallelReviews is how many questions are asked at once.
const parallelReviews = 16

// Missing returns which of a plan's permissions the operator does not have. Most plans cost a handful of requests: each
// kind of permission is first asked for the whole cluster, and only where that is refused per namespace and name.
// Where bind or escalate is refused, a dry run of the very object decides: an operator who holds what he grants
// needs neither.
func (c *Client) Missing(ctx context.Context, p plan.Plan) ([]plan.Permission, error) {
	needed := p.Permissions()
	broad := map[plan.Permission]bool{}
	for _, n := range needed {
		broad[broadest(n)] = false
	}
	asked := make([]plan.Permission, 0, len(broad))
	for b := range broad {
		asked = append(asked, b)
	}
	answers, err := c.reviews(ctx, asked)
	if err != nil {
		return nil, err
	}
	for i, b := range asked {
		broad[b] = answers[i]
	}
	var rest []plan.Permission
	for _, n := range needed {
		if !broad[broadest(n)] {
			rest = append(rest, n)
		}
	}
	if answers, err = c.reviews(ctx, rest); err != nil {
		return nil, err
	}
	var missing, indirect []plan.Permission
	for i, n := range rest {
		switch {
		case answers[i]:
		case n.Verb == "bind" || n.Verb == "escalate":
			indirect = append(indirect, n)
		default:
			missing = append(missing, n)
		}
	}
	if len(indirect) == 0 || unwritable(missing) {
		return append(missing, indirect...), nil
	}
	held, err := c.held(ctx, p, indirect)
	if err != nil {
		return nil, err
	}
	for _, n := range indirect {
		if !held[n] {
			missing = append(missing, n)
		}
	}
	return missing, nil
}

// reads are the permissions without which nothing can be planned.
func reads(ledgerNamespaces []string) []plan.Permission {
	list := []plan.Permission{
		{Verb: "get", Resource: "namespaces"},
		{Verb: "list", Resource: "namespaces"},
		{Verb: "list", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
		{Verb: "get", Resource: "configmaps", Namespace: metav1.NamespaceSystem, Name: clientCAName},
	}
	for _, resource := range []string{"roles", "clusterroles", "rolebindings", "clusterrolebindings"} {
		p := rbac(resource)
		p.Verb = "list"
		list = append(list, p)
	}
	for _, namespace := range ledgerNamespaces {
		list = append(list, plan.Permission{Verb: "list", Resource: "configmaps", Namespace: namespace})
	}
	return list
}

// writes are the permissions that nearly every apply needs besides. What binds and escalates depends on the plan.
func writes(ledgerNamespaces []string) []plan.Permission {
	list := []plan.Permission{
		{Verb: "get", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
		{Verb: "watch", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
		{Verb: "create", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
		{Verb: "delete", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
		{Verb: "update", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests/approval"},
		{Verb: "approve", Group: certificatesv1.GroupName, Resource: "signers", Name: plan.SignerName},
	}
	for _, resource := range []string{"roles", "clusterroles"} { // to prove what is granted
		p := rbac(resource)
		p.Verb = "get"
		list = append(list, p)
	}
	for _, resource := range []string{"rolebindings", "clusterrolebindings"} {
		for _, verb := range []string{"get", "create", "update", "delete"} {
			p := rbac(resource)
			p.Verb = verb
			list = append(list, p)
		}
	}
	for _, namespace := range ledgerNamespaces {
		for _, verb := range []string{"get", "create", "update"} {
			list = append(list,
				plan.Permission{Verb: verb, Resource: "configmaps", Namespace: namespace},
				plan.Permission{Verb: verb, Group: "coordination.k8s.io", Resource: "leases", Namespace: namespace})
		}
	}
	return list
}

// allMissing adds to a refusal what else would be refused, so that an operator without rights is told once: what reading
// needs, and what writing will.
func (c *Client) allMissing(ctx context.Context, err error, ledgerNamespaces ...string) error {
	err = c.lacks(ctx, err, append(reads(ledgerNamespaces), writes(ledgerNamespaces)...))
	e, ok := errors.AsType[*PermissionError](err)
	if !ok {
		return err
	}
	for _, namespace := range ledgerNamespaces {
		// Who may not even ask is told to make it: to make one that is there changes nothing.
		if _, err := c.kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
			e.NewNamespaces = append(e.NewNamespaces, namespace)
		}
	}
	return err
}

// lacks completes a refusal with which of some permissions are missing.
func (c *Client) lacks(ctx context.Context, err error, needed []plan.Permission) error {
	e, ok := errors.AsType[*PermissionError](err)
	if !ok {
		return err
	}
	answers, failed := c.reviews(ctx, needed)
	if failed != nil {
		return err // what is known is enough
	}
	var missing []plan.Permission
	for i, p := range needed {
		if !answers[i] {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		e.Missing = missing
	}
	return err
}

// unwritable says whether a dry run could not tell anything, because roles and bindings may not be read or written at all.
func unwritable(missing []plan.Permission) bool {
	return slices.ContainsFunc(missing, func(p plan.Permission) bool {
		return p.Group == rbac("").Group && slices.Contains([]string{"get", "create", "update"}, p.Verb)
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

func (c *Client) reviews(ctx context.Context, list []plan.Permission) ([]bool, error) {
	answers := make([]bool, len(list))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelReviews)
	for i, p := range list {
		g.Go(func() (err error) {
			answers[i], err = c.allowed(ctx, p)
			return err
		})
	}
	return answers, g.Wait()
}

func (c *Client) allowed(ctx context.Context, p plan.Permission) (bool, error) {
	resource, subresource, _ := strings.Cut(p.Resource, "/")
	review, err := c.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: p.Verb, Group: p.Group, Resource: resource, Subresource: subresource, Namespace: p.Namespace, Name: p.Name,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("ask whether you may %s %s: %w", p.Verb, p.Resource, err)
	}
	return review.Status.Allowed, nil
}

// held finds out by dry runs which of the refused bind and escalate permissions are not needed, because the operator
// holds every rule that would be granted.
func (c *Client) held(ctx context.Context, p plan.Plan, refused []plan.Permission) (map[plan.Permission]bool, error) {
	dry := c.DryRun()
	resource := map[string]string{"Role": "roles", "ClusterRole": "clusterroles"}
	type try struct {
		need plan.Permission
		do   func(context.Context) error
	}
	var tries []try
	wanted := map[plan.Permission]bool{}
	for _, r := range refused {
		wanted[r] = true
	}
	fresh := map[plan.ObjectKey]plan.Permission{} // roles that the plan creates: they cannot be bound yet, not even dry
	for _, r := range p.Roles {
		if r.Op != plan.Create && r.Op != plan.Update {
			continue
		}
		need := rbac(resource[r.After.Kind()])
		need.Verb, need.Namespace, need.Name = "escalate", r.After.Namespace, plan.EscalateName(r)
		fresh[plan.ObjectKey{Namespace: r.After.Namespace, Name: r.After.Name}] = need
		if wanted[need] {
			tries = append(tries, try{need, func(ctx context.Context) error { return dry.PutRole(ctx, p.Set, *r.After) }})
		}
	}
	held := map[plan.Permission]bool{}
	inherits := map[plan.Permission]plan.Permission{}
	for _, b := range p.Bindings {
		if b.Op != plan.Create && b.Op != plan.Update {
			continue
		}
		need := rbac(resource[b.After.RoleRef.Kind])
		need.Verb, need.Namespace, need.Name = "bind", b.After.Namespace, b.After.RoleRef.Name
		if !wanted[need] {
			continue
		}
		if escalate, ok := fresh[b.After.Role()]; ok {
			inherits[need] = escalate
			continue
		}
		tries = append(tries, try{need, func(ctx context.Context) error { return dry.PutBinding(ctx, p.Set, *b.After) }})
	}
	results := make([]bool, len(tries))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelReviews)
	for i, t := range tries {
		g.Go(func() error {
			err := t.do(ctx)
			if errors.Is(err, ErrEdited) || errors.Is(err, ErrAggregated) { // no refusal: the new plan or the run itself will say it
				err = nil
			}
			if err != nil && !apierrors.IsForbidden(err) {
				return fmt.Errorf("try %s %s: %w", t.need.Verb, t.need.Resource, err)
			}
			results[i] = err == nil
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, t := range tries { // several objects may need one permission
		earlier, ok := held[t.need]
		held[t.need] = results[i] && (earlier || !ok)
	}
	for bind, escalate := range inherits {
		// Whoever may make the role only by the verb escalate does not hold its rules, and may not bind it.
		held[bind] = wanted[escalate] && held[escalate]
	}
	return held, nil
}
