package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"provision/internal/plan"
)

// Only after a plain no is it certain that there is no request.
func TestNeverMade(t *testing.T) {
	csr := schema.GroupResource{Group: "certificates.k8s.io", Resource: "certificatesigningrequests"}
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"forbidden", apierrors.NewForbidden(csr, "x", errors.New("no")), true},
		{"wrapped", fmt.Errorf("create: %w", apierrors.NewForbidden(csr, "x", errors.New("no"))), true},
		{"invalid", apierrors.NewInvalid(schema.GroupKind{}, "x", nil), true},
		{"bad request", apierrors.NewBadRequest("no"), true},
		{"unauthorized", apierrors.NewUnauthorized("no"), true},
		{"it is there", apierrors.NewAlreadyExists(csr, "x"), false},
		{"conflict", apierrors.NewConflict(csr, "x", errors.New("no")), false},
		{"too many requests", apierrors.NewTooManyRequests("later", 1), false},
		{"timeout", apierrors.NewTimeoutError("slow", 0), false},
		{"internal error", apierrors.NewInternalError(errors.New("etcd")), false},
		{"a gateway", apierrors.NewGenericServerResponse(http.StatusBadGateway, "post", csr, "x", "", 0, false), false},
		{"no answer", io.ErrUnexpectedEOF, false},
		{"given up", context.Canceled, false},
	} {
		if got := neverMade(c.err); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestStateOf(t *testing.T) {
	approved := certificatesv1.CertificateSigningRequestCondition{Type: certificatesv1.CertificateApproved}
	denied := certificatesv1.CertificateSigningRequestCondition{Type: certificatesv1.CertificateDenied, Reason: "R", Message: "m"}
	failed := certificatesv1.CertificateSigningRequestCondition{Type: certificatesv1.CertificateFailed, Reason: "R", Message: "m"}
	for _, c := range []struct {
		name        string
		conditions  []certificatesv1.CertificateSigningRequestCondition
		certificate string
		state       plan.RequestState
		message     string
	}{
		{"new", nil, "", plan.Pending, ""},
		{"approved", []certificatesv1.CertificateSigningRequestCondition{approved}, "", plan.Approved, ""},
		{"denied", []certificatesv1.CertificateSigningRequestCondition{denied}, "", plan.Denied, "R: m"},
		{"failed", []certificatesv1.CertificateSigningRequestCondition{approved, failed}, "", plan.Failed, "R: m"},
		{"issued", []certificatesv1.CertificateSigningRequestCondition{approved}, "x", plan.Issued, ""},
		{"issued, and called failed", []certificatesv1.CertificateSigningRequestCondition{approved, failed}, "x", plan.Issued, ""},
	} {
		r := &certificatesv1.CertificateSigningRequest{Status: certificatesv1.CertificateSigningRequestStatus{Conditions: c.conditions, Certificate: []byte(c.certificate)}}
		if state, message := stateOf(r); state != c.state || message != c.message {
			t.Errorf("%s: %s, %q, want %s, %q", c.name, state, message, c.state, c.message)
		}
	}
}
