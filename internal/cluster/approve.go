package cluster

import (
	"context"
	"fmt"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// Approve approves a request of ours. The object goes back as it came, because the approval subresource writes
// labels and annotations too. Should somebody have edited it meanwhile, it is read and verified again.
func (c *Client) Approve(ctx context.Context, r Request, s RequestSpec) (Request, error) {
	doing := "approve certificatesigningrequest/" + s.Name
	object := r.object
	for range conflictTries {
		approved := object.DeepCopy()
		approved.Status.Conditions = append(approved.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
			Type:    certificatesv1.CertificateApproved,
			Status:  corev1.ConditionTrue,
			Reason:  "ProvisionApprove",
			Message: fmt.Sprintf("provision sent and approved this for user %q of the set %q, applied by %s", s.User, s.Set, c.username),
		})
		var done *certificatesv1.CertificateSigningRequest
		err := c.retry(ctx, approvalNeed, func() (err error) {
			done, err = c.kube.certificates.CertificateSigningRequests().UpdateApproval(ctx, s.Name, approved, metav1.UpdateOptions{})
			return err
		})
		if err == nil {
			return Request{done}, nil
		}
		if apierrors.IsForbidden(err) {
			return r, c.permission(ctx, err, c.approvePermission(ctx), doing)
		}
		if !apierrors.IsConflict(err) && !apierrors.IsInvalid(err) {
			return r, c.permission(ctx, err, approvalNeed, doing)
		}
		again, e := c.Resume(ctx, s)
		if e != nil {
			return r, fmt.Errorf("%s: %w", doing, e)
		}
		if again.object.UID != r.object.UID {
			return r, fmt.Errorf("%s: %w", doing, ErrSwapped)
		}
		if again.State() != plan.Pending { // decided meanwhile: by our own lost try, or by somebody; waiting will tell
			return again, nil
		}
		object = again.object
	}
	return r, fmt.Errorf("%s: somebody keeps editing it", doing)
}

// approvePermission finds out which of the two permissions of an approval is the missing one.
func (c *Client) approvePermission(ctx context.Context) plan.Permission {
	if allowed, err := c.allowed(ctx, approvalNeed); err == nil && allowed {
		return plan.Permission{Verb: "approve", Group: certificatesv1.GroupName, Resource: "signers", Name: plan.SignerName}
	}
	return approvalNeed
}
