package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"k8s.io/apimachinery/pkg/version"
	admissionv1 "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	certificatesv1 "k8s.io/client-go/kubernetes/typed/certificates/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	rbacv1 "k8s.io/client-go/kubernetes/typed/rbac/v1"
	"k8s.io/client-go/rest"
)

// clientset has the seven API groups that are used here. client-go's own has all sixty, which the linker cannot leave
// out again: kong calls methods by name.
type clientset struct {
	admission      *admissionv1.AdmissionregistrationV1Client
	authentication *authenticationv1.AuthenticationV1Client
	authorization  *authorizationv1.AuthorizationV1Client
	certificates   *certificatesv1.CertificatesV1Client
	coordination   *coordinationv1.CoordinationV1Client
	core           *corev1.CoreV1Client
	rbac           *rbacv1.RbacV1Client
}

// newClientset makes the clients of all groups over one HTTP client, which it returns too: config says where to and as
// whom, way what is on the way there.
func newClientset(config *rest.Config, way route) (*clientset, *http.Client, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, nil, err
	}
	if client == http.DefaultClient {
		client = &http.Client{Transport: http.DefaultTransport}
	}
	if err := way.over(client, config); err != nil {
		return nil, nil, err
	}
	var c clientset
	var errs [7]error
	c.authentication, errs[0] = authenticationv1.NewForConfigAndClient(config, client)
	c.authorization, errs[1] = authorizationv1.NewForConfigAndClient(config, client)
	c.certificates, errs[2] = certificatesv1.NewForConfigAndClient(config, client)
	c.coordination, errs[3] = coordinationv1.NewForConfigAndClient(config, client)
	c.core, errs[4] = corev1.NewForConfigAndClient(config, client)
	c.rbac, errs[5] = rbacv1.NewForConfigAndClient(config, client)
	c.admission, errs[6] = admissionv1.NewForConfigAndClient(config, client)
	return &c, client, errors.Join(errs[:]...)
}

// version asks which version the API server has: everybody may, unless the cluster has lost system:public-info-viewer.
func (c *clientset) version(ctx context.Context) (v version.Info, err error) {
	data, err := c.core.RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	return v, err
}
