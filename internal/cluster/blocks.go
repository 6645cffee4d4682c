package cluster

import (
	"context"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// Blocks reads what the policies of all sets block, sorted by set, whether they are in force or not. One that has the label of a set and
// not its name is nobody's.
func (c *Client) Blocks(ctx context.Context) ([]plan.SetBlock, error) {
	policies := c.policies()
	var all []plan.SetBlock
	err := each(ctx, c, policies.need, metav1.ListOptions{LabelSelector: plan.SetLabel}, c.kube.admission.ValidatingAdmissionPolicies().List,
		func(p *admissionv1.ValidatingAdmissionPolicy) {
			set := p.Labels[plan.SetLabel]
			if p.Name != BlockName(set) {
				return
			}
			b := plan.Block{Certificates: blockedIn(p.Spec)}
			want, _ := blockSpec(set, b.Certificates)
			b.Altered = !equality.Semantic.DeepEqual(p.Spec, want)
			all = append(all, plan.SetBlock{Set: set, Block: b})
		})
	slices.SortFunc(all, func(a, b plan.SetBlock) int { return strings.Compare(a.Set, b.Set) })
	return all, err
}

// Certificate is the client certificate of the operator; the zero value: they log in without one.
func (c *Client) Certificate() plan.BlockedCertificate { return c.certificate }

// WithoutCredentialIDs returns the version of an API server that does not know client certificates by their ids; "": it does, or its
// version cannot be read.
func (c *Client) WithoutCredentialIDs(ctx context.Context) string { return c.withoutCredentialIDs(ctx) }
