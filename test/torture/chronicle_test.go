package torture_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"provision/test/internal/harness"
)

// claim is a right that somebody has at every instant: in some binding to the role one of the subjects stands, which are
// those that a certificate answers to.
type claim struct {
	who      string
	role     string
	subjects []rbacv1.Subject
}

// chronicle reads every version of a set's bindings and of its block that there ever is, in the order in which they were
// stored: what is wrong for a millisecond only is in no witness's answer.
type chronicle struct {
	*tortured
	claims []claim

	mu       sync.Mutex
	bindings map[string]*rbacv1.RoleBinding
	versions int             // of bindings and of blocks
	may      map[string]bool // fingerprints that may be blocked
}

// newChronicle begins to read what becomes of a set that has been applied.
func (w *tortured) newChronicle(set string, claims []claim) *chronicle {
	c := &chronicle{tortured: w, claims: claims, bindings: map[string]*rbacv1.RoleBinding{}, may: map[string]bool{}}
	ctx, cancel := context.WithCancel(w.ctx)
	ours := metav1.ListOptions{LabelSelector: harness.SetLabel + "=" + set}
	list, err := w.client.RbacV1().RoleBindings(namespace).List(ctx, ours)
	if err != nil {
		w.Fatal(err)
	}
	for _, b := range list.Items {
		c.bindings[b.Name] = &b
	}
	c.check("at first")
	since := ours
	since.ResourceVersion = list.ResourceVersion
	bindings, err := w.client.RbacV1().RoleBindings(namespace).Watch(ctx, since)
	if err != nil {
		w.Fatal(err)
	}
	blocks, err := w.client.AdmissionregistrationV1().ValidatingAdmissionPolicies().Watch(ctx, ours)
	if err != nil {
		w.Fatal(err)
	}
	var done sync.WaitGroup
	for _, events := range []watch.Interface{bindings, blocks} {
		done.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case event, ok := <-events.ResultChan():
					if !ok || event.Type == watch.Error {
						if ctx.Err() == nil {
							w.Errorf("the watch of %s has ended: %v", set, event.Object)
						}
						return
					}
					c.see(event)
				}
			}
		})
	}
	w.Cleanup(func() {
		cancel()
		bindings.Stop()
		blocks.Stop()
		done.Wait()
	})
	return c
}

func (c *chronicle) see(event watch.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions++
	switch object := event.Object.(type) {
	case *rbacv1.RoleBinding:
		if event.Type == watch.Deleted {
			delete(c.bindings, object.Name)
		} else {
			c.bindings[object.Name] = object
		}
		c.check(string(event.Type) + " " + object.Name + " " + object.ResourceVersion)
	case *admissionv1.ValidatingAdmissionPolicy:
		for _, v := range object.Spec.Validations {
			c.checkBlock(object.Name, v.Expression)
		}
	}
}

// check checks that everybody has what they claim. The caller holds the lock, or nobody else knows of c yet.
func (c *chronicle) check(when string) {
	for _, one := range c.claims {
		holds := false
		for _, b := range c.bindings {
			holds = holds || b.RoleRef.Name == one.role && slices.ContainsFunc(one.subjects, func(s rbacv1.Subject) bool { return slices.Contains(b.Subjects, s) })
		}
		if !holds {
			c.Errorf("%s: %s is without %s", when, one.who, one.role)
		}
	}
}

// checkBlock checks that an expression of a block is about nobody but those who may be blocked. The caller holds the lock.
func (c *chronicle) checkBlock(name, expression string) {
	const hex = "0123456789abcdef"
	for _, quoted := range strings.Split(expression, "'") {
		if len(quoted) == 64 && strings.Trim(quoted, hex) == "" && !c.may[quoted] {
			c.Errorf("validatingadmissionpolicy/%s blocks the certificate %s", name, quoted)
		}
	}
}

// mayBlock allows that a certificate is blocked from now on.
func (c *chronicle) mayBlock(fingerprint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.may[fingerprint] = true
}

// read returns how many versions there were.
func (c *chronicle) read() int {
	time.Sleep(looksEvery) // what was stored last is on its way
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.versions
}
