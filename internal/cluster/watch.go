package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"provision/internal/plan"
)

// DecidedError reports that a request ended without a certificate.
type DecidedError struct {
	Request string
	State   plan.RequestState // Denied or Failed
	Message string            // the condition's reason and message
}

// Error says it in words.
func (e *DecidedError) Error() string {
	return fmt.Sprintf("certificatesigningrequest/%s was %s: %s", e.Request, map[plan.RequestState]string{
		plan.Denied: "denied", plan.Failed: "refused by the signer",
	}[e.State], e.Message)
}

// ErrGone reports that somebody deleted a request before it was issued.
var ErrGone = errors.New("it was deleted before a certificate was issued")

// Watch follows every request of one set with one informer, however many users wait.
type Watch struct {
	client   *Client
	informer cache.SharedIndexInformer
	stop     context.CancelFunc
	done     chan struct{}

	mu      sync.Mutex
	waiting map[types.UID]waiter
}

// waiter is somebody who waits for one request. Each channel has room for one.
type waiter struct {
	outcome chan outcome
	missing chan struct{} // the informer says that it was deleted
}

// outcome is the certificate of a request (PEM), or why there will be none.
type outcome struct {
	certificate []byte
	err         error
}

// Watch starts following the requests of a set. It does not wait for the first list: whoever waits for a certificate
// does.
func (c *Client) Watch(ctx context.Context, set string) (*Watch, error) {
	ctx, stop := context.WithCancel(ctx)
	requests := c.watch.certificates.CertificateSigningRequests()
	mine := func(o *metav1.ListOptions) { o.LabelSelector = plan.SetLabel + "=" + set }
	listWatch := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			mine(&o)
			return requests.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			mine(&o)
			return requests.Watch(ctx, o)
		},
	}
	w := &Watch{
		client: c, stop: stop, done: make(chan struct{}), waiting: map[types.UID]waiter{},
		informer: cache.NewSharedIndexInformer(listWatch, &certificatesv1.CertificateSigningRequest{}, 0, cache.Indexers{}),
	}
	if err := w.informer.SetTransform(trim); err != nil {
		stop()
		return nil, fmt.Errorf("watch certificatesigningrequests: %w", err)
	}
	_, err := w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { w.see(obj, false) },
		UpdateFunc: func(_, obj any) { w.see(obj, false) },
		DeleteFunc: func(obj any) { w.see(obj, true) },
	})
	if err != nil {
		stop()
		return nil, fmt.Errorf("watch certificatesigningrequests: %w", err)
	}
	go func() {
		defer close(w.done)
		w.informer.RunWithContext(ctx)
	}()
	return w, nil
}

// Stop ends the watch.
func (w *Watch) Stop() {
	w.stop()
	<-w.done
}

// trim drops those parts of a request that nobody reads: ten thousand requests would otherwise be held in memory twice.
func trim(obj any) (any, error) {
	if r, ok := obj.(*certificatesv1.CertificateSigningRequest); ok {
		r.ManagedFields = nil
		r.Spec = certificatesv1.CertificateSigningRequestSpec{}
	}
	return obj, nil
}

// see passes what the informer has seen of a request on to whoever waits for it.
func (w *Watch) see(obj any, deleted bool) {
	if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = unknown.Obj
	}
	r, ok := obj.(*certificatesv1.CertificateSigningRequest)
	if !ok {
		return
	}
	o := judge(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	waiting, ok := w.waiting[r.UID]
	switch {
	case !ok:
	case o != nil:
		delete(w.waiting, r.UID)
		waiting.outcome <- *o
	case deleted:
		// Or only its label is gone, and with it our sight of it. Wait finds out.
		select {
		case waiting.missing <- struct{}{}:
		default:
		}
	}
}

// judge returns what a request came to, or nil while it is open.
func judge(r *certificatesv1.CertificateSigningRequest) *outcome {
	switch state, message := stateOf(r); state {
	case plan.Issued:
		return &outcome{certificate: r.Status.Certificate}
	case plan.Denied, plan.Failed:
		return &outcome{err: &DecidedError{Request: r.Name, State: state, Message: message}}
	}
	return nil
}

// lostAfter is how often the API server is asked for a request that is missing from the informer's store: one that was
// deleted between two lists of a broken watch leaves no event.
const lostAfter = 10 * time.Second

// Wait returns the certificate (PEM, unchecked) of a request that was approved, or how it ended without one: a
// DecidedError, ErrGone, or ctx's error.
func (w *Watch) Wait(ctx context.Context, ref plan.RequestRef) ([]byte, error) {
	mine := waiter{make(chan outcome, 1), make(chan struct{}, 1)}
	w.mu.Lock()
	w.waiting[ref.UID] = mine
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.waiting, ref.UID)
		w.mu.Unlock()
	}()
	// It may have been seen before anybody waited.
	if obj, ok, _ := w.informer.GetStore().GetByKey(ref.Name); ok {
		if r := obj.(*certificatesv1.CertificateSigningRequest); r.UID == ref.UID {
			w.see(r, false)
		}
	}
	tick := time.NewTicker(lostAfter)
	defer tick.Stop()
	for {
		select {
		case o := <-mine.outcome:
			return o.certificate, o.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-mine.missing:
		case <-tick.C:
		}
		if err := w.lost(ctx, ref); err != nil {
			return nil, err
		}
	}
}

// lost returns ErrGone when the API server no longer has a request that the informer does not know. If the API server has it,
// the request has lost our label, or came between two lists of a broken watch, and the answer is used in place of the
// informer's. lost asks for a list, because list is the verb that every operator may use.
func (w *Watch) lost(ctx context.Context, ref plan.RequestRef) error {
	if obj, ok, _ := w.informer.GetStore().GetByKey(ref.Name); ok && obj.(*certificatesv1.CertificateSigningRequest).UID == ref.UID {
		return nil
	}
	list, err := w.client.kube.certificates.CertificateSigningRequests().List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, ref.Name).String(),
	})
	if err != nil {
		return nil // unreachable for now: the next tick asks again
	}
	for i := range list.Items {
		if list.Items[i].UID == ref.UID {
			w.see(&list.Items[i], false)
			return nil
		}
	}
	return fmt.Errorf("certificatesigningrequest/%s: %w", ref.Name, ErrGone)
}
