package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/keyutil"
)

// page is how many objects one answer to a list has, as in client-go's own pager.
const page = 500

// minimalPlan is the lower bound of a plan: the same lists as plan makes (internal/cluster/observe.go), with the same
// pages, and beside them the same files read and decoded. It compares nothing and keeps nothing.
func minimalPlan(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("minimal-plan", flag.ContinueOnError)
	set := flags.String("set", "", "set")
	users := flags.String("users", "users.yaml", "users file")
	dir := flags.String("dir", "kubeconfigs", "output directory")
	decode := flags.Bool("decode", true, "decode the kubeconfigs, and the certificate and key in them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	data, err := os.ReadFile(*users)
	if err != nil {
		return err
	}
	var file struct {
		Users []struct{ Name string } `json:"users"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return err
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	config.QPS = -1
	useProtobuf(config)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return readFiles(*dir, len(file.Users), *decode) })
	g.Go(func() error { return lists(ctx, client, meta, *set) })
	return g.Wait()
}

// lists makes the requests of a plan.
func lists(ctx context.Context, client kubernetes.Interface, meta metadata.Interface, set string) error {
	_, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if _, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{}); err != nil {
		return err
	}
	mine := metav1.ListOptions{LabelSelector: setLabel + "=" + set}
	ledger := metav1.ListOptions{LabelSelector: mine.LabelSelector + ",provision/ledger=true"}
	g, ctx := errgroup.WithContext(ctx)
	list := func(o metav1.ListOptions, one func(metav1.ListOptions) (metav1.ListInterface, error)) {
		g.Go(func() error {
			o.Limit = page
			for {
				answer, err := one(o)
				if err != nil {
					return err
				}
				if o.Continue = answer.GetContinue(); o.Continue == "" {
					return nil
				}
			}
		})
	}
	list(mine, func(o metav1.ListOptions) (metav1.ListInterface, error) {
		return client.CertificatesV1().CertificateSigningRequests().List(ctx, o)
	})
	list(mine, func(o metav1.ListOptions) (metav1.ListInterface, error) {
		return client.RbacV1().ClusterRoles().List(ctx, o)
	})
	list(mine, func(o metav1.ListOptions) (metav1.ListInterface, error) {
		return client.RbacV1().Roles("").List(ctx, o)
	})
	list(mine, func(o metav1.ListOptions) (metav1.ListInterface, error) {
		return client.RbacV1().ClusterRoleBindings().List(ctx, o)
	})
	list(mine, func(o metav1.ListOptions) (metav1.ListInterface, error) {
		return client.RbacV1().RoleBindings("").List(ctx, o)
	})
	list(ledger, func(o metav1.ListOptions) (metav1.ListInterface, error) {
		return client.CoreV1().ConfigMaps(ledgerNamespace).List(ctx, o)
	})
	for _, resource := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "namespaces"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
	} {
		list(metav1.ListOptions{}, func(o metav1.ListOptions) (metav1.ListInterface, error) {
			return meta.Resource(resource).List(ctx, o)
		})
	}
	g.Go(func() error {
		_, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "extension-apiserver-authentication", metav1.GetOptions{})
		return err
	})
	return g.Wait()
}

// readFiles reads every kubeconfig on all cores.
func readFiles(dir string, want int, decode bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	found := 0
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".kubeconfig") {
			continue
		}
		found++
		g.Go(func() error {
			data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
			if err != nil || !decode {
				return err
			}
			return decodeKubeconfig(data)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if found != want {
		return fmt.Errorf("%d kubeconfigs for %d users", found, want)
	}
	return nil
}

func decodeKubeconfig(data []byte) error {
	config, err := clientcmd.Load(data)
	if err != nil {
		return err
	}
	for _, user := range config.AuthInfos {
		certificate, _ := pem.Decode(user.ClientCertificateData)
		if certificate == nil {
			return fmt.Errorf("a kubeconfig without certificate")
		}
		if _, err := x509.ParseCertificate(certificate.Bytes); err != nil {
			return err
		}
		if _, err := keyutil.ParsePrivateKeyPEM(user.ClientKeyData); err != nil {
			return err
		}
	}
	return nil
}
