package controlplane

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// The life of the cluster CA and of the certificates that this package signs
// itself; both are kubeadm's.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
)

// authority is the cluster's certificate authority: one CA for serving and for
// client certificates, as kubeadm makes it. Keys are ECDSA because they are
// made in no time.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// pair is a certificate and its key, as PEM.
type pair struct {
	cert, key []byte
}

// newAuthority makes a CA. Its name is always "kubernetes", so that a CA and
// its successor differ in nothing but the key, as in a real rotation.
func newAuthority(life time.Duration) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "kubernetes"},
		DNSNames:              []string{"kubernetes"},
		NotBefore:             now.Add(-24 * time.Hour), // a CA is older than its users: stories have clocks that are behind
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert: c, key: key}, nil
}

// client makes a client certificate for a user in groups.
func (a *authority) client(user string, groups ...string) (pair, error) {
	return a.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// serving makes the certificate of kube-apiserver.
func (a *authority) serving() (pair, error) {
	return a.sign(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)},
	})
}

// sign completes the template with a new key, a serial number and a life that
// does not go beyond the CA's.
func (a *authority) sign(template *x509.Certificate) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	now := time.Now()
	template.SerialNumber = serial()
	template.NotBefore = now.Add(-5 * time.Minute)
	template.NotAfter = now.Add(leafLife)
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	template.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return pair{}, err
	}
	return encode(&x509.Certificate{Raw: der}, key)
}

func encode(c *x509.Certificate, key crypto.Signer) (pair, error) {
	certPEM, err := cert.EncodeCertificates(c)
	if err != nil {
		return pair{}, err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	return pair{certPEM, keyPEM}, err
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return n.Add(n, big.NewInt(1))
}

// writePKI writes what the servers read: ca.crt and ca.key (the signing CA,
// exactly one certificate), trusted.crt (the CA and, in a rotation, its
// predecessors), apiserver.crt and apiserver.key, and sa.key, which it leaves
// alone when it exists.
func writePKI(dir string, a *authority, trusted []byte) error {
	ca, err := encode(a.cert, a.key)
	if err != nil {
		return err
	}
	serving, err := a.serving()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"ca.crt":        ca.cert,
		"ca.key":        ca.key,
		"trusted.crt":   trusted,
		"apiserver.crt": serving.cert,
		"apiserver.key": serving.key,
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	// kube-apiserver takes the public half from the same file.
	_, _, err = keyutil.LoadOrGenerateKeyFile(filepath.Join(dir, "sa.key"))
	return err
}

// makeCA makes a new CA, all that it signs, and the administrator's and the
// controller manager's kubeconfig. old are PEM certificates to be trusted too.
func (c *ControlPlane) makeCA(old []byte, life time.Duration) error {
	ca, err := newAuthority(life)
	if err != nil {
		return err
	}
	own, err := encode(ca.cert, ca.key)
	if err != nil {
		return err
	}
	c.ca, c.trusted = ca, append(own.cert, old...)
	if err := writePKI(filepath.Join(c.dir, "pki"), c.ca, c.trusted); err != nil {
		return err
	}
	if err := c.writeKubeconfig(c.Kubeconfig(), "admin", "system:masters"); err != nil {
		return err
	}
	return c.writeKubeconfig(c.controllerManagerKubeconfig(), "system:kube-controller-manager")
}

func (c *ControlPlane) controllerManagerKubeconfig() string {
	return filepath.Join(c.dir, "kube-controller-manager.kubeconfig")
}

func (c *ControlPlane) writeKubeconfig(path, user string, groups ...string) error {
	client, err := c.ca.client(user, groups...)
	if err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: c.Server(), CertificateAuthorityData: c.trusted}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: client.cert, ClientKeyData: client.key}
	config.Contexts[user+"@test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: user}
	config.CurrentContext = user + "@test"
	return clientcmd.WriteToFile(*config, path)
}
