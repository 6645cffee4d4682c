package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// request writes the manifest of a CertificateSigningRequest as provision would
// send it, but made with a key that nobody keeps.
func request(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) >= 3, "request FILE NAME USER [GROUP...]")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: args[2], Organization: args[3:]},
	}, key)
	ts.Check(err)
	manifest, err := json.MarshalIndent(map[string]any{
		"apiVersion": "certificates.k8s.io/v1",
		"kind":       "CertificateSigningRequest",
		"metadata": map[string]any{
			"name":        args[1],
			"labels":      map[string]string{"provision/set": ts.Getenv("SET"), "app.kubernetes.io/managed-by": "provision"},
			"annotations": map[string]string{"provision/user": args[2]},
		},
		"spec": map[string]any{
			"request":           pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			"signerName":        "kubernetes.io/kube-apiserver-client",
			"usages":            []string{"client auth"},
			"expirationSeconds": 3600,
		},
	}, "", "  ")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), manifest, 0o644))
}
