package cluster

import (
	"context"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// calls are those of client-go for one kind of object.
type calls[T any] interface {
	Create(context.Context, T, metav1.CreateOptions) (T, error)
	Get(context.Context, string, metav1.GetOptions) (T, error)
	Update(context.Context, T, metav1.UpdateOptions) (T, error)
	Delete(context.Context, string, metav1.DeleteOptions) error
}

// resource is one kind of object in one namespace. Each of its calls is made again as Client.retry says, and persists nothing
// on a client of DryRun. Errors are as they came.
type resource[T any] struct {
	*Client
	calls calls[T]
	need  plan.Permission // without the verb
}

// may is the permission for one verb.
func (r resource[T]) may(verb string) plan.Permission {
	need := r.need
	need.Verb = verb
	return need
}

func (r resource[T]) get(ctx context.Context, name string) (T, error) {
	return r.again(ctx, "get", func() (T, error) { return r.calls.Get(ctx, name, metav1.GetOptions{}) })
}

func (r resource[T]) create(ctx context.Context, object T) (T, error) {
	return r.again(ctx, "create", func() (T, error) {
		return r.calls.Create(ctx, object, metav1.CreateOptions{DryRun: r.dryRun})
	})
}

func (r resource[T]) update(ctx context.Context, object T) (T, error) {
	return r.again(ctx, "update", func() (T, error) {
		return r.calls.Update(ctx, object, metav1.UpdateOptions{DryRun: r.dryRun})
	})
}

func (r resource[T]) delete(ctx context.Context, name string, only metav1.Preconditions) error {
	return r.retry(ctx, r.may("delete"), func() error {
		return r.calls.Delete(ctx, name, metav1.DeleteOptions{DryRun: r.dryRun, Preconditions: &only})
	})
}

// again makes a call that needs a verb until it is carried out.
func (r resource[T]) again(ctx context.Context, verb string, call func() (T, error)) (answer T, err error) {
	err = r.retry(ctx, r.may(verb), func() (err error) {
		answer, err = call()
		return err
	})
	return answer, err
}

// csrs are the CertificateSigningRequests.
func (c *Client) csrs() resource[*certificatesv1.CertificateSigningRequest] {
	return resource[*certificatesv1.CertificateSigningRequest]{c, c.kube.certificates.CertificateSigningRequests(), requestsNeed("")}
}
