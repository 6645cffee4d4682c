package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// setLabel is the label by which provision's informer chooses; the minimal client's requests carry it too.
const setLabel = "provision/set"

// minimalClient is the lower bound of an apply: for each user a key, a request and its approval, one informer that
// waits for the certificates, and the bindings. No plan, no file, no ledger, no check of what comes back.
func minimalClient(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("minimal-client", flag.ContinueOnError)
	n := flags.Int("n", 100, "users")
	set := flags.String("set", "minimal", "set")
	each := flags.Bool("binding-each", false, "a RoleBinding for each user instead of one for a thousand")
	workers := flags.Int("workers", 32, "requests at once")
	connections := flags.Int("connections", 1, "connections to the API server")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	useProtobuf(config)
	clients := make([]*kubernetes.Clientset, *connections)
	for i := range clients {
		own := rest.CopyConfig(config)
		own.Dial = (&net.Dialer{}).DialContext // of its own: client-go shares connections between equal configurations
		if clients[i], err = kubernetes.NewForConfig(own); err != nil {
			return err
		}
	}
	issued, err := awaitCertificates(ctx, clients[0], *set, *n)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	if !*each {
		g.Go(func() error { return bindShared(ctx, clients[0], *set, *n) })
	}
	var next atomic.Int64
	for w := range *workers {
		client := clients[w%len(clients)]
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				switch {
				case i < *n:
					if err := request(ctx, client, *set, i); err != nil {
						return err
					}
				case *each && i < 2**n: // while the signer works off its queue
					if err := bindEach(ctx, client, *set, i-*n); err != nil {
						return err
					}
				default:
					return nil
				}
			}
		})
	}
	g.Go(func() error {
		select {
		case <-issued:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	return g.Wait()
}

func useProtobuf(config *rest.Config) {
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
}

// awaitCertificates starts the informer. The channel closes when n requests have a certificate. Nothing waits for its
// first list: what is created before it is in it.
func awaitCertificates(ctx context.Context, client kubernetes.Interface, set string, n int) (<-chan struct{}, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = setLabel + "=" + set }),
		informers.WithTransform(func(obj any) (any, error) {
			if r, ok := obj.(*certificatesv1.CertificateSigningRequest); ok {
				r.ManagedFields = nil
				r.Spec = certificatesv1.CertificateSigningRequestSpec{}
			}
			return obj, nil
		}))
	informer := factory.Certificates().V1().CertificateSigningRequests().Informer()
	done := make(chan struct{})
	var mu sync.Mutex
	have := map[string]bool{}
	see := func(obj any) {
		r, ok := obj.(*certificatesv1.CertificateSigningRequest)
		if !ok || len(r.Status.Certificate) == 0 {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if !have[r.Name] {
			have[r.Name] = true
			if len(have) == n {
				close(done)
			}
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: see, UpdateFunc: func(_, obj any) { see(obj) }})
	if err != nil {
		return nil, err
	}
	go informer.RunWithContext(ctx)
	return done, nil
}

func userName(i int) string { return fmt.Sprintf("user-%05d", i) }

// request makes a key and a request, sends it and approves it.
func request(ctx context.Context, client kubernetes.Interface, set string, i int) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: userName(i), Organization: []string{"bench:team"}},
	}, key)
	if err != nil {
		return err
	}
	requests := client.CertificatesV1().CertificateSigningRequests()
	life := int32(24 * 60 * 60)
	made, err := requests.Create(ctx, &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: set + ":" + userName(i), Labels: map[string]string{setLabel: set}},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:           pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			SignerName:        certificatesv1.KubeAPIServerClientSignerName,
			ExpirationSeconds: &life,
			Usages:            []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "Bench",
	}}
	_, err = requests.UpdateApproval(ctx, made.Name, made, metav1.UpdateOptions{})
	return err
}

func bindEach(ctx context.Context, client kubernetes.Interface, set string, i int) error {
	return bind(ctx, client, set, userName(i), []rbacv1.Subject{subject(i)})
}

func bindShared(ctx context.Context, client kubernetes.Interface, set string, n int) error {
	const most = 1000
	for from := 0; from < n; from += most {
		var subjects []rbacv1.Subject
		for i := from; i < min(from+most, n); i++ {
			subjects = append(subjects, subject(i))
		}
		if err := bind(ctx, client, set, fmt.Sprint(from), subjects); err != nil {
			return err
		}
	}
	return nil
}

func subject(i int) rbacv1.Subject {
	return rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: userName(i)}
}

func bind(ctx context.Context, client kubernetes.Interface, set, name string, subjects []rbacv1.Subject) error {
	_, err := client.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: set + ":" + name, Labels: map[string]string{setLabel: set}},
		Subjects:   subjects,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
	}, metav1.CreateOptions{})
	return err
}
