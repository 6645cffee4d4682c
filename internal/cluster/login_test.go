package cluster

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/spec"
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
			if (probe.resource() == nil) == (probe.nonResource() == nil) {
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
		_, err = LogIn(credential.Entry{Server: c.server, ProxyURL: c.proxy}, time.Second, "test")
		if err != nil && strings.Contains(err.Error(), "S3cret") {
			t.Errorf("LogIn %s: %v", name, err)
		}
		if c.proxy == "" {
			continue
		}
		if _, err := proxy(c.proxy)(nil); err != nil && strings.Contains(err.Error(), "S3cret") {
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
	key, err := credential.NewKey(spec.ECDSAP256)
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
