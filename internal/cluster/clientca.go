package cluster

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// clientCAMap is the ConfigMap that every API server publishes its client CA in
// (pkg/controlplane/controller/clusterauthenticationtrust).
var clientCAMap = plan.Object{Kind: "ConfigMap", Namespace: metav1.NamespaceSystem, Name: "extension-apiserver-authentication"}

// clientCA reads what the API server accepts client certificates from, and which of them it takes for the front proxy's.
// The operator may not be allowed to: then the reason is returned in words, not as an error, because all else can go on.
func (c *Client) clientCA(ctx context.Context) ([]*x509.Certificate, *plan.FrontProxy, string, error) {
	m, err := c.kube.core.ConfigMaps(clientCAMap.Namespace).Get(ctx, clientCAMap.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
		return nil, nil, clientCAMap.String() + ": " + err.Error(), nil
	case err != nil:
		return nil, nil, "", fmt.Errorf("read %s: %w", clientCAMap, err)
	}
	list := certificatesIn(m.Data["client-ca-file"])
	if len(list) == 0 {
		return nil, nil, clientCAMap.String() + " has no client-ca-file", nil
	}
	return list, frontProxy(m.Data, list), "", nil
}

// certificatesIn reads the certificates of a PEM text and passes over what is none.
func certificatesIn(text string) []*x509.Certificate {
	var list []*x509.Certificate
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			list = append(list, c)
		}
	}
	return list
}

// frontProxy reads which client certificates the API server takes for those of an authenticating proxy, or nil where none
// that a client CA signs can be (staging/src/k8s.io/apiserver/pkg/authentication/request/headerrequest).
func frontProxy(data map[string]string, clientCA []*x509.Certificate) *plan.FrontProxy {
	for _, of := range certificatesIn(data["requestheader-client-ca-file"]) {
		for _, ca := range clientCA {
			if !ca.Equal(of) && ca.CheckSignatureFrom(of) != nil {
				continue
			}
			var f plan.FrontProxy
			if err := json.Unmarshal([]byte(data["requestheader-allowed-names"]), &f.Names); err != nil {
				return &plan.FrontProxy{}
			}
			return &f
		}
	}
	return nil
}
