package e2e_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/keyutil"

	"provision/test/controlplane"
)

// authority is a CA that can sign.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// clusterCA is the CA that the signer of a control plane has.
func clusterCA(ts *testscript.TestScript, c *controlplane.ControlPlane) authority {
	caPEM, err := c.CA()
	ts.Check(err)
	block, _ := pem.Decode(caPEM)
	ca, err := x509.ParseCertificate(block.Bytes)
	ts.Check(err)
	keyPEM, err := os.ReadFile(filepath.Join(c.Dir(), "pki", "ca.key"))
	ts.Check(err)
	key, err := keyutil.ParsePrivateKeyPEM(keyPEM)
	ts.Check(err)
	return authority{ca, key.(crypto.Signer)}
}

// newAuthority makes a CA, by a parent or by itself.
func newAuthority(ts *testscript.TestScript, name string, parent *authority) authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	if parent == nil {
		parent = &authority{template, key}
	}
	return authority{parent.sign(ts, template, key.Public()), key}
}

func (a authority) sign(ts *testscript.TestScript, template *x509.Certificate, public crypto.PublicKey) *x509.Certificate {
	c, err := a.issue(template, public)
	ts.Check(err)
	return c
}

func (a authority) issue(template *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, error) {
	var err error
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// signing is how a request is signed: template is as the stock signer makes it, and behind it nothing follows.
type signing struct {
	by       authority
	template *x509.Certificate
	public   crypto.PublicKey
	before   []*x509.Certificate
	behind   []*x509.Certificate
}

// shift signs as if the signer's clock were so far ahead.
func (s *signing) shift(d time.Duration) {
	s.template.NotBefore, s.template.NotAfter = s.template.NotBefore.Add(d), s.template.NotAfter.Add(d)
}

// signers are the ways in which the command signer signs. Each gets what it changes, the cluster's CA, an intermediate of
// that, and another CA that has the cluster's CA's name.
var signers = map[string]func(s *signing, root, middle, rogue authority){
	"good":  func(*signing, authority, authority, authority) {},
	"chain": func(s *signing, _, middle, _ authority) { s.by, s.behind = middle, list(middle) },
	"long-chain": func(s *signing, root, middle, rogue authority) {
		s.by, s.behind = middle, list(rogue, root, middle, middle)
	},
	"chain-in-front": func(s *signing, _, middle, _ authority) { s.by, s.before = middle, list(middle) },
	"broken-chain":   func(s *signing, _, middle, _ authority) { s.by = middle },
	"rogue":          func(s *signing, _, _, rogue authority) { s.by = rogue },
	"yesterday": func(s *signing, _, _, _ authority) {
		s.template.NotAfter = time.Now().Add(-24 * time.Hour)
		s.template.NotBefore = s.template.NotAfter.Add(-time.Hour)
	},
	"tomorrow": func(s *signing, _, _, _ authority) {
		s.template.NotBefore = time.Now().Add(24 * time.Hour)
		s.template.NotAfter = s.template.NotBefore.Add(time.Hour)
	},
	"two-hours-behind": func(s *signing, _, _, _ authority) { s.shift(-2 * time.Hour) },
	"two-hours-ahead":  func(s *signing, _, _, _ authority) { s.shift(2 * time.Hour) },
	"organization":     func(s *signing, _, _, _ authority) { s.template.Subject.Organization = []string{"system:masters"} },
	"unit":             func(s *signing, _, _, _ authority) { s.template.Subject.OrganizationalUnit = []string{"unit"} },
	"authority":        func(s *signing, _, _, _ authority) { s.template.IsCA = true },
	"for-servers": func(s *signing, _, _, _ authority) {
		s.template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	},
	"dns-name":      func(s *signing, _, _, _ authority) { s.template.DNSNames = []string{"kubernetes"} },
	"other-name":    alternativeName(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: []byte{0x06, 0x02, 0x2a, 0x03, 0xa0, 0x03, 0x0c, 0x01, 'x'}}),
	"registered-id": alternativeName(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 8, Bytes: []byte{0x2a, 0x03}}),
	"another-key":   func(s *signing, _, _, rogue authority) { s.public = rogue.key.Public() },
	"another-user":  func(s *signing, _, _, _ authority) { s.template.Subject.CommonName = "admin" },
}

func list(cas ...authority) []*x509.Certificate {
	var all []*x509.Certificate
	for _, ca := range cas {
		all = append(all, ca.cert)
	}
	return all
}

func alternativeName(name asn1.RawValue) func(*signing, authority, authority, authority) {
	return func(s *signing, _, _, _ authority) {
		value, err := asn1.Marshal([]asn1.RawValue{name})
		if err != nil {
			panic(err) // it is constant
		}
		s.template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: value}}
	}
}

// signerKey is the key of a script's signer among its values: what ends it.
type signerKey struct{}

// signer takes the place of kube-controller-manager, which does not run: from here on it signs what is approved of the
// script's set, in one of the ways of signers, until another way is named or it is told to stop.
func signer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 1 && (args[0] == "stop" || signers[args[0]] != nil), "signer WAY|stop")
	end := ts.Value(signerKey{}).(*func())
	(*end)()
	*end = func() {}
	if args[0] != "stop" {
		*end = startSigner(ts, args[0])
	}
}

func startSigner(ts *testscript.TestScript, way string) (end func()) {
	c := plane(ts)
	root := clusterCA(ts, c)
	middle, rogue := newAuthority(ts, "middle", &root), newAuthority(ts, root.cert.Subject.CommonName, nil)
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	ts.Check(err)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	ts.Check(err)
	api, set := client.CertificatesV1().CertificateSigningRequests(), ts.Getenv("SET")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			found, err := api.List(ctx, metav1.ListOptions{LabelSelector: "provision/set=" + set})
			if err != nil {
				continue // the next time
			}
			for _, r := range found.Items {
				approved := slices.ContainsFunc(r.Status.Conditions, func(c certificatesv1.CertificateSigningRequestCondition) bool {
					return c.Type == certificatesv1.CertificateApproved
				})
				if !approved || len(r.Status.Certificate) > 0 {
					continue
				}
				if r.Status.Certificate, err = signed(&r, signers[way], root, middle, rogue); err == nil {
					_, _ = api.UpdateStatus(ctx, &r, metav1.UpdateOptions{})
				}
			}
		}
	}()
	return func() {
		stop()
		<-ended
	}
}

// signed is what a signer makes of a request.
func signed(r *certificatesv1.CertificateSigningRequest, change func(s *signing, root, middle, rogue authority), root, middle, rogue authority) ([]byte, error) {
	block, _ := pem.Decode(r.Spec.Request)
	asked, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	s := &signing{by: root, public: asked.PublicKey, template: &x509.Certificate{
		Subject:               pkix.Name{CommonName: asked.Subject.CommonName, Organization: asked.Subject.Organization},
		NotBefore:             time.Now().Add(-5 * time.Minute),
		NotAfter:              time.Now().Add(time.Duration(*r.Spec.ExpirationSeconds) * time.Second),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}}
	change(s, root, middle, rogue)
	leaf, err := s.by.issue(s.template, s.public)
	if err != nil {
		return nil, err
	}
	var data []byte
	for _, c := range slices.Concat(s.before, []*x509.Certificate{leaf}, s.behind) {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return data, nil
}
