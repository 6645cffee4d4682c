package e2e_test

import (
	"context"
	"fmt"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// keepEditing annotates every binding of the set, one after another with
// EVERY between two, until the script ends. It returns after the first round.
func keepEditing(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1, "keep-editing EVERY")
	every, err := time.ParseDuration(args[0])
	ts.Check(err)
	config, err := clientcmd.BuildConfigFromFlags("", plane(ts).Kubeconfig())
	ts.Check(err)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	ts.Check(err)
	bindings := client.RbacV1().RoleBindings(metav1.NamespaceAll)
	ctx, stop := context.WithCancel(context.Background())
	edits := 0
	round := func() error {
		list, err := bindings.List(ctx, metav1.ListOptions{LabelSelector: "provision/set=" + ts.Getenv("SET")})
		if err != nil {
			return err
		}
		for _, b := range list.Items {
			if err := annotate(ctx, client, b, edits); err != nil && !apierrors.IsNotFound(err) { // it was deleted meanwhile
				return err
			}
			edits++
			time.Sleep(every) // the rate of the edits is the fault
		}
		return nil
	}
	if err := round(); err != nil || edits == 0 {
		stop()
		ts.Fatalf("%d bindings edited: %v", edits, err)
	}
	done := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if err := round(); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	ts.Defer(func() {
		stop()
		if err := <-done; err != nil && ctx.Err() == nil {
			ts.Fatalf("keep-editing: %v", err)
		}
		ts.Logf("%d edits", edits)
	})
}

func annotate(ctx context.Context, client kubernetes.Interface, b rbacv1.RoleBinding, n int) error {
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"example.com/edit":"%d"}}}`, n)
	_, err := client.RbacV1().RoleBindings(b.Namespace).Patch(ctx, b.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}
