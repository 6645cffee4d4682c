package torture_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// gate stands between a run and the API server, and so knows every write of the run before the API server does: it can end the
// run at exactly one of them. Whoever comes through it is the administrator.
type gate struct {
	kubeconfig string
	next       http.RoundTripper

	mu     sync.Mutex
	writes []string // of the run so far, as "POST rolebindings"
	at     int      // which of them the run ends at, from 1; 0: none
	done   bool     // the API server carries that write out, and the run does not learn of it; else it never hears of it
	end    func()   // kills the run
	closed chan struct{}
}

// newGate starts a gate, which closes with the test.
func newGate(w *tortured) *gate {
	config, err := clientcmd.BuildConfigFromFlags("", w.plane.Kubeconfig())
	if err != nil {
		w.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		w.Fatal(err)
	}
	g := &gate{kubeconfig: filepath.Join(w.TempDir(), "gate.kubeconfig")}
	if g.next, err = rest.TransportFor(config); err != nil {
		w.Fatal(err)
	}
	server := httptest.NewTLSServer(&httputil.ReverseProxy{
		FlushInterval: -1, // watches
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Authorization")
		},
		Transport:    g,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { w.WriteHeader(http.StatusBadGateway) },
	})
	w.Cleanup(server.Close)
	w.Cleanup(server.CloseClientConnections)
	c := clientcmdapi.NewConfig()
	c.Clusters["gate"] = &clientcmdapi.Cluster{Server: server.URL, CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}
	c.AuthInfos["operator"] = &clientcmdapi.AuthInfo{Token: "operator"}
	c.Contexts["gate"] = &clientcmdapi.Context{Cluster: "gate", AuthInfo: "operator"}
	c.CurrentContext = "gate"
	if err := clientcmd.WriteToFile(*c, g.kubeconfig); err != nil {
		w.Fatal(err)
	}
	return g
}

// set prepares the gate for the next run. Closed is closed once the run ends there.
func (g *gate) set(at int, done bool, end func()) (closed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writes, g.at, g.done, g.end, g.closed = nil, at, done, end, make(chan struct{})
	return g.closed
}

// passed returns the writes of the run so far.
func (g *gate) passed() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.writes...)
}

// RoundTrip passes a request on, or ends the run at it.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	name := writeOf(r)
	if name == "" {
		return g.next.RoundTrip(r)
	}
	g.mu.Lock()
	g.writes = append(g.writes, name)
	here, done, end, closed := len(g.writes) == g.at, g.done, g.end, g.closed
	g.mu.Unlock()
	if !here {
		return g.next.RoundTrip(r)
	}
	defer close(closed)
	if !done {
		end()
		return nil, http.ErrAbortHandler
	}
	response, err := g.next.RoundTrip(r)
	end()
	return response, err
}

// writeOf names a request that changes something; "": it only asks.
func writeOf(r *http.Request) string {
	if r.Method == http.MethodGet || r.URL.Query().Get("dryRun") != "" || strings.Contains(r.URL.Path, "/apis/auth") {
		return "" // authentication and authorization: reviews
	}
	const group, namespaced = 3, 2 // /apis/GROUP/VERSION/..., .../namespaces/NAME/...
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if parts[0] == "apis" {
		parts = parts[min(group, len(parts)):]
	} else {
		parts = parts[min(group-1, len(parts)):]
	}
	if len(parts) > namespaced && parts[0] == "namespaces" {
		parts = parts[namespaced:]
	}
	if len(parts) > 2 { // a subresource
		return r.Method + " " + parts[0] + "/" + parts[2]
	}
	return r.Method + " " + strings.Join(parts[:min(1, len(parts))], "")
}
