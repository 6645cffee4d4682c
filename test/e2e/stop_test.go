package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// stopAt has a job stopped (SIGSTOP) at the first write of RESOURCE for SET: the
// API server asks a webhook of the test, which stops the job before it lets the
// request go on. So it is carried out, and the job does not learn of it before
// it is continued. NAME.stopped is written then. The job is begun later.
func stopAt(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3, "stop-at JOB SET RESOURCE")
	name, set, resource := args[0], args[1], args[2]
	all := ts.Value(jobsKey{}).(jobs)
	traces := ts.MkAbs(name + ".stopped")
	asked := make(chan struct{})
	once, first := sync.OnceFunc(func() { close(asked) }), sync.Once{}
	webhook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if q := review.Request; q.DryRun != nil && *q.DryRun {
			once()
		} else if q.Resource.Resource == resource {
			first.Do(func() {
				jobsMu.Lock()
				j := all[name]
				jobsMu.Unlock()
				if j != nil {
					j.command.Process.Signal(syscall.SIGSTOP)
					if untilStopped(j.command.Process.Pid) {
						os.WriteFile(traces, []byte("stopped\n"), 0o644)
					}
				}
			})
		}
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
		review.Request = nil
		json.NewEncoder(w).Encode(review)
	}))
	ts.Defer(webhook.Close)
	config, err := clientcmd.BuildConfigFromFlags("", plane(ts).Kubeconfig())
	ts.Check(err)
	client, err := kubernetes.NewForConfig(config)
	ts.Check(err)
	ctx := context.Background()
	fail, none, url := admissionregistrationv1.Ignore, admissionregistrationv1.SideEffectClassNone, webhook.URL
	hook := &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: set + "-stop-at"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "stop-at." + strings.ToLower(set) + ".test",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				URL: &url, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: webhook.Certificate().Raw}),
			},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"v1"}, Resources: []string{resource, "leases"}},
			}},
			ObjectSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"provision/set": set}},
			FailurePolicy:  &fail, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}
	_, err = client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, hook, metav1.CreateOptions{})
	ts.Check(err)
	ts.Defer(func() {
		client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Delete(ctx, hook.Name, metav1.DeleteOptions{})
	})
	// It is in force once a dry run arrives.
	canary := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{GenerateName: "canary-", Labels: map[string]string{"provision/set": set}}}
	for deadline := time.Now().Add(patience); ; {
		_, err := client.CoordinationV1().Leases(ts.Getenv("NS")).Create(ctx, canary, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		ts.Check(err)
		select {
		case <-asked:
			return
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the webhook is not asked within %v", patience)
		}
	}
}

// untilStopped waits until no thread of a process runs any more, and reports whether it came to that. SIGSTOP is taken by
// one thread, which has the others stop: on a busy machine one of them may run on for long enough to send a request.
func untilStopped(pid int) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if stopped(pid) {
			return true
		}
	}
	return false
}

func stopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		state, err := exec.Command("ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
		return err == nil && strings.HasPrefix(strings.TrimSpace(string(state)), "T")
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		// PID (COMMAND) STATE ...: the command may hold anything.
		_, state, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
		if !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}
