package torture_test

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fsnotify/fsnotify"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"provision/test/internal/harness"
)

// progress is how far the work on one set has come, in events since it was begun. All counts only grow.
type progress struct {
	Locks, Releases               int // writes of the Lease with and without a holder
	Keys, Dropped                 int // journal entries written and removed
	Intents, Outcomes             int // of the ledger
	Requests, Approved, Issued    int
	Kubeconfigs, Temporary, Binds int
}

// observer follows one set at a time, in the cluster by informers and in its directory by inotify, and so knows in
// which instant a run is.
type observer struct {
	mu       sync.Mutex
	set      string
	now      progress
	requests map[types.UID]harness.Request // every request of the set ever seen, as it was seen last
	records  map[string]bool               // key -> outcome known
	torn     map[string]bool               // files that were written in their place
	changed  chan struct{}                 // closed at each event
	files    *fsnotify.Watcher
	close    func()
}

// newObserver returns an observer that knows what there is of a set already.
func newObserver(t *testing.T, client kubernetes.Interface, set string) *observer {
	files, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{changed: make(chan struct{}), files: files}
	ctx, cancel := context.WithCancel(context.Background())
	o.close = sync.OnceFunc(func() {
		cancel()
		files.Close()
	})
	t.Cleanup(o.close)
	o.follow(set)
	go o.watchFiles()
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(l *metav1.ListOptions) { l.LabelSelector = harness.SetLabel }))
	var caughtUp []cache.InformerSynced
	for _, informer := range []cache.SharedIndexInformer{
		factory.Certificates().V1().CertificateSigningRequests().Informer(),
		factory.Coordination().V1().Leases().Informer(),
		factory.Core().V1().ConfigMaps().Informer(),
		factory.Rbac().V1().RoleBindings().Informer(),
	} {
		handler, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: o.see, UpdateFunc: func(_, object any) { o.see(object) }})
		if err != nil {
			t.Fatal(err)
		}
		caughtUp = append(caughtUp, handler.HasSynced)
	}
	factory.StartWithContext(ctx)
	cache.WaitForCacheSync(ctx.Done(), caughtUp...)
	return o
}

// follow turns to another set.
func (o *observer) follow(set string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.set, o.now, o.requests, o.records, o.torn = set, progress{}, map[types.UID]harness.Request{}, map[string]bool{}, map[string]bool{}
}

// look returns how far the set is, and a channel that is closed at the next event.
func (o *observer) look() (progress, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now, o.changed
}

// everSeen returns every request of the set that there ever was, as it was seen last.
func (o *observer) everSeen() []harness.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []harness.Request
	for _, r := range o.requests {
		list = append(list, r)
	}
	return list
}

// writtenInPlace returns the files that could have been read, or left by a kill, half-written. No kill is likely to hit
// that instant, which is why every write is looked at.
func (o *observer) writtenInPlace() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Keys(o.torn))
}

func (o *observer) see(object any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m := object.(metav1.Object); m.GetLabels()[harness.SetLabel] != o.set || m.GetAnnotations()[plantedAnnotation] != "" {
		return
	}
	switch object := object.(type) {
	case *certificatesv1.CertificateSigningRequest:
		o.seeRequest(object)
	case *coordinationv1.Lease:
		if holder := object.Spec.HolderIdentity; holder != nil && *holder != "" {
			o.now.Locks++
		} else {
			o.now.Releases++
		}
	case *corev1.ConfigMap:
		for _, r := range harness.RecordsIn(object) {
			issued, known := o.records[r.KeyHash]
			if !known {
				o.now.Intents++
			}
			if r.Serial != "" && !issued {
				o.now.Outcomes++
			}
			o.records[r.KeyHash] = r.Serial != ""
		}
	case *rbacv1.RoleBinding:
		o.now.Binds++
	}
	o.tell()
}

func (o *observer) seeRequest(object *certificatesv1.CertificateSigningRequest) {
	r, err := harness.NewRequest(object)
	if err != nil {
		return // the checks will find it
	}
	before, known := o.requests[object.UID]
	if !known {
		o.now.Requests++
	}
	const approved = certificatesv1.CertificateApproved
	if r.Has(approved) && !(known && before.Has(approved)) {
		o.now.Approved++
	}
	if r.Leaf != nil && !(known && before.Leaf != nil) {
		o.now.Issued++
	}
	o.requests[object.UID] = r
}

// tell wakes all that wait for an event. The caller holds the lock.
func (o *observer) tell() {
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *observer) watchFiles() {
	for event := range o.files.Events {
		name := filepath.Base(event.Name)
		inJournal := filepath.Base(filepath.Dir(event.Name)) == "keys"
		o.mu.Lock()
		switch created := event.Has(fsnotify.Create); {
		case strings.HasPrefix(name, harness.TempPrefix):
			if created {
				o.now.Temporary++
			}
		case event.Has(fsnotify.Write):
			if inJournal || strings.HasSuffix(name, ".kubeconfig") {
				o.torn[event.Name] = true
			}
		case inJournal && created:
			o.now.Keys++
		case inJournal && event.Has(fsnotify.Remove):
			o.now.Dropped++
		case !inJournal && created && strings.HasSuffix(name, ".kubeconfig"):
			o.now.Kubeconfigs++
		}
		o.tell()
		o.mu.Unlock()
	}
}
