package cluster

import (
	"net/http"

	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	certificatesv1 "k8s.io/client-go/kubernetes/typed/certificates/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	rbacv1 "k8s.io/client-go/kubernetes/typed/rbac/v1"
	"k8s.io/client-go/rest"
)

// clientset has the six API groups that are used here. client-go's own has all sixty, which the linker cannot leave
// out again: kong calls methods by name.
type clientset struct {
	authentication *authenticationv1.AuthenticationV1Client
	authorization  *authorizationv1.AuthorizationV1Client
	certificates   *certificatesv1.CertificatesV1Client
	coordination   *coordinationv1.CoordinationV1Client
	core           *corev1.CoreV1Client
	rbac           *rbacv1.RbacV1Client
}

func (c *clientset) AuthenticationV1() authenticationv1.AuthenticationV1Interface {
	return c.authentication
}
func (c *clientset) AuthorizationV1() authorizationv1.AuthorizationV1Interface {
	return c.authorization
}
func (c *clientset) CertificatesV1() certificatesv1.CertificatesV1Interface { return c.certificates }
func (c *clientset) CoordinationV1() coordinationv1.CoordinationV1Interface { return c.coordination }
func (c *clientset) CoreV1() corev1.CoreV1Interface                         { return c.core }
func (c *clientset) RbacV1() rbacv1.RbacV1Interface                         { return c.rbac }

// newClientset makes the clients of all groups, over one HTTP client.
func newClientset(config *rest.Config) (*clientset, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return newClientsetFor(config, client)
}

func newClientsetFor(config *rest.Config, client *http.Client) (*clientset, error) {
	var c clientset
	for _, make := range []func() error{
		func() (err error) {
			c.authentication, err = authenticationv1.NewForConfigAndClient(config, client)
			return err
		},
		func() (err error) {
			c.authorization, err = authorizationv1.NewForConfigAndClient(config, client)
			return err
		},
		func() (err error) {
			c.certificates, err = certificatesv1.NewForConfigAndClient(config, client)
			return err
		},
		func() (err error) {
			c.coordination, err = coordinationv1.NewForConfigAndClient(config, client)
			return err
		},
		func() (err error) { c.core, err = corev1.NewForConfigAndClient(config, client); return err },
		func() (err error) { c.rbac, err = rbacv1.NewForConfigAndClient(config, client); return err },
	} {
		if err := make(); err != nil {
			return nil, err
		}
	}
	return &c, nil
}
