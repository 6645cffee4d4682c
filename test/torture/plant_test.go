package torture_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/test/internal/harness"
)

const (
	// plantedAnnotation tells the observer that a request is not the program's.
	plantedAnnotation = "torture/planted"
	plantedAtOnce     = 2
)

// plant does what somebody could who may create requests: for keys whose request was not sent before the kill, it sends
// one under the same name, for the same user and groups, made with a key of its own. It is even sent by the operator's
// own username, so that nothing but the key tells it from ours.
func (s *set) plant(left harness.Directory) {
	requests, err := harness.Requests(s.ctx, s.client, s.name)
	if err != nil {
		s.Fatal(err)
	}
	unsent := slices.DeleteFunc(slices.Sorted(maps.Keys(left.Journal)), func(user string) bool {
		_, ok := requests[left.Journal[user].Request]
		return ok
	})
	s.random.Shuffle(len(unsent), func(i, j int) { unsent[i], unsent[j] = unsent[j], unsent[i] })
	for _, user := range unsent[:min(plantedAtOnce, len(unsent))] {
		object, err := s.client.CertificatesV1().CertificateSigningRequests().Create(s.ctx, s.swapped(user, left.Journal[user].Request), metav1.CreateOptions{})
		if err != nil {
			s.Fatal(err)
		}
		s.bait[object.Name] = object.UID
		s.planted++
	}
}

// swapped is a request like the program's own, made with another key.
func (s *set) swapped(user, name string) *certificatesv1.CertificateSigningRequest {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	template := x509.CertificateRequest{Subject: pkix.Name{CommonName: user, Organization: s.users[user]}}
	request, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	if err != nil {
		s.Fatal(err)
	}
	seconds := int32(3600)
	return &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{harness.SetLabel: s.name}, Annotations: map[string]string{plantedAnnotation: "true"},
		},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:           pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}),
			SignerName:        certificatesv1.KubeAPIServerClientSignerName,
			ExpirationSeconds: &seconds,
			Usages:            []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
		},
	}
}

// checkPlanted checks that nobody touched what was planted.
func (s *set) checkPlanted() {
	s.Helper()
	for name, uid := range s.bait {
		r, err := s.client.CertificatesV1().CertificateSigningRequests().Get(s.ctx, name, metav1.GetOptions{})
		switch {
		case err != nil:
			s.Errorf("a planted request: %v", err)
		case r.UID != uid || len(r.Status.Conditions) > 0 || len(r.Status.Certificate) > 0:
			s.Errorf("%s was made with another key, and was approved: %+v", name, r.Status.Conditions)
		}
	}
}

// unplant removes what was planted.
func (s *set) unplant() {
	s.Helper()
	for name := range s.bait {
		if err := s.client.CertificatesV1().CertificateSigningRequests().Delete(s.ctx, name, metav1.DeleteOptions{}); err != nil {
			s.Fatal(err)
		}
	}
	clear(s.bait)
}
