package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"provision/test/controlplane"
)

const (
	namespace       = "bench"
	ledgerNamespace = "provision-system"
	operator        = "operator"
	// bucketFull is how long the stock signer must be idle until it issues 30 at once again: 1.5 s at 20 a second,
	// and some more.
	bucketFull = 4 * time.Second
	// quietCPU is the part of one core below which the servers count as idle.
	quietCPU   = 0.1
	quietLimit = 2 * time.Minute
)

// raisedLimit lifts the signer's own limit of 20 requests a second out of the way.
var raisedLimit = []string{"--kube-api-qps=5000", "--kube-api-burst=5000"}

// plane is a control plane to measure against.
type plane struct {
	*controlplane.ControlPlane
	admin      *kubernetes.Clientset
	kubeconfig string // of the operator: cluster-admin by a binding, so priority and fairness applies to him as to anybody
	pids       map[string]int
}

// startPlane starts a control plane whose kube-controller-manager has these flags.
func (b *bench) startPlane(ctx context.Context, flags ...string) (*plane, error) {
	c, err := controlplane.Start(ctx, controlplane.Options{
		Binary: b.kubernetes, Log: b.log, Flags: map[string][]string{controlplane.ControllerManager: flags},
	})
	if err != nil {
		return nil, err
	}
	p := &plane{ControlPlane: c}
	if err := p.prepare(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return p, nil
}

func (p *plane) prepare(ctx context.Context) (err error) {
	if p.admin, err = clientFor(p.Kubeconfig()); err != nil {
		return err
	}
	if p.kubeconfig, err = p.ClientKubeconfig(operator); err != nil {
		return err
	}
	_, err = p.admin.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "bench-operator"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: operator}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = p.admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	own, err := clientFor(p.kubeconfig)
	if err != nil {
		return err
	}
	for { // the authorizer follows the binding
		_, err := own.CertificatesV1().CertificateSigningRequests().List(ctx, metav1.ListOptions{Limit: 1})
		if !apierrors.IsForbidden(err) {
			p.pids = serverPIDs(p.Dir())
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func clientFor(kubeconfig string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

// measure runs a command as the operator and adds what the servers did meanwhile.
func (p *plane) measure(ctx context.Context, c command) (sample, error) {
	c.env = append(c.env, "KUBECONFIG="+p.kubeconfig, "PATH="+p.BinDir()+string(os.PathListSeparator)+os.Getenv("PATH"))
	before, refusedBefore, err := p.requests(ctx)
	if err != nil {
		return sample{}, err
	}
	cpuBefore := p.serverCPU()
	s, err := execute(ctx, c)
	if err != nil {
		return s, err
	}
	s.Servers = map[string]float64{}
	for name, seconds := range p.serverCPU() {
		s.Servers[name] = seconds - cpuBefore[name]
	}
	after, refused, err := p.requests(ctx)
	if err != nil {
		return s, err
	}
	s.Requests, s.Refused = map[string]int{}, refused-refusedBefore
	for name, count := range after {
		if d := count - before[name]; d != 0 {
			s.Requests[name] = d
		}
	}
	return s, nil
}

var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

// requests reads what the API server has answered so far, by verb and resource, and how many with 429. What is not
// about a resource (this very question, health, discovery) is left out.
func (p *plane) requests(ctx context.Context) (map[string]int, int, error) {
	text, err := p.admin.CoreV1().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read the API server's metrics: %w", err)
	}
	counts, refused := map[string]int{}, 0
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, "apiserver_request_total{")
		if !ok {
			continue
		}
		labels, value, ok := strings.Cut(rest, "} ")
		if !ok {
			continue
		}
		count, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return nil, 0, fmt.Errorf("read the API server's metrics: %q", line)
		}
		of := map[string]string{}
		for _, m := range label.FindAllStringSubmatch(labels, -1) {
			of[m[1]] = m[2]
		}
		if of["resource"] == "" {
			continue
		}
		name := of["verb"] + " " + of["resource"]
		if of["subresource"] != "" {
			name += "/" + of["subresource"]
		}
		counts[name] += int(count)
		if of["code"] == "429" {
			refused += int(count)
		}
	}
	return counts, refused, nil
}

// clean removes what the last run has made and waits until the servers have come to rest.
func (p *plane) clean(ctx context.Context) error {
	all := metav1.ListOptions{}
	if err := p.deleteRequests(ctx); err != nil {
		return err
	}
	if err := p.admin.RbacV1().RoleBindings(namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, all); err != nil {
		return err
	}
	if err := p.deleteBlocks(ctx); err != nil {
		return err
	}
	ours := metav1.ListOptions{LabelSelector: "provision/ledger=true"}
	if err := p.admin.CoreV1().ConfigMaps(ledgerNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, ours); err != nil {
		return err
	}
	if err := p.admin.CoordinationV1().Leases(ledgerNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, all); err != nil {
		return err
	}
	return p.quiet(ctx)
}

// deleteRequests does what the control plane itself does an hour or two later.
func (p *plane) deleteRequests(ctx context.Context) error {
	for {
		err := p.admin.CertificatesV1().CertificateSigningRequests().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
		if err != nil && !apierrors.IsTimeout(err) && !apierrors.IsServerTimeout(err) {
			return err
		}
		left, err := p.admin.CertificatesV1().CertificateSigningRequests().List(ctx, metav1.ListOptions{Limit: 1})
		if err != nil {
			return err
		}
		if len(left.Items) == 0 {
			return nil
		}
	}
}

// quiet waits until the servers use next to no CPU. Where that cannot be seen, it waits for a fixed time.
func (p *plane) quiet(ctx context.Context) error {
	const look = 500 * time.Millisecond
	for until := time.Now().Add(quietLimit); time.Now().Before(until); {
		before := p.serverCPU()
		if len(before) == 0 {
			return pause(ctx, 2*time.Second)
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
		used := 0.0
		for name, seconds := range p.serverCPU() {
			used += seconds - before[name]
		}
		if used < quietCPU*look.Seconds() {
			return nil
		}
	}
	return nil // a busy machine: the load in the results tells
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// serverPIDs finds the servers of a control plane: they run in its folder. Linux only; empty elsewhere.
func serverPIDs(dir string) map[string]int {
	found := map[string]int{}
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range commands {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		args := strings.Split(string(text), "\x00")
		if cwd, err := os.Readlink(filepath.Join(filepath.Dir(path), "cwd")); err != nil || cwd != dir || len(args) < 2 {
			continue
		}
		switch args[1] {
		case controlplane.Etcd, controlplane.APIServer, controlplane.ControllerManager:
			found[args[1]] = pid
		}
	}
	return found
}

// serverCPU is the CPU time that each server has used so far.
func (p *plane) serverCPU() map[string]float64 {
	const ticks = 100 // USER_HZ, the same on every Linux
	used := map[string]float64{}
	for name, pid := range p.pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ") // behind the name, which may hold blanks
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			continue
		}
		user, _ := strconv.ParseFloat(fields[11], 64)
		system, _ := strconv.ParseFloat(fields[12], 64)
		used[name] = (user + system) / ticks
	}
	return used
}
