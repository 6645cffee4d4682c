package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/credential"
	"provision/internal/plan"
)

// ErrSwapped says that an object has the name of our request and is not our request.
var ErrSwapped = errors.New("another request has taken its name")

// Request is a CertificateSigningRequest that is ours beyond doubt: our own Create returned it, or its PKCS#10
// request was made with our key. Only such a one can be approved.
type Request struct {
	object *certificatesv1.CertificateSigningRequest
}

// Ref names the object.
func (r Request) Ref() plan.RequestRef {
	return plan.RequestRef{Name: r.object.Name, UID: r.object.UID}
}

// State is how far it had come when it was read.
func (r Request) State() plan.RequestState {
	state, _ := stateOf(r.object)
	return state
}

// RequestSpec is what to ask for. PEM is the PKCS#10 request, KeyHash that of the key which made it.
type RequestSpec struct {
	Name     string
	Set      string
	User     string
	Groups   []string
	PEM      []byte
	KeyHash  string
	Duration time.Duration
}

// RefusedError says that the API server has refused a request: it was never there, and no certificate can come of it.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns the API server's answer.
func (e *RefusedError) Unwrap() error { return e.Err }

// neverMade says whether an answer means that the object was not created. A conflict is about one that is there, and
// after "try again" it may be there all the same.
func neverMade(err error) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || transient(err) {
		return false
	}
	code := status.Status().Code
	return code >= 400 && code < 500 && code != http.StatusConflict
}

// CreateRequest sends a request. When the answer to the first try was lost, the object that is there is compared
// with what was sent; another one under our name is ErrSwapped. A RefusedError means that none of the tries can have
// succeeded.
func (c *Client) CreateRequest(ctx context.Context, s RequestSpec) (Request, error) {
	seconds := int32(s.Duration / time.Second) // spec allows no more than int32 holds
	object := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{
			Name:        s.Name,
			Labels:      map[string]string{plan.SetLabel: s.Set, managedBy: "provision"},
			Annotations: map[string]string{plan.UserAnnotation: s.User},
		},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:           s.PEM,
			SignerName:        plan.SignerName,
			ExpirationSeconds: &seconds,
			Usages:            []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
		},
	}
	var made *certificatesv1.CertificateSigningRequest
	unsure := false
	err := c.retry(ctx, "create request", func() (err error) {
		made, err = c.kube.CertificatesV1().CertificateSigningRequests().Create(ctx, object, metav1.CreateOptions{DryRun: c.dryRun})
		unsure = unsure || err != nil && !neverMade(err)
		return err
	})
	if apierrors.IsAlreadyExists(err) {
		return c.Resume(ctx, s)
	}
	if err != nil {
		err = c.permission(err, plan.Permission{Verb: "create", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
			"create certificatesigningrequest/"+s.Name)
		if !unsure {
			err = &RefusedError{err}
		}
		return Request{}, err
	}
	return Request{made}, nil
}

// Resume reads a request of an earlier try and makes sure that it is what s says in every point that the signer looks
// at: the key above all, then subject, signer, usages, duration and who sent it.
func (c *Client) Resume(ctx context.Context, s RequestSpec) (Request, error) {
	var found *certificatesv1.CertificateSigningRequest
	err := c.retry(ctx, "get request", func() (err error) {
		found, err = c.kube.CertificatesV1().CertificateSigningRequests().Get(ctx, s.Name, metav1.GetOptions{})
		return err
	})
	if err != nil {
		return Request{}, c.permission(err, plan.Permission{Verb: "get", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
			"read certificatesigningrequest/"+s.Name)
	}
	if err := c.verify(found, s); err != nil {
		return Request{}, err
	}
	return Request{found}, nil
}

func (c *Client) verify(found *certificatesv1.CertificateSigningRequest, s RequestSpec) error {
	q := c.request(found)
	swapped := func(why string) error {
		return fmt.Errorf("certificatesigningrequest/%s: %w: %s", s.Name, ErrSwapped, why)
	}
	parsed, err := credential.VerifyRequest(found.Spec.Request)
	switch {
	case parsed.KeyHash != s.KeyHash:
		return swapped("it was made with another key")
	case err != nil:
		return swapped(err.Error())
	case !q.Conforms:
		return swapped(q.Mismatch)
	case q.User != s.User || !equalSets(q.Groups, s.Groups):
		return swapped(fmt.Sprintf("it is for user %q and groups %q", q.User, q.Groups))
	case q.Duration != s.Duration:
		return swapped(fmt.Sprintf("it asks for %s, not for %s", q.Duration, s.Duration))
	}
	return nil
}

// Approve approves a request of ours. The object goes back as it came, because the approval subresource writes
// labels and annotations too. Should somebody have edited it meanwhile, it is read and verified again.
func (c *Client) Approve(ctx context.Context, r Request, s RequestSpec) (Request, error) {
	doing := "approve certificatesigningrequest/" + s.Name
	object := r.object
	for range 5 {
		approved := object.DeepCopy()
		approved.Status.Conditions = append(approved.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
			Type:    certificatesv1.CertificateApproved,
			Status:  corev1.ConditionTrue,
			Reason:  "ProvisionApprove",
			Message: fmt.Sprintf("provision sent and approved this for %s of the set %q, applied by %s", credentialName(s.User), s.Set, c.username),
		})
		var done *certificatesv1.CertificateSigningRequest
		err := c.retry(ctx, "approve request", func() (err error) {
			done, err = c.kube.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, s.Name, approved, metav1.UpdateOptions{})
			return err
		})
		if err == nil {
			return Request{done}, nil
		}
		if apierrors.IsForbidden(err) {
			return r, c.permission(err, c.approvePermission(ctx), doing)
		}
		if !apierrors.IsConflict(err) && !apierrors.IsInvalid(err) {
			return r, fmt.Errorf("%s: %w", doing, err)
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
	update := plan.Permission{Verb: "update", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests/approval"}
	if allowed, err := c.allowed(ctx, update); err == nil && allowed {
		return plan.Permission{Verb: "approve", Group: certificatesv1.GroupName, Resource: "signers", Name: plan.SignerName}
	}
	return update
}

// DeleteRequest deletes a request by UID: one that was made anew under the same name stays. One that was pending is
// deleted only while it still is: else it may have been issued, and would be forgotten.
func (c *Client) DeleteRequest(ctx context.Context, r plan.Request) error {
	only := metav1.Preconditions{UID: &r.UID}
	if r.State == plan.Pending {
		only.ResourceVersion = &r.ResourceVersion
	}
	err := c.retry(ctx, "delete request", func() error {
		return c.kube.CertificatesV1().CertificateSigningRequests().Delete(ctx, r.Name, metav1.DeleteOptions{DryRun: c.dryRun, Preconditions: &only})
	})
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	if apierrors.IsConflict(err) {
		return fmt.Errorf("delete certificatesigningrequest/%s: somebody has decided or edited it since the plan: run `provision apply` again", r.Name)
	}
	return c.permission(err, plan.Permission{Verb: "delete", Group: certificatesv1.GroupName, Resource: "certificatesigningrequests"},
		"delete certificatesigningrequest/"+r.Name)
}

func credentialName(user string) string { return fmt.Sprintf("user %q", user) }

func equalSets(a, b []string) bool {
	in := map[string]bool{}
	for _, v := range a {
		in[v] = true
	}
	if len(a) != len(b) {
		return false
	}
	for _, v := range b {
		if !in[v] {
			return false
		}
	}
	return true
}
