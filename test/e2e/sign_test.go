package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// sign issues the certificate of a request in the signer's place, which does
// not run: with the cluster's CA, as the signer would have made it when its
// clock was CLOCK (10m, -10m) off, for the request's own key or for another. The
// name of the request is in a file.
func sign(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 3 && (args[1] == "own" || args[1] == "other"), "sign FILE-WITH-NAME own|other CLOCK")
	name := ts.ReadFile(args[0])
	off, err := time.ParseDuration(args[2])
	ts.Check(err)
	c := plane(ts)

	ts.Check(ts.Exec("kubectl", "get", "csr", name, "-o", "json"))
	var found struct {
		Spec struct {
			Request           []byte
			ExpirationSeconds int
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &found))
	block, _ := pem.Decode(found.Spec.Request)
	asked, err := x509.ParseCertificateRequest(block.Bytes)
	ts.Check(err)
	public := asked.PublicKey
	if args[1] == "other" {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		public = key.Public()
	}

	// The signer takes 5 minutes off the beginning, for clocks that differ.
	now := time.Now().Add(off)
	leaf := clusterCA(ts, c).sign(ts, &x509.Certificate{
		Subject:               asked.Subject,
		NotBefore:             now.Add(-5 * time.Minute),
		NotAfter:              now.Add(time.Duration(found.Spec.ExpirationSeconds) * time.Second),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}, public)
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"certificate": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}),
	}})
	ts.Check(err)
	ts.Check(kubectl(c, "", strings.Fields("patch csr --subresource=status --type=merge "+name+" -p "+string(patch))...))
}
