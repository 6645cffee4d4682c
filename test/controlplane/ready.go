package controlplane

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/http"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"
)

// awaitEtcd waits until etcd serves.
func (c *ControlPlane) awaitEtcd(ctx context.Context, p *process) error {
	url := fmt.Sprintf("http://127.0.0.1:%d/readyz", c.ports.etcd)
	return p.await(ctx, "/readyz", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
}

// awaitReady waits until the API server at an address is ready.
func (c *ControlPlane) awaitReady(ctx context.Context, p *process, server string) error {
	client, err := c.adminAt(server)
	if err != nil {
		return err
	}
	return p.await(ctx, "/readyz", func(ctx context.Context) error {
		return client.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// awaitAPIServer waits until the API server is ready, which includes the
// bootstrap roles, and until the default namespace exists, which it makes a
// little later.
func (c *ControlPlane) awaitAPIServer(ctx context.Context, p *process) error {
	client, err := c.admin()
	if err != nil {
		return err
	}
	err = p.await(ctx, "/readyz", func(ctx context.Context) error {
		return client.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return err
	}
	return p.await(ctx, "namespace default", func(ctx context.Context) error {
		_, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{})
		return err
	})
}

// awaitControllerManager waits until the controller manager leads, until its
// controllers have done what a new cluster needs from them, and until it has
// signed a certificate, unless its flags forbid that.
func (c *ControlPlane) awaitControllerManager(ctx context.Context, p *process) error {
	client, err := c.admin()
	if err != nil {
		return err
	}
	err = p.await(ctx, "the lease", func(ctx context.Context) error {
		_, err := client.CoordinationV1().Leases(metav1.NamespaceSystem).Get(ctx, controllerManagerLease, metav1.GetOptions{})
		return err
	})
	if err != nil {
		return err
	}
	if signs(c.flags[ControllerManager]) {
		if err := c.awaitSigner(ctx, p, client); err != nil {
			return err
		}
	}
	err = p.await(ctx, "aggregated cluster roles", func(ctx context.Context) error {
		// These three have no rules until a controller has collected them.
		for _, name := range []string{"view", "edit", "admin"} {
			role, err := client.RbacV1().ClusterRoles().Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if len(role.Rules) == 0 {
				return fmt.Errorf("clusterrole/%s has no rules", name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.await(ctx, "configmap/kube-root-ca.crt", func(ctx context.Context) error {
		cm, err := client.CoreV1().ConfigMaps(metav1.NamespaceDefault).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if cm.Data["ca.crt"] != string(c.trusted) {
			return errors.New("it does not hold the CA of now")
		}
		return nil
	})
}

// awaitSigner has a certificate signed: the only proof that the signing
// controller runs.
func (c *ControlPlane) awaitSigner(ctx context.Context, p *process, client kubernetes.Interface) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	pem, err := cert.MakeCSR(key, &pkix.Name{CommonName: "provision-test-ready"}, nil, nil)
	if err != nil {
		return err
	}
	requests := client.CertificatesV1().CertificateSigningRequests()
	life := int32(600)
	request, err := requests.Create(ctx, &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "provision-test-ready-"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:           pem,
			SignerName:        certificatesv1.KubeAPIServerClientSignerName,
			ExpirationSeconds: &life,
			Usages:            []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create a certificatesigningrequest: %w", err)
	}
	request.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "ReadinessOfTheTest",
	}}
	if _, err := requests.UpdateApproval(ctx, request.Name, request, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("approve certificatesigningrequest %s: %w", request.Name, err)
	}
	err = p.await(ctx, "signed certificate", func(ctx context.Context) error {
		got, err := requests.Get(ctx, request.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(got.Status.Certificate) == 0 {
			return errors.New("no certificate yet")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return requests.Delete(ctx, request.Name, metav1.DeleteOptions{})
}

// controllerManagerLease is the name of the lease of the instance that leads.
const controllerManagerLease = "kube-controller-manager"

// freeLease deletes the lease of a controller manager that has ended. It is
// not released by itself, so the next one would wait for 15 s.
func (c *ControlPlane) freeLease(ctx context.Context) error {
	client, err := c.admin()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = client.CoordinationV1().Leases(metav1.NamespaceSystem).Delete(ctx, controllerManagerLease, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete lease/%s -n kube-system (start %s first if it is stopped): %w", controllerManagerLease, APIServer, err)
	}
	return nil
}
