package credential

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
)

// A certificate is found wherever people have it: alone, behind its key, with its chain, in a kubeconfig. Nothing else of a
// kubeconfig counts.
func TestFindCertificate(t *testing.T) {
	leaf := func(name string) []byte {
		return issue(t, newKey(t), func(c *x509.Certificate) { c.Subject.CommonName = name })
	}
	one, two := leaf("jane"), leaf("joe")
	key := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("secret")})
	file := func(current string, users ...string) string {
		return "apiVersion: v1\nkind: Config\ncurrent-context: " + current + "\ncontexts:\n- {name: one, context: {user: one}}\n- {name: two, context: {user: two}}\n- {name: odd, context: {user: odd}}\nusers:\n" + strings.Join(users, "")
	}
	entry := func(name string, data []byte) string {
		return "- {name: " + name + ", user: {client-certificate-data: " + base64.StdEncoding.EncodeToString(data) + "}}\n"
	}
	for _, c := range []struct {
		name, text, user, err string
	}{
		{name: "alone", text: string(one), user: "jane"},
		{name: "behind its key", text: string(key) + string(one), user: "jane"},
		{name: "with its chain", text: string(one) + string(two), user: "jane"},
		{name: "in a kubeconfig", text: file("one", entry("one", one)), user: "jane"},
		{name: "of the current context", text: file("two", entry("one", one), entry("two", two)), user: "joe"},
		{name: "beside a plugin", text: file("odd", entry("one", one), "- {name: odd, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/false, interactiveMode: Never}}}\n"), user: "jane"},
		{name: "twice", text: file("none", entry("one", one), entry("two", one)), user: "jane"},
		{name: "several", text: file("none", entry("one", one), entry("two", two)), err: "with 2 client certificates"},
		{name: "in another file", text: file("one", "- {name: one, user: {client-certificate: /x/y.crt}}\n"), err: `"/x/y.crt": give that file`},
		{name: "none", text: file("one", "- {name: one, user: {token: secret}}\n"), err: "without a client certificate"},
		{name: "a key", text: string(key), err: "neither"},
		{name: "nothing", text: "", err: "neither"},
		{name: "bytes", text: "\x00\xff", err: "neither"},
		{name: "not a certificate", text: file("one", entry("one", []byte("secret"))), err: "PEM"},
	} {
		got, err := FindCertificate([]byte(c.text))
		switch {
		case c.err == "" && (err != nil || got.User != c.user):
			t.Errorf("%s: %q, %v", c.name, got.User, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "secret")):
			t.Errorf("%s: %v, want %s", c.name, err, c.err)
		}
	}
	if got, err := FindCertificate(one); err != nil || !bytes.Equal(got.Leaf.Raw, mustDecode(one)) || !strings.HasPrefix(got.CredentialID, "X509SHA256=") {
		t.Errorf("%+v, %v", got, err)
	}
}

func mustDecode(data []byte) []byte {
	block, _ := pem.Decode(data)
	return block.Bytes
}
