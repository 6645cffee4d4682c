package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	revokeName = "provision revoke"
	// elsewhere is a namespace in which others have granted something.
	elsewhere = "bench-elsewhere"
	askEvery  = 5 * time.Millisecond
	// revokeTarget is how many seconds it may take from the start of a command until the leaver is refused.
	revokeTarget = 2
	// What a leaver asks for: nothing else here asks for these.
	readServices, makeAccounts = "GET services", "POST serviceaccounts"
)

// revoke measures how long a leaver still reads and writes, and what the block costs everybody else.
func (b *bench) revoke(ctx context.Context, r *result) error {
	r.About = fmt.Sprintf("`provision revoke USER --yes` of one of 10 to 10,000 users, whose own two clients go on asking every %d ms, each over one\n"+
		"connection: for a read that only the set grants, and for a write (a dry run) that somebody else's binding grants. Times are from the start of the\n"+
		"process until the first answer that refuses. Each of %d rounds has another leaver; the first one's block is the first of the cluster.", askEvery.Milliseconds(), b.rounds)
	p, err := b.startPlane(ctx, raisedLimit...)
	if err != nil {
		return err
	}
	defer p.Stop()
	if err := p.foreign(ctx); err != nil {
		return err
	}
	if _, err := b.run(ctx, p, &result{}, 0, b.minimal("warm-up", "warm-up", 100)); err != nil {
		return err
	}
	for _, n := range b.revokeSizes {
		if err := b.revokeOf(ctx, p, r, n); err != nil {
			return fmt.Errorf("%d users: %w", n, err)
		}
	}
	b.revokeTables(r)
	return b.blockCost(ctx, p, r)
}

// foreign makes a namespace where the group of all users of the bench may edit by somebody else's binding.
func (p *plane) foreign(ctx context.Context) error {
	_, err := p.admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: elsewhere}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = p.admin.RbacV1().RoleBindings(elsewhere).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "theirs"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: "bench:team"}},
	}, metav1.CreateOptions{})
	return err
}

// revokeOf applies n users and revokes one of them in each round.
func (b *bench) revokeOf(ctx context.Context, p *plane, r *result, n int) error {
	apply, err := b.apply(b.temp, fmt.Sprintf("revoke-%d", n), n, "ECDSA-P256")
	if err != nil {
		return err
	}
	if _, err := b.run(ctx, p, r, 1, apply); err != nil {
		return err
	}
	for round := range b.rounds {
		user := userName(n/2 + round) // in the middle of all lists
		kubeconfig := filepath.Join(apply.dir, "kubeconfigs", user+".kubeconfig")
		reads, err := newAsker(ctx, kubeconfig, readServices)
		if err != nil {
			return err
		}
		writes, err := newAsker(ctx, kubeconfig, makeAccounts)
		if err != nil {
			return err
		}
		if err := p.quiet(ctx); err != nil {
			return err
		}
		asking, done := context.WithCancel(ctx)
		reads.begin(asking)
		writes.begin(asking)
		s, err := p.measure(ctx, command{name: revokeName, users: n, dir: apply.dir, argv: []string{b.binary, "revoke", user, "--yes"}})
		if err == nil {
			err = reads.await(&s.Read, s.begun)
		}
		if err == nil {
			err = writes.await(&s.Written, s.begun)
		}
		done()
		if err != nil {
			return err
		}
		delete(s.Requests, readServices)
		delete(s.Requests, makeAccounts)
		s.Round = round + 1
		r.Samples = append(r.Samples, s)
		fmt.Fprintf(b.log, "round %d: %s, %d users: reads refused after %.2f s, writes after %.2f s, ended after %.2f s, %s\n",
			s.Round, s.Name, n, s.Read, s.Written, s.Wall, megabytes(float64(s.RSS)))
	}
	return nil
}

// asker is a client of a leaver, over one connection of its own.
type asker struct {
	what    string
	ask     func(context.Context) error
	refused chan time.Time // the first answer that refuses
	failed  chan error
}

func newAsker(ctx context.Context, kubeconfig, what string) (*asker, error) {
	client, err := ownConnection(kubeconfig)
	if err != nil {
		return nil, err
	}
	a := &asker{what: what, refused: make(chan time.Time, 1), failed: make(chan error, 1)}
	switch what {
	case readServices:
		a.ask = func(ctx context.Context) error {
			_, err := client.CoreV1().Services(namespace).Get(ctx, "none", metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return nil
			}
			return err
		}
	case makeAccounts:
		object := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{GenerateName: "bench-"}}
		a.ask = func(ctx context.Context) error {
			_, err := client.CoreV1().ServiceAccounts(elsewhere).Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			return err
		}
	}
	if err := a.ask(ctx); err != nil {
		return nil, fmt.Errorf("before the revoke: %s: %w", what, err)
	}
	return a, nil
}

// ownConnection returns a client that shares its connection with no other.
func ownConnection(kubeconfig string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.WarningHandler = -1, rest.NoWarnings{}
	config.Dial = (&net.Dialer{}).DialContext
	return kubernetes.NewForConfig(config)
}

// begin asks until it is refused, or until ctx ends.
func (a *asker) begin(ctx context.Context) {
	go func() {
		for ctx.Err() == nil {
			err := a.ask(ctx)
			switch {
			case apierrors.IsForbidden(err):
				a.refused <- time.Now()
				return
			case err != nil:
				a.failed <- fmt.Errorf("%s: %w", a.what, err)
				return
			}
			time.Sleep(askEvery)
		}
	}()
}

// await tells after how many seconds the client was refused.
func (a *asker) await(after *float64, since time.Time) error {
	select {
	case at := <-a.refused:
		*after = at.Sub(since).Seconds()
		return nil
	case err := <-a.failed:
		return err
	case <-time.After(10 * time.Second):
		return fmt.Errorf("%s is still allowed 10 s after the command has ended", a.what)
	}
}

func (b *bench) revokeTables(r *result) {
	t := r.table("From the start of `provision revoke` until the leaver is refused", "users", "block: writes by others' bindings, s", "RBAC: reads by the set's, s",
		"the whole command, s", "CPU s", "peak memory", "requests")
	var found []string
	for _, n := range b.revokeSizes {
		s := r.Samples.of(revokeName, n)
		t.row(strconv.Itoa(n), spread(s.values(written), seconds), spread(s.values(read), seconds), spread(s.values(wall), seconds), seconds(s.median(cpu)),
			megabytes(s.median(rss)), fmt.Sprintf("%.0f", s.median(otherRequests)))
		r.atMost(fmt.Sprintf("%d users: the block refuses after at most %d s", n, revokeTarget), s.median(written), revokeTarget, "%.2f s")
		r.atMost(fmt.Sprintf("%d users: RBAC refuses after at most %d s", n, revokeTarget), s.median(read), revokeTarget, "%.2f s")
		for _, one := range s {
			found = slices.AppendSeq(found, maps.Keys(one.Requests))
		}
	}
	slices.Sort(found)
	header := []string{"request"}
	for _, n := range b.revokeSizes {
		header = append(header, fmt.Sprintf("%d users", n))
	}
	t = r.table("Requests of one revoke, as the API server counts them (median of the rounds)", header...)
	for _, request := range slices.Compact(found) {
		cells := []string{request}
		for _, n := range b.revokeSizes {
			cells = append(cells, fmt.Sprintf("%.0f", r.Samples.of(revokeName, n).median(func(s sample) float64 { return float64(s.Requests[request]) })))
		}
		t.row(cells...)
	}
	for _, n := range b.revokeSizes {
		r.note("before that, apply of %d users took %.1f s", n, r.Samples.of(provisionName, n).median(wall))
	}
}

func read(s sample) float64    { return s.Read }
func written(s sample) float64 { return s.Written }

// keep copies a kubeconfig out of the way of a revoke.
func keep(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}
