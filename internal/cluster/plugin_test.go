package cluster

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// A login plugin whose token has always ended runs once for a request, and once in all when it fails, however many requests
// are under way.
func TestPluginRuns(t *testing.T) {
	var tokens []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	folder := t.TempDir()
	plugin := fmt.Sprintf(`cd '%s'; echo run >>runs; test ! -e fails || exit 7
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$(wc -l <runs)'","expirationTimestamp":"2020-01-01T00:00:00Z"}}'`, folder)
	config := &rest.Config{Host: server.URL, ExecProvider: &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: "sh", Args: []string{"-c", plugin}, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := newRoute(config, ownContext{plugin: "sh"}, Options{RequestTimeout: time.Minute}).over(client, config); err != nil {
		t.Fatal(err)
	}
	runs := func() int {
		all, err := os.ReadFile(filepath.Join(folder, "runs"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(all), "run")
	}
	get := func() error {
		response, err := client.Get(server.URL)
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	for range 2 {
		if err := get(); err != nil {
			t.Fatal(err)
		}
	}
	if n := runs(); n != 2 || tokens[0] == tokens[1] || !strings.HasPrefix(tokens[0], "Bearer ") {
		t.Errorf("2 requests: it ran %d times, with %q", n, tokens)
	}
	if err := os.WriteFile(filepath.Join(folder, "fails"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var all errgroup.Group
	for range 16 {
		all.Go(func() error {
			if err := get(); err == nil || !strings.Contains(err.Error(), "exit code 7") {
				return fmt.Errorf("it is not told that the plugin failed: %v", err)
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	if n := runs(); n != 3 {
		t.Errorf("it failed and ran %d times more", n-2)
	}
}
