package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// PermissionError is the API server's refusal of one thing, with the permissions that User lacks: the one for this thing, or
// all that the run would take, where that could be asked.
type PermissionError struct {
	Doing   string
	User    string
	Missing []plan.Permission
	Err     error

	NewNamespaces []string // named in Missing, and known not to be there yet
}

// Error says it in words.
func (e *PermissionError) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap returns the API server's answer.
func (e *PermissionError) Unwrap() error { return e.Err }

func isPermissionError(err error) bool {
	_, ok := errors.AsType[*PermissionError](err)
	return ok
}

// ErrLoginLost reports that the API server no longer accepts the operator's credential.
var ErrLoginLost = errors.New("the API server no longer accepts your login")

// askPatience is how long a question may take that is only asked to explain a failure.
const askPatience = 10 * time.Second

// permission wraps err: as a PermissionError when the operator lacks a permission, and as ErrLoginLost or a LoginPluginError
// when they are logged in no more. Admission (a webhook, a policy, a quota) answers with the same status codes about one
// object, in whatever words. So the API server is asked which of the two it is.
func (c *Client) permission(ctx context.Context, err error, missing plan.Permission, doing string) error {
	switch {
	case apierrors.IsForbidden(err) && c.lacking(ctx, err, missing):
		return &PermissionError{Doing: doing, User: c.username, Missing: []plan.Permission{missing}, Err: err}
	case apierrors.IsUnauthorized(err):
		if lost := c.loginLost(ctx); lost != nil {
			return fmt.Errorf("%s: %w", doing, lost)
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// lacking reports whether a refusal is that of an authorizer. Where the API server cannot be asked, the words decide.
func (c *Client) lacking(ctx context.Context, refusal error, missing plan.Permission) bool {
	if escalation(refusal) {
		return true
	}
	ctx, done := context.WithTimeout(ctx, askPatience)
	defer done()
	if missing != selfAccess { // which the question itself needs
		if allowed, err := c.allowed(ctx, missing); err == nil {
			return !allowed
		}
	}
	// staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go:forbiddenMessage,
	// plugin/pkg/admission/certificates/approval/admission.go:Validate
	text := refusal.Error()
	return !byAdmission(refusal) && (strings.Contains(text, " cannot ") || strings.Contains(text, "user not permitted to approve"))
}

// escalation reports whether the API server has refused to grant more than one holds, and not the verb itself
// (pkg/registry/rbac/validation/rule.go:ConfirmNoEscalation).
func escalation(err error) bool {
	return strings.Contains(err.Error(), "attempting to grant RBAC permissions not currently held")
}

// byAdmission reports whether a refusal has words that no authorizer uses: of a namespace that is being deleted, a quota, a
// policy, a webhook.
func byAdmission(err error) bool {
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return true
	}
	for _, words := range []string{"exceeded quota", "status unknown for quota", "denied request", "denied the request"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// loginLost asks whether the operator is still logged in: nil, also where that is not known, or ErrLoginLost, or a
// LoginPluginError.
func (c *Client) loginLost(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, askPatience)
	defer done()
	_, err := c.kube.authentication.SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if failure, ok := errors.AsType[*LoginPluginError](err); ok {
		return failure
	}
	if !apierrors.IsUnauthorized(err) {
		return nil
	}
	if c.own.plugin != "" {
		return fmt.Errorf("%w: that which your login plugin %s gives", ErrLoginLost, c.own.plugin)
	}
	return ErrLoginLost
}
