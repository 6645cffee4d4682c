package e2e_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// holdable are the operations that hold can hold, and the kubectl command that
// tries one with the request of this name, whose manifest is its input.
var holdable = map[string]struct {
	verb, resource string
	try            func(name string) []string
}{
	"requests": {"CREATE", "certificatesigningrequests", func(string) []string {
		return []string{"create", "--dry-run=server", "-f", "-"}
	}},
	"approvals": {"UPDATE", "certificatesigningrequests/approval", func(name string) []string {
		return []string{"certificate", "approve", "--force", name}
	}},
}

// hold keeps the requests of this script's set, or their approvals, from being
// made, by everybody or by one user, and returns once that is so. It makes the
// API server ask a webhook first, at an address where nobody answers: provision
// gets an error that may pass, and tries again until release.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	const text = "hold approvals|requests [USER]"
	usage(ts, neg, len(args) == 1 || len(args) == 2, text)
	operation, known := holdable[args[0]]
	usage(ts, neg, known, text)
	set := ts.Getenv("SET")
	webhook := map[string]any{
		"name":         args[0] + "." + set + ".test",
		"clientConfig": map[string]any{"url": "https://127.0.0.1:1/"},
		"rules": []any{map[string]any{
			"apiGroups": []string{"certificates.k8s.io"}, "apiVersions": []string{"v1"},
			"operations": []string{operation.verb}, "resources": []string{operation.resource},
		}},
		"objectSelector":          map[string]any{"matchLabels": map[string]string{"provision/set": set}},
		"failurePolicy":           "Fail",
		"sideEffects":             "None",
		"admissionReviewVersions": []string{"v1"},
		"timeoutSeconds":          1,
	}
	as := []string{}
	if len(args) == 2 {
		webhook["matchConditions"] = []any{map[string]string{"name": "user", "expression": "request.userInfo.username == '" + args[1] + "'"}}
		as = []string{"--as", args[1], "--as-group", "system:masters"}
	}
	manifest, err := json.Marshal(map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1",
		"kind":       "ValidatingWebhookConfiguration",
		"metadata":   map[string]string{"name": set},
		"webhooks":   []any{webhook},
	})
	ts.Check(err)

	canary := set + "-canary"
	request := requestManifest(ts, canary, canary)
	if args[0] == "approvals" {
		ts.Check(kubectl(plane(ts), request, "create", "-f", "-"))
		defer func() { ts.Check(kubectl(plane(ts), "", "delete", "csr", canary)) }()
	}
	ts.Check(kubectl(plane(ts), string(manifest), "create", "-f", "-"))
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := kubectl(plane(ts), request, append(as, operation.try(canary)...)...)
		if err != nil && strings.Contains(err.Error(), "failed calling webhook") {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s are not held within %v: %v", args[0], patience, err)
		}
	}
}

// release ends hold.
func release(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 0, "release")
	ts.Check(kubectl(plane(ts), "", "delete", "validatingwebhookconfiguration", ts.Getenv("SET")))
}
