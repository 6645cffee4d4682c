package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/credential"
	"provision/internal/plan"
)

// ErrSwapped reports that an object has the name of our request and is not our request.
var ErrSwapped = errors.New("another request has taken its name")

// AlteredError reports that what the API server keeps of a request is not what was sent: admission has changed it, as it would
// every other.
type AlteredError struct {
	Request string
	Why     string
}

// Error says it in words.
func (e *AlteredError) Error() string {
	return fmt.Sprintf("certificatesigningrequest/%s is not what was sent, and was not approved: %s", e.Request, e.Why)
}

// OperatorError reports that the API server takes this run for another user than it did when the run began.
type OperatorError struct {
	Was, Is string
}

// Error says it in words.
func (e *OperatorError) Error() string {
	return fmt.Sprintf("you were %q when this began, and the API server now says that you are %q", e.Was, e.Is)
}

// Request is a CertificateSigningRequest that is ours beyond doubt: its PKCS#10 request was made with our key, and it says
// what we want in every point that a signer looks at, whether our own Create returned it or it was found. Only such a request
// can be approved.
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

// RefusedError reports that the API server has refused a request: it was never there, and no certificate can come of it.
type RefusedError struct{ Err error }

// Error says it in words.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns the API server's answer.
func (e *RefusedError) Unwrap() error { return e.Err }

// neverMade reports whether an answer means that the object was not created. A conflict is about one that is there, and
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
		ObjectMeta: meta(s.Set, "", s.Name),
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:           s.PEM,
			SignerName:        plan.SignerName,
			ExpirationSeconds: &seconds,
			Usages:            []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
		},
	}
	object.Annotations = map[string]string{plan.UserAnnotation: s.User}
	object.Labels[plan.UserLabel] = plan.UserLabelValue(s.User)
	var made *certificatesv1.CertificateSigningRequest
	unsure := false
	err := c.retry(ctx, requestsNeed("create"), func() (err error) {
		made, err = c.kube.certificates.CertificateSigningRequests().Create(ctx, object, metav1.CreateOptions{DryRun: c.dryRun})
		unsure = unsure || err != nil && !neverMade(err)
		return err
	})
	if apierrors.IsAlreadyExists(err) {
		return c.Resume(ctx, s)
	}
	if err != nil {
		err = c.permission(ctx, err, requestsNeed("create"), "create certificatesigningrequest/"+s.Name)
		if !unsure {
			err = &RefusedError{err}
		}
		return Request{}, err
	}
	why, differs := c.differs(made, s)
	switch {
	case !differs:
		return Request{made}, nil
	case made.Spec.Username != c.username && bytes.Equal(made.Spec.Request, s.PEM):
		return Request{}, c.withdraw(ctx, made, &OperatorError{c.username, made.Spec.Username})
	}
	return Request{}, c.withdraw(ctx, made, &AlteredError{s.Name, why})
}

// withdraw deletes a request that was just created and may not be approved, and returns why that was so: as a RefusedError
// if it is gone undecided, for then no certificate can come of it.
func (c *Client) withdraw(ctx context.Context, made *certificatesv1.CertificateSigningRequest, why error) error {
	if len(c.dryRun) > 0 { // it was never there
		return &RefusedError{why}
	}
	as := metav1.Preconditions{UID: &made.UID, ResourceVersion: &made.ResourceVersion}
	err := c.kube.certificates.CertificateSigningRequests().Delete(ctx, made.Name, metav1.DeleteOptions{Preconditions: &as})
	if err == nil {
		err = c.requestGone(ctx, made.Name, made.UID)
	}
	if err != nil {
		return errors.Join(why, fmt.Errorf("delete certificatesigningrequest/%s, which nobody should approve: %w", made.Name, err))
	}
	return &RefusedError{why}
}

// requestGone returns an error if a request that was deleted is still there: somebody holds it with a finalizer, and it can be
// approved as before.
func (c *Client) requestGone(ctx context.Context, name string, uid types.UID) error {
	have, err := c.readRequest(ctx, name)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case have.UID != uid || len(have.Finalizers) == 0: // another, or one that ends in this moment
		return nil
	}
	return fmt.Errorf("not gone: finalizer %s; it can still be approved", strings.Join(have.Finalizers, ", "))
}

// Resume reads a request of an earlier try and makes sure that it is what s says in every point that the signer looks
// at: the key above all, then subject, signer, usages, duration and who sent it.
func (c *Client) Resume(ctx context.Context, s RequestSpec) (Request, error) {
	found, err := c.readRequest(ctx, s.Name)
	if err != nil {
		return Request{}, err
	}
	if why, ok := c.differs(found, s); ok {
		return Request{}, fmt.Errorf("certificatesigningrequest/%s: %w: %s", s.Name, ErrSwapped, why)
	}
	return Request{found}, nil
}

// readRequest reads a request. An error says that it is not there, or why it cannot be read.
func (c *Client) readRequest(ctx context.Context, name string) (*certificatesv1.CertificateSigningRequest, error) {
	found, err := c.csrs().get(ctx, name)
	if err != nil {
		err = c.permission(ctx, err, requestsNeed("get"), "read certificatesigningrequest/"+name)
	}
	return found, err
}

// differs reports whether a request is another than s in any point that a signer looks at, and the first that is.
func (c *Client) differs(found *certificatesv1.CertificateSigningRequest, s RequestSpec) (why string, differs bool) {
	q := c.request(found)
	if !bytes.Equal(found.Spec.Request, s.PEM) { // what we have just made needs no proof
		parsed, err := credential.VerifyRequest(found.Spec.Request)
		switch {
		case parsed.KeyHash != s.KeyHash:
			return "it was made with another key", true
		case err != nil:
			return err.Error(), true
		}
	}
	switch {
	case !q.Conforms:
		return q.Mismatch, true
	case q.User != s.User || !slices.Equal(q.Groups, s.Groups):
		return fmt.Sprintf("it is for user %q and groups %q", q.User, q.Groups), true
	case q.Duration != s.Duration:
		return fmt.Sprintf("it asks for %s, not for %s", q.Duration, s.Duration), true
	}
	return "", false
}

// DeleteRequest deletes a request by UID: one that was made anew under the same name stays. One that was pending is
// deleted only while it still is: otherwise it may have been issued meanwhile, and would be forgotten.
func (c *Client) DeleteRequest(ctx context.Context, r plan.Request) error {
	only := metav1.Preconditions{UID: &r.UID}
	if r.State == plan.Pending {
		only.ResourceVersion = &r.ResourceVersion
	}
	err := c.csrs().delete(ctx, r.Name, only)
	if err == nil && len(c.dryRun) == 0 {
		if err := c.requestGone(ctx, r.Name, r.UID); err != nil {
			return fmt.Errorf("delete certificatesigningrequest/%s: %w", r.Name, err)
		}
	}
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	if apierrors.IsConflict(err) {
		return fmt.Errorf("delete certificatesigningrequest/%s: %w", r.Name, ErrEdited)
	}
	return c.permission(ctx, err, requestsNeed("delete"), "delete certificatesigningrequest/"+r.Name)
}
