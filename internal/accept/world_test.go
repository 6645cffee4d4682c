package accept_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/accept"
	"provision/internal/credential"
	"provision/internal/usersfile"
)

// noon is the time of all tests.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// sent is what a received file is made of.
type sent struct {
	context, user, cluster string // names in the file
	server                 string
	ca                     []byte // PEM
	certificate, key       []byte // PEM
	uid                    string
	sealed                 string
	namespace              string
}

// from makes what provision would send to a person for a cluster, whose server has a CA of this name.
func from(t testing.TB, user, cluster, ca string) sent {
	t.Helper()
	key, certificate := issue(t, user, noon.Add(-time.Hour))
	return sent{
		context: user + "@" + cluster, user: user + "@" + cluster, cluster: cluster, server: "https://" + cluster + ":6443",
		ca: authority(t, ca), certificate: certificate, key: key, uid: "uid-" + cluster, namespace: "team",
	}
}

// issue makes a key and a client certificate that lives a day.
func issue(t testing.TB, user string, since time.Time) (key, certificate []byte) {
	t.Helper()
	signer, err := credential.NewKey(usersfile.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = credential.MarshalKey(signer); err != nil {
		t.Fatal(err)
	}
	return key, selfSigned(t, signer, pkix.Name{CommonName: user, Organization: []string{"devs"}}, since)
}

func selfSigned(t testing.TB, signer crypto.Signer, name pkix.Name, since time.Time) []byte {
	t.Helper()
	of := &x509.Certificate{SerialNumber: big.NewInt(since.UnixNano()), Subject: name, NotBefore: since, NotAfter: since.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// authorities are the CAs of a run, by name.
var authorities = map[string][]byte{}

func authority(t testing.TB, name string) []byte {
	if authorities[name] == nil {
		signer, err := credential.NewKey(usersfile.ECDSAP256)
		if err != nil {
			t.Fatal(err)
		}
		authorities[name] = selfSigned(t, signer, pkix.Name{CommonName: name}, noon)
	}
	return authorities[name]
}

// yaml is the file.
func (s sent) yaml() string {
	b64 := base64.StdEncoding.EncodeToString
	mark := func(sealed string) string {
		if s.uid == "" {
			return ""
		}
		text := "    extensions:\n    - extension:\n        apiVersion: provision/v1alpha1\n        kind: Owner\n        set: team\n        cluster: " + s.uid +
			"\n        user: " + strings.Split(s.user, "@")[0] + "\n        duration: 24h0m0s\n"
		if sealed != "" {
			text += "        sealedTo:\n        - {fingerprint: print, comment: jane at home}\n        sealedKey: |\n          " + strings.ReplaceAll(strings.TrimSpace(sealed), "\n", "\n          ") + "\n"
		}
		return text + "      name: provision\n"
	}
	key := "    client-key-data: " + b64(s.key) + "\n"
	if s.key == nil {
		key = "    client-key: " + strings.Split(s.user, "@")[0] + ".key\n"
	}
	return "apiVersion: v1\nkind: Config\npreferences: {}\ncurrent-context: " + s.context + "\n" +
		"clusters:\n- name: " + s.cluster + "\n  cluster:\n    server: " + s.server + "\n    certificate-authority-data: " + b64(s.ca) + "\n" + mark("") +
		"users:\n- name: " + s.user + "\n  user:\n    client-certificate-data: " + b64(s.certificate) + "\n" + key + mark(s.sealed) +
		"contexts:\n- name: " + s.context + "\n  context:\n    cluster: " + s.cluster + "\n    user: " + s.user + "\n    namespace: " + s.namespace + "\n" + mark("")
}

// entries are what Parse finds in the file.
func (s sent) entries(t testing.TB) []accept.Entry {
	t.Helper()
	list, err := accept.Parse([]byte(s.yaml()), noon)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.yaml())
	}
	return list
}

// config reads a kubeconfig as kubectl does.
func config(t testing.TB, text string) *clientcmdapi.Config {
	t.Helper()
	c, err := clientcmd.Load([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// described is a kubeconfig in few words: contexts with what they lead to, sorted by name.
func described(c *clientcmdapi.Config) string {
	var lines []string
	for _, name := range sortedKeys(c.Contexts) {
		of := c.Contexts[name]
		server := ""
		if at := c.Clusters[of.Cluster]; at != nil {
			server = at.Server
		}
		current := ""
		if name == c.CurrentContext {
			current = "*"
		}
		lines = append(lines, fmt.Sprintf("%s%s=%s+%s %s", current, name, of.Cluster, of.AuthInfo, server))
	}
	return strings.Join(lines, "; ")
}
