package harness

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// SetLabel is the label of all that belongs to a set.
	SetLabel = "provision/set"
	// LedgerNamespace is where a set's ledger and lock are, unless its file says otherwise.
	LedgerNamespace = "provision-system"
)

// Client returns a client for a kubeconfig, with no limit of its own.
func Client(kubeconfig string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

// LogIn logs in with a kubeconfig and returns whom the API server sees.
func LogIn(ctx context.Context, kubeconfig string) (user string, groups []string, err error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return "", nil, err
	}
	config.Timeout = 30 * time.Second
	config.Dial = (&net.Dialer{}).DialContext // else client-go keeps the connection for the next who has the same key
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return "", nil, err
	}
	defer transport.CloseIdleConnections()
	client, err := kubernetes.NewForConfigAndClient(config, transport)
	if err != nil {
		return "", nil, err
	}
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", nil, fmt.Errorf("log in with %s: %w", kubeconfig, err)
	}
	info := review.Status.UserInfo
	groups = slices.DeleteFunc(info.Groups, func(g string) bool { return g == "system:authenticated" })
	slices.Sort(groups)
	return info.Username, groups, nil
}

// Record is an entry of a set's ledger.
type Record struct {
	User, KeyHash, Request, Serial string
	NotAfter                       time.Time
}

// Ledger reads the ledger of a set, by key.
func Ledger(ctx context.Context, client kubernetes.Interface, set string) (map[string]Record, error) {
	list, err := client.CoreV1().ConfigMaps(LedgerNamespace).List(ctx, metav1.ListOptions{LabelSelector: SetLabel + "=" + set})
	if err != nil {
		return nil, err
	}
	records := map[string]Record{}
	for _, m := range list.Items {
		for _, r := range RecordsIn(&m) {
			records[r.KeyHash] = r
		}
	}
	return records, nil
}

// RecordsIn returns the records in one ConfigMap of a ledger; what is not one is left out.
func RecordsIn(m *corev1.ConfigMap) []Record {
	var list []Record
	for _, value := range m.Data {
		var r Record
		if json.Unmarshal([]byte(value), &r) == nil && r.KeyHash != "" {
			list = append(list, r)
		}
	}
	return list
}

// Request is a CertificateSigningRequest of a set.
type Request struct {
	*certificatesv1.CertificateSigningRequest
	KeyHash string            // of the key that made it
	User    string            // common name in it
	Leaf    *x509.Certificate // nil: not issued
}

// Requests lists the requests of a set, by name.
func Requests(ctx context.Context, client kubernetes.Interface, set string) (map[string]Request, error) {
	list, err := client.CertificatesV1().CertificateSigningRequests().List(ctx, metav1.ListOptions{LabelSelector: SetLabel + "=" + set})
	if err != nil {
		return nil, err
	}
	requests := map[string]Request{}
	for _, object := range list.Items {
		r, err := NewRequest(&object)
		if err != nil {
			return nil, err
		}
		requests[object.Name] = r
	}
	return requests, nil
}

// NewRequest reads a request.
func NewRequest(object *certificatesv1.CertificateSigningRequest) (Request, error) {
	r := Request{CertificateSigningRequest: object}
	block, _ := pem.Decode(object.Spec.Request)
	if block == nil {
		return r, fmt.Errorf("%s has no request", object.Name)
	}
	parsed, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return r, fmt.Errorf("%s: %w", object.Name, err)
	}
	r.KeyHash, r.User = hashOf(parsed.RawSubjectPublicKeyInfo), parsed.Subject.CommonName
	if block, _ := pem.Decode(object.Status.Certificate); block != nil {
		if r.Leaf, err = x509.ParseCertificate(block.Bytes); err != nil {
			return r, fmt.Errorf("%s: %w", object.Name, err)
		}
	}
	return r, nil
}

// Has tells whether a request has a condition.
func (r Request) Has(condition certificatesv1.RequestConditionType) bool {
	return slices.ContainsFunc(r.Status.Conditions, func(c certificatesv1.CertificateSigningRequestCondition) bool { return c.Type == condition })
}

// Open tells whether a certificate may still come of a request.
func (r Request) Open() bool {
	return r.Leaf == nil && !r.Has(certificatesv1.CertificateDenied) && !r.Has(certificatesv1.CertificateFailed)
}

// CheckComplete checks what must hold once an apply of all users has ended well, whatever happened before: each user has
// a kubeconfig, nothing is left of the work, and the ledger lists every certificate. It returns all that does not hold.
// Whether the kubeconfigs work is for CheckLogins.
func CheckComplete(ctx context.Context, client kubernetes.Interface, dir, set string, users map[string][]string) []string {
	var wrong []string
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	d, err := ReadDirectory(dir)
	if err != nil {
		complain("half-written: %v", err)
	}
	for _, list := range [][]string{d.Temporary, d.Others} {
		if len(list) > 0 {
			complain("left in the directory: %s", strings.Join(list, " "))
		}
	}
	if len(d.Journal) > 0 {
		complain("%d keys are left in the journal", len(d.Journal))
	}
	if len(d.Kubeconfigs) != len(users) {
		complain("%d kubeconfigs for %d users", len(d.Kubeconfigs), len(users))
	}
	requests, err := Requests(ctx, client, set)
	if err != nil {
		complain("%v", err)
	}
	ledger, err := Ledger(ctx, client, set)
	if err != nil {
		complain("%v", err)
	}
	for name, r := range requests {
		if r.Open() {
			complain("%s is left open", name)
		}
		if r.Leaf == nil {
			continue
		}
		record, ok := ledger[r.KeyHash]
		switch {
		case !ok:
			complain("%s was issued, and the ledger does not know it", name)
		case record.Serial != r.Leaf.SerialNumber.Text(16) || !record.NotAfter.Equal(r.Leaf.NotAfter):
			complain("%s was issued, and the ledger says serial %q until %v", name, record.Serial, record.NotAfter)
		}
	}
	for user, k := range d.Kubeconfigs {
		if record, ok := ledger[k.KeyHash]; !ok || record.User != user || record.Serial != k.Leaf.SerialNumber.Text(16) {
			complain("the ledger does not list the certificate of %s: %+v", user, record)
		}
	}
	return wrong
}

// CheckLogins logs in with every kubeconfig of a directory, as each user would.
func CheckLogins(ctx context.Context, d Directory, users map[string][]string) []string {
	const atOnce = 8
	var wrong []string
	found := make(chan string, len(users)) // has room for all
	free := make(chan struct{}, atOnce)
	for user, want := range users {
		free <- struct{}{}
		go func() {
			defer func() { <-free }()
			k, ok := d.Kubeconfigs[user]
			if !ok {
				found <- user + " has no kubeconfig"
				return
			}
			name, groups, err := LogIn(ctx, k.Path)
			switch {
			case err != nil:
				found <- err.Error()
			case name != user || !slices.Equal(groups, want):
				found <- fmt.Sprintf("%s logs in as %s with groups %v", user, name, groups)
			default:
				found <- ""
			}
		}()
	}
	for range users {
		if one := <-found; one != "" {
			wrong = append(wrong, one)
		}
	}
	return wrong
}
