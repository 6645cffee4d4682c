package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// webhook starts an admission webhook and puts its address in the place of
// WEBHOOK, and its CA in that of CABUNDLE, in manifests of webhook
// configurations. What it does stands in the URL there:
//
//   - WEBHOOK/deny/CODE/TEXT: it denies, with that status code;
//   - WEBHOOK/wait/TIME: it allows, after that time.
func webhook(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 1, "webhook MANIFEST...")
	server := httptest.NewTLSServer(http.HandlerFunc(answerReview))
	ts.Defer(server.Close)
	ts.Defer(server.CloseClientConnections)
	ca := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for _, name := range args {
		manifest := strings.NewReplacer("WEBHOOK", server.URL, "CABUNDLE", ca).Replace(ts.ReadFile(name))
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(manifest), 0o644))
	}
}

func answerReview(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var review struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Request    struct {
			UID string `json:"uid"`
		} `json:"request"`
	}
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response := map[string]any{"uid": review.Request.UID, "allowed": true}
	does, how, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	switch does {
	case "deny":
		number, text, _ := strings.Cut(how, "/")
		if code, err := strconv.Atoi(number); err == nil {
			response["allowed"], response["status"] = false, map[string]any{"code": code, "message": text}
		}
	case "wait":
		by, _ := time.ParseDuration(how)
		select {
		case <-time.After(by):
		case <-r.Context().Done():
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": review.APIVersion, "kind": review.Kind, "response": response})
}
