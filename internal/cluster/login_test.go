package cluster

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// The question about a binding is about its role's first rule that can be asked about, whatever a server sends.
func TestProbe(t *testing.T) {
	get := []string{"get"}
	core := []string{""}
	for _, c := range []struct {
		name  string
		rules []rbacv1.PolicyRule
		wide  bool
		want  string
	}{
		{name: "no rules"},
		{name: "empty rule", rules: []rbacv1.PolicyRule{{}}},
		{name: "no verbs", rules: []rbacv1.PolicyRule{{APIGroups: core, Resources: []string{"pods"}}}},
		{name: "no groups", rules: []rbacv1.PolicyRule{{Verbs: get, Resources: []string{"pods"}}}},
		{name: "no verbs for a path", wide: true, rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/healthz"}}}},
		{name: "the next one", rules: []rbacv1.PolicyRule{{Verbs: get, Resources: []string{"pods"}}, {Verbs: get, APIGroups: core, Resources: []string{"services"}}},
			want: "get services -n shop"},
		{name: "a path and resources without a group", wide: true,
			rules: []rbacv1.PolicyRule{{Verbs: get, Resources: []string{"pods"}, NonResourceURLs: []string{"/healthz"}}}},
		{name: "a whole resource before a part", rules: []rbacv1.PolicyRule{
			{Verbs: get, APIGroups: core, Resources: []string{"pods/log"}}, {Verbs: get, APIGroups: core, Resources: []string{"pods"}}}, want: "get pods -n shop"},
		{name: "a path", wide: true, rules: []rbacv1.PolicyRule{{Verbs: get, NonResourceURLs: []string{"/healthz"}}}, want: "get /healthz"},
		{name: "a path in a namespace", rules: []rbacv1.PolicyRule{{Verbs: get, NonResourceURLs: []string{"/healthz"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				answer(w, rbacv1.ClusterRole{TypeMeta: metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRole"}, Rules: c.rules}, nil)
			}))
			b := plan.Binding{Namespace: "shop", RoleRef: plan.RoleRef{Kind: "ClusterRole", Name: "x"}}
			if c.wide {
				b.Namespace = ""
			}
			probe, ok, err := client.Probe(t.Context(), b)
			if err != nil || ok != (c.want != "") {
				t.Fatalf("%v, %v; want %q", ok, err, c.want)
			}
			if !ok {
				return
			}
			if got := probe.String(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if (probe.resource == nil) == (probe.path == nil) {
				t.Error("it asks for neither or for both")
			}
		})
	}
}

// A URL may hold a password, and errors go to logs.
func TestErrorsQuoteNoPasswords(t *testing.T) {
	for _, c := range []struct{ server, proxy string }{
		{"https://127.0.0.1:1", "http://op:S3cretPw@bad host:3128"},
		{"https://127.0.0.1:1", "http://op:S3cret/Pw@proxy:3128"},
		{"https://127.0.0.1:1", "ftp://op:S3cretPw@proxy"},
		{"https://127.0.0.1:1", "op:S3cretPw@proxy"},
		{"https://op:S3cretPw@bad host:6443", ""},
		{"https://op:S3cretPw@127.0.0.1:port", ""},
		{"https://op:S3cretPw@127.0.0.1:1", ""},
	} {
		name := c.server + " " + c.proxy
		file := filepath.Join(t.TempDir(), "config")
		config := clientcmdapi.NewConfig()
		config.Clusters["c"] = &clientcmdapi.Cluster{Server: c.server, ProxyURL: c.proxy}
		config.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: "t"}
		config.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
		config.CurrentContext = "x"
		if err := clientcmd.WriteToFile(*config, file); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), Options{Kubeconfig: file})
		if err == nil || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("Open %s: %v", name, err)
		}
		_, err = LogIn(credential.Entry{Endpoint: plan.Endpoint{Server: c.server, ProxyURL: c.proxy}}, time.Second, "test")
		if err != nil && strings.Contains(err.Error(), "S3cret") {
			t.Errorf("LogIn %s: %v", name, err)
		}
		if c.proxy == "" {
			continue
		}
		if _, err := (proxies{fixed: c.proxy}).find(nil); err != nil && strings.Contains(err.Error(), "S3cret") {
			t.Errorf("proxy %s: %v", name, err)
		}
	}
	if got := withoutUser("https://op:S3cretPw@api:6443/x"); got != "https://api:6443/x" {
		t.Error(got)
	}
}

// An operator whose own certificate has ended is told that, and not only that he is refused.
func TestRefusedLogin(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	key, err := credential.NewKey(usersfile.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	of := func(end time.Time) *rest.Config {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "admin"}, NotBefore: end.Add(-time.Hour), NotAfter: end}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return &rest.Config{TLSClientConfig: rest.TLSClientConfig{CertData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}}
	}
	if got := refusedLogin(of(now.Add(-time.Minute)), now); got != "your own certificate ended 2026-03-01 11:59 UTC" {
		t.Error(got)
	}
	for _, config := range []*rest.Config{of(now.Add(time.Minute)), {BearerToken: "t"}} {
		if got := refusedLogin(config, now); !strings.Contains(got, "does not accept your own credential") {
			t.Error(got)
		}
	}
}

// Whether the operator's own certificate has ended is for the API server's clock to say, also when it refuses the first
// request of a run.
func TestOpenRefusedByServersClock(t *testing.T) {
	key, err := credential.NewKey(usersfile.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "admin"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := credential.MarshalKey(key)
	if err != nil {
		t.Fatal(err)
	}
	ended := "your own certificate ended " + template.NotAfter.UTC().Format("2006-01-02 15:04 UTC")
	for _, c := range []struct {
		name string
		off  time.Duration // of the server's clock
		want string
	}{
		{"it has ended for the server only", 2 * time.Hour, ended},
		{"the clocks agree", 0, "does not accept your own credential"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(c.off).UTC().Format(http.TimeFormat))
				answer(w, nil, apierrors.NewUnauthorized("Unauthorized"))
			}))
			defer server.Close()
			config := clientcmdapi.NewConfig()
			config.Clusters["c"] = &clientcmdapi.Cluster{Server: server.URL, InsecureSkipTLSVerify: true}
			config.AuthInfos["u"] = &clientcmdapi.AuthInfo{
				ClientCertificateData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), ClientKeyData: keyPEM,
			}
			config.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
			config.CurrentContext = "x"
			file := filepath.Join(t.TempDir(), "config")
			if err := clientcmd.WriteToFile(*config, file); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), Options{Kubeconfig: file}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// What an answer to a login proves, whatever it says: a certificate that was never asked for proves nothing.
func TestJudge(t *testing.T) {
	review := func(user string) *authenticationv1.SelfSubjectReview {
		r := &authenticationv1.SelfSubjectReview{}
		r.Status.UserInfo.Username, r.Status.UserInfo.Groups = user, []string{"b", "system:authenticated", "a"}
		return r
	}
	refused := apierrors.NewUnauthorized("Unauthorized")
	forbidden := func(message string) error {
		return apierrors.NewForbidden(authenticationv1.Resource("selfsubjectreviews"), "", errors.New(message))
	}
	named := func(user string) error {
		return forbidden("User " + strconv.Quote(user) + ` cannot create resource "selfsubjectreviews" in API group "authentication.k8s.io" at the cluster scope`)
	}
	alert := &net.OpError{Op: "remote error", Err: tls.AlertError(48)}
	for _, c := range []struct {
		name   string
		review *authenticationv1.SelfSubjectReview
		err    error
		silent bool // the server asked for no certificate
		want   Identity
		wrong  string // "" is accepted
	}{
		{name: "accepted", review: review("ann"), want: Identity{User: "ann", Groups: []string{"a", "b"}, Reviewed: true}},
		{name: "may not ask", err: named("ann"), want: Identity{User: "ann"}},
		{name: "refused", err: refused, wrong: "the API server does not accept the certificate"},
		{name: "refused by a front", err: refused, silent: true, wrong: "asks for no client certificate"},
		{name: "a front logs everybody in", review: review("front"), silent: true, wrong: "asks for no client certificate"},
		{name: "a front logs everybody in as this user", review: review("ann"), silent: true, wrong: "asks for no client certificate"},
		{name: "a front drops the certificate", err: named("system:anonymous"), wrong: `takes "ann" for system:anonymous`},
		{name: "a front whose anonymous users may ask", review: review("system:anonymous"), wrong: `takes "ann" for system:anonymous`},
		{name: "a front logs in by itself", review: review("front"), wrong: `https://api takes "ann" for "front"`},
		{name: "the same, and may not ask", err: named("front"), wrong: `https://api takes "ann" for "front"`},
		{name: "a front refuses the certificate", err: alert, wrong: "refuses the certificate in the TLS handshake"},
		{name: "nobody there", err: &net.OpError{Op: "dial", Err: errors.New("no route")}, silent: true, wrong: "cannot reach https://api"},
		{name: "a webhook", err: forbidden(`admission webhook "x" denied the request: User "ann" cannot`), wrong: "log in: "},
		{name: "a firewall", err: forbidden("go away"), wrong: "log in: "},
		{name: "before 1.28", err: apierrors.NewGenericServerResponse(404, "create", authenticationv1.Resource("selfsubjectreviews"), "", "404 page not found", 0, true),
			wrong: "needs Kubernetes 1.28 or later"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &Login{server: "https://api", user: "ann"}
			l.asked.Store(!c.silent)
			got, err := l.judge(c.review, c.err)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("error %v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// One refusal proves nothing where several API servers are behind an address; an acceptance costs one login.
func TestProve(t *testing.T) {
	at := plan.Endpoint{Server: "https://u:pw@api"}
	ann, bob := credential.Entry{Endpoint: at, Context: "ann"}, credential.Entry{Endpoint: at, Context: "bob"}
	away := errors.New("away")
	for _, c := range []struct {
		name    string
		entries []credential.Entry
		answers []error // the last is repeated
		tried   string
		want    error
	}{
		{"accepted", []credential.Entry{ann, bob}, []error{nil}, "ann", nil},
		{"void", []credential.Entry{ann, bob}, []error{ErrLoginRefused}, "ann bob ann bob ann bob ann bob", ErrLoginRefused},
		{"void, one user", []credential.Entry{ann}, []error{ErrLoginRefused}, "ann ann ann ann ann ann ann ann", ErrLoginRefused},
		{"no agreement", []credential.Entry{ann, bob}, []error{ErrLoginRefused, ErrLoginRefused, nil}, "ann bob ann", &DisagreeError{"https://api", 2, 3}},
		{"not known", []credential.Entry{ann}, []error{ErrLoginRefused, away}, "ann ann", away},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tried []string
			err := prove(0, c.entries, func(e credential.Entry) error {
				tried = append(tried, e.Context)
				return c.answers[min(len(tried), len(c.answers))-1]
			})
			if got := strings.Join(tried, " "); got != c.tried || !reflect.DeepEqual(err, c.want) {
				t.Errorf("%v after %q; want %v after %q", err, got, c.want, c.tried)
			}
		})
	}
}
