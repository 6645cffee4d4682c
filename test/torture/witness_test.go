package torture_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	looksEvery = 20 * time.Millisecond
	// takenUp is how long an API server may take until it goes by what it has stored.
	takenUp = 10 * time.Second
)

// witness uses one certificate all the time, over a connection of its own, and complains as soon as it is refused what it had, or
// let through where it was refused.
type witness struct {
	name     string
	complain func(format string, args ...any)
	uses     []*use
	stop     func()
	stopped  sync.WaitGroup
}

// use is one thing that a witness does.
type use struct {
	what string
	try  func(context.Context) error

	mu      sync.Mutex
	allowed bool // by the last answer
	may     turn
}

// turn is how the answer to a witness may change.
type turn int

const (
	stays   turn = iota // not at all
	mayEnd              // from allowed to refused, once
	mayCome             // from refused to allowed, once
)

// newWitness begins to use a kubeconfig. Uses are "read" and "write", each with a namespace: "read one", "write two".
func newWitness(ctx context.Context, complain func(string, ...any), name, kubeconfig string, uses ...string) (*witness, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Timeout = -1, 30*time.Second
	config.Dial = (&net.Dialer{}).DialContext // else client-go shares connections
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfigAndClient(config, http)
	if err != nil {
		return nil, err
	}
	w := &witness{name: name, complain: complain}
	for _, what := range uses {
		u := &use{what: what}
		var verb, in string
		if _, err := fmt.Sscan(what, &verb, &in); err != nil {
			return nil, err
		}
		switch verb {
		case "read":
			u.try = func(ctx context.Context) error {
				_, err := client.CoreV1().ConfigMaps(in).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
				if apierrors.IsNotFound(err) {
					err = nil
				}
				return err
			}
		case "write":
			object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "witness-"}}
			u.try = func(ctx context.Context) error {
				_, err := client.CoreV1().ConfigMaps(in).Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
				return err
			}
		default:
			return nil, fmt.Errorf("%s: no witness does that", what)
		}
		if u.allowed, err = answer(ctx, u); err != nil {
			return nil, err
		}
		w.uses = append(w.uses, u)
	}
	ctx, w.stop = context.WithCancel(ctx)
	w.stopped.Go(func() {
		defer http.CloseIdleConnections()
		for i := 0; ctx.Err() == nil; i++ {
			w.look(ctx, w.uses[i%len(w.uses)])
			select {
			case <-ctx.Done():
			case <-time.After(looksEvery):
			}
		}
	})
	return w, nil
}

// answer asks once. The error is that there is no answer.
func answer(ctx context.Context, u *use) (allowed bool, err error) {
	err = u.try(ctx)
	if apierrors.IsForbidden(err) {
		return false, nil
	}
	return err == nil, err
}

// look asks once, and compares with the last answer.
func (w *witness) look(ctx context.Context, u *use) {
	u.mu.Lock()
	may := u.may // as it was before the question
	u.mu.Unlock()
	err := u.try(ctx)
	refused := apierrors.IsForbidden(err)
	if ctx.Err() != nil {
		return
	}
	if err != nil && !refused {
		w.complain("%s: %s: neither allowed nor refused: %v", w.name, u.what, err)
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.allowed == !refused:
	case refused && (may == mayEnd || u.may == mayEnd), !refused && (may == mayCome || u.may == mayCome):
		u.may = stays
	case refused:
		w.complain("%s is refused what they had: %s: %v", w.name, u.what, err)
	default:
		w.complain("%s is let through again: %s", w.name, u.what)
	}
	u.allowed = !refused
}

// let says how the answers of some uses may change from now on; none of the others may.
func (w *witness) let(may turn, uses ...string) {
	for _, u := range w.uses {
		u.mu.Lock()
		u.may = stays
		for _, what := range uses {
			if u.what == what {
				u.may = may
			}
		}
		u.mu.Unlock()
	}
}

// settled waits until the API server answers as it should by now, and then lets nothing change any more.
func (w *witness) settled(allowed bool, uses ...string) {
	for _, u := range w.uses {
		for _, what := range uses {
			for begun := time.Now(); u.what == what && u.last() != allowed; time.Sleep(looksEvery) {
				if time.Since(begun) > takenUp {
					w.complain("%s: %s: allowed: %v, and it should not be so", w.name, what, !allowed)
					break
				}
			}
		}
	}
	w.let(stays)
}

func (u *use) last() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.allowed
}

// close ends what the witness does.
func (w *witness) close() {
	w.stop()
	w.stopped.Wait()
}
