package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
