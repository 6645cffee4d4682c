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
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(requestManifest(ts, args[1], args[2], args[3:]...)), 0o644))
}

func requestManifest(ts *testscript.TestScript, name, user string, groups ...string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: user, Organization: groups},
	}, key)
	ts.Check(err)
	manifest, err := json.MarshalIndent(map[string]any{
		"apiVersion": "certificates.k8s.io/v1",
		"kind":       "CertificateSigningRequest",
		"metadata": map[string]any{
			"name":        name,
			"labels":      map[string]string{"provision/set": ts.Getenv("SET"), "app.kubernetes.io/managed-by": "provision"},
			"annotations": map[string]string{"provision/user": user},
		},
		"spec": map[string]any{
			"request":           pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			"signerName":        "kubernetes.io/kube-apiserver-client",
			"usages":            []string{"client auth"},
			"expirationSeconds": 3600,
		},
	}, "", "  ")
	ts.Check(err)
	return string(manifest)
}
