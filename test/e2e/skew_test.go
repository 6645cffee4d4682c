package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// serverClock makes a kubeconfig with which an administrator reaches the API
// server, whose answers say that it is DATE there (2026-01-01T00:30:00Z), or so
// much earlier or later than here (-2h, 2h), until the script ends. By that
// clock it also takes or refuses client certificates, as the API server does by
// its own.
func serverClock(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "server-clock KUBECONFIG DATE|DURATION")
	now := func() time.Time { return time.Time{} }
	if off, err := time.ParseDuration(args[1]); err == nil {
		now = func() time.Time { return time.Now().Add(off) }
	} else {
		date, err := time.Parse(time.RFC3339, args[1])
		ts.Check(err)
		now = func() time.Time { return date }
	}
	config, err := clientcmd.BuildConfigFromFlags("", plane(ts).Kubeconfig())
	ts.Check(err)
	transport, err := rest.TransportFor(config)
	ts.Check(err)
	server, err := url.Parse(config.Host)
	ts.Check(err)
	roots := x509.NewCertPool()
	roots.AddCert(clusterCA(ts, plane(ts)).cert)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server)
			if len(r.In.TLS.PeerCertificates) > 0 {
				who := r.In.TLS.PeerCertificates[0].Subject
				r.Out.Header.Set("Impersonate-User", who.CommonName)
				r.Out.Header["Impersonate-Group"] = who.Organization
			}
		},
		Transport:     transport,
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("Date", now().UTC().Format(http.TimeFormat))
			return nil
		},
	}
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if certificates := r.TLS.PeerCertificates; len(certificates) > 0 {
			asClient := x509.VerifyOptions{Roots: roots, CurrentTime: now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
			if _, err := certificates[0].Verify(asClient); err != nil {
				w.Header().Set("Date", now().UTC().Format(http.TimeFormat))
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusUnauthorized)
				io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	front.TLS = &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert} // as an API server does
	front.StartTLS()
	ts.Defer(front.Close)
	ts.Defer(front.CloseClientConnections)

	kubeconfig := clientcmdapi.NewConfig()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	kubeconfig.Clusters["test"] = &clientcmdapi.Cluster{Server: front.URL, CertificateAuthorityData: ca}
	kubeconfig.Contexts["test"] = &clientcmdapi.Context{Cluster: "test"}
	kubeconfig.CurrentContext = "test"
	data, err := clientcmd.Write(*kubeconfig)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}
