package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// frontToken is the operator's credential at a front.
const frontToken = "operator"

// front starts something that ends TLS before the API server, as an L7 load
// balancer or a cluster manager does, and makes an operator's kubeconfig for
// it. The operator has a token there and acts as the administrator; all others
// arrive without a credential. With
//
//   - path: it serves the API below a path;
//   - refuse: it answers 401 to the others itself;
//   - everybody: it takes everybody for the administrator;
//   - ask: it asks for client certificates, and passes none on;
//   - fail=PATH: it answers 500 to what matches PATH, a regular expression;
//   - hold=PATH: while KUBECONFIG.hold exists, one request that matches PATH is
//     held until its client gives up. KUBECONFIG.hold becomes KUBECONFIG.held;
//   - end=PATH: while KUBECONFIG.ends exists, the operator's token ends with the
//     first request that matches PATH: from then on it is answered 401.
//     KUBECONFIG.ends becomes KUBECONFIG.ended.
func front(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 1, "front KUBECONFIG [path] [refuse] [everybody] [ask] [fail=PATH] [hold=PATH] [end=PATH]")
	with, paths := map[string]bool{}, map[string]*regexp.Regexp{}
	for _, word := range args[1:] {
		word, path, ok := strings.Cut(word, "=")
		if with[word] = true; ok {
			paths[word] = regexp.MustCompile(path)
		}
	}
	file := ts.MkAbs(args[0])
	holds := func() bool { return os.Rename(file+".hold", file+".held") == nil }
	ended := func(matches bool) bool {
		if matches && os.Rename(file+".ends", file+".ended") == nil {
			return true
		}
		_, err := os.Lstat(file + ".ended")
		return err == nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", plane(ts).Kubeconfig())
	ts.Check(err)
	target, err := url.Parse(config.Host)
	ts.Check(err)
	admin, err := rest.TransportFor(config)
	ts.Check(err)
	nobody, err := rest.TransportFor(rest.AnonymousClientConfig(config))
	ts.Check(err)

	proxy := &httputil.ReverseProxy{
		FlushInterval: -1, // watches
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			known := with["everybody"] || r.Header.Get("Authorization") == "Bearer "+frontToken
			r.Header.Del("Authorization")
			if known {
				return admin.RoundTrip(r)
			}
			return nobody.RoundTrip(r)
		}),
	}
	path := ""
	if with["path"] {
		path = "/k8s/clusters/c-1"
	}
	server := httptest.NewUnstartedServer(http.StripPrefix(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if with["refuse"] && r.Header.Get("Authorization") == "" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if p := paths["end"]; p != nil && r.Header.Get("Authorization") == "Bearer "+frontToken && ended(p.MatchString(r.URL.Path)) {
			answer401(w)
			return
		}
		if p := paths["fail"]; p != nil && p.MatchString(r.URL.Path) {
			http.Error(w, "out of order", http.StatusInternalServerError)
			return
		}
		if p := paths["hold"]; p != nil && p.MatchString(r.URL.Path) && holds() {
			io.Copy(io.Discard, r.Body) // only then the server notices that the client is gone
			<-r.Context().Done()
			return
		}
		proxy.ServeHTTP(w, r)
	})))
	server.TLS = &tls.Config{}
	if with["ask"] {
		server.TLS.ClientAuth = tls.RequestClientCert
		server.TLS.ClientCAs = x509.NewCertPool()
		server.TLS.ClientCAs.AddCert(ownCA(ts))
	}
	server.StartTLS()
	ts.Defer(server.Close)
	ts.Defer(server.CloseClientConnections)

	writeFrontKubeconfig(ts, args[0], server.URL+path, server.Certificate())
}

// answer401 answers as an API server does to who is not logged in.
func answer401(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	io.WriteString(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`)
}

// ownCA makes a CA that the cluster does not know.
func ownCA(ts *testscript.TestScript) *x509.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "front"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	ca, err := x509.ParseCertificate(der)
	ts.Check(err)
	return ca
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func writeFrontKubeconfig(ts *testscript.TestScript, name, server string, ca *x509.Certificate) {
	config := clientcmdapi.NewConfig()
	config.Clusters["front"] = &clientcmdapi.Cluster{
		Server: server, CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}),
	}
	config.AuthInfos["operator"] = &clientcmdapi.AuthInfo{Token: frontToken}
	config.Contexts["front"] = &clientcmdapi.Context{Cluster: "front", AuthInfo: "operator"}
	config.CurrentContext = "front"
	ts.Check(clientcmd.WriteToFile(*config, ts.MkAbs(name)))
	ts.Setenv("FRONT", server)
}

// peer starts a second API server of the same cluster, with flags of its own,
// and makes an administrator's kubeconfig for a balancer that gives connections
// to both in turn. PKI in the flags is the folder of ca.crt and trusted.crt.
func peer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 1, "peer KUBECONFIG [FLAG...]")
	c := plane(ts)
	if c == shared {
		ts.Fatalf("peer is for the scripts in testdata/solo")
	}
	ctx, done := contextFor(ts)
	defer done()
	second, err := c.StartPeer(ctx, args[1:]...)
	ts.Check(err)
	ts.Defer(func() { ts.Check(c.StopPeer()) })

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	servers := []string{strings.TrimPrefix(c.Server(), "https://"), strings.TrimPrefix(second, "https://")}
	turns := []int{0, 1, 1, 0, 1} // whatever number of connections a run makes, the next one begins elsewhere
	var turn atomic.Int64
	n := &network{listener: listener, open: map[net.Conn]bool{}}
	n.done.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			to := servers[turns[int(turn.Add(1))%len(turns)]]
			n.done.Go(func() { n.pass(client, to) })
		}
	})
	ts.Defer(func() { n.close() })
	kubeconfig, err := os.ReadFile(c.Kubeconfig())
	ts.Check(err)
	data := strings.ReplaceAll(string(kubeconfig), c.Server(), "https://"+listener.Addr().String())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(data), 0o600))
}
