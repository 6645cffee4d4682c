package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// costRounds is how often each number of blocked certificates is in force, and costWrites how much is written then.
	costRounds = 8
	costWrites = 500
	// manyBlocked is how many certificates the larger block has.
	manyBlocked = 1000
)

// blockings are the blocks that are compared, by the number of their certificates.
var blockings = []int{0, 1, manyBlocked}

// write is one write of somebody who is not blocked, in seconds.
type writes struct {
	Blocked int       `json:"blocked"`
	Round   int       `json:"round"`
	Took    []float64 `json:"-"`
	Median  float64   `json:"medianSeconds"`
	Last    float64   `json:"p99Seconds"`
}

// blockCost measures what somebody who is not blocked waits for a write, with and without a block of one certificate and of a
// thousand. The policies are what revoke has written; they are put in force in turn by their bindings.
func (b *bench) blockCost(ctx context.Context, p *plane, r *result) error {
	apply, err := b.apply(b.temp, "cost", manyBlocked+1, "ECDSA-P256")
	if err != nil {
		return err
	}
	if _, err := b.run(ctx, p, &result{}, 0, apply); err != nil {
		return err
	}
	leavers := map[int]string{1: userName(0), manyBlocked: userName(manyBlocked - 1)} // the last that is blocked
	clients := map[int]*kubernetes.Clientset{}
	for n, user := range leavers {
		file := filepath.Join(apply.dir, user)
		if err := keep(filepath.Join(apply.dir, "kubeconfigs", user+".kubeconfig"), file); err != nil {
			return err
		}
		if clients[n], err = ownConnection(file); err != nil {
			return err
		}
	}
	other, err := ownConnection(filepath.Join(apply.dir, "kubeconfigs", userName(manyBlocked)+".kubeconfig"))
	if err != nil {
		return err
	}
	var everybody []string
	for i := range manyBlocked {
		everybody = append(everybody, userName(i))
	}
	blocked := 0
	for _, n := range blockings[1:] {
		argv := append([]string{b.binary, "revoke", "--yes"}, everybody[blocked:n]...)
		if _, err := b.runOn(ctx, p, &result{}, 0, command{name: revokeName, users: n, dir: apply.dir, argv: argv}); err != nil {
			return err
		}
		blocked = n
		if err := p.copyBlock(ctx, "cost", n); err != nil {
			return err
		}
	}
	if err := p.deleteBlocks(ctx); err != nil {
		return err
	}
	var all []writes
	for round := range costRounds {
		for i := range blockings {
			n := blockings[(i+round)%len(blockings)]
			if err := p.putInForce(ctx, n, clients); err != nil {
				return err
			}
			w, err := measureWrites(ctx, other)
			if err != nil {
				return err
			}
			w.Blocked, w.Round = n, round
			all = append(all, w)
		}
	}
	if err := p.putInForce(ctx, 0, clients); err != nil {
		return err
	}
	r.costTable(all)
	return p.admin.CoreV1().ConfigMaps(elsewhere).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "bench"})
}

// copyBlock keeps what a set blocks by now as a policy of our own, which is in force once it has a binding.
func (p *plane) copyBlock(ctx context.Context, set string, n int) error {
	policies := p.admin.AdmissionregistrationV1().ValidatingAdmissionPolicies()
	have, err := policies.Get(ctx, "provision."+set+".blocked", metav1.GetOptions{})
	if err != nil {
		return err
	}
	_, err = policies.Create(ctx, &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: costPolicy(n)}, Spec: have.Spec}, metav1.CreateOptions{})
	return err
}

func costPolicy(n int) string { return fmt.Sprintf("bench.%d.blocked", n) }

// deleteBlocks deletes what revoke has blocked.
func (p *plane) deleteBlocks(ctx context.Context) error {
	ours := metav1.ListOptions{LabelSelector: setLabel}
	if err := p.admin.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().DeleteCollection(ctx, metav1.DeleteOptions{}, ours); err != nil {
		return err
	}
	return p.admin.AdmissionregistrationV1().ValidatingAdmissionPolicies().DeleteCollection(ctx, metav1.DeleteOptions{}, ours)
}

// putInForce has one of the blocks in force, or none, and returns when the API server goes by that: as those see it who are blocked.
func (p *plane) putInForce(ctx context.Context, n int, clients map[int]*kubernetes.Clientset) error {
	bindings := p.admin.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings()
	for other := range clients {
		if err := bindings.Delete(ctx, costPolicy(other), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	if n > 0 {
		_, err := bindings.Create(ctx, &admissionv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: costPolicy(n)},
			Spec:       admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: costPolicy(n), ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	for of, client := range clients {
		want := of <= n // the larger block has the smaller one's certificate, too
		for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
			_, err := client.CoreV1().ConfigMaps(elsewhere).Create(ctx, small(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if apierrors.IsForbidden(err) == want && (err == nil || want) {
				break
			}
			if time.Since(begun) > 10*time.Second {
				return fmt.Errorf("a block of %d certificates is not in force, or still: %v", n, err)
			}
		}
	}
	return nil
}

func small() *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "bench-", Labels: map[string]string{"bench": "cost"}}, Data: map[string]string{"key": "value"}}
}

// measureWrites creates small ConfigMaps, one after another.
func measureWrites(ctx context.Context, client *kubernetes.Clientset) (writes, error) {
	var w writes
	for i := range costWrites + costWrites/10 {
		begun := time.Now()
		if _, err := client.CoreV1().ConfigMaps(elsewhere).Create(ctx, small(), metav1.CreateOptions{}); err != nil {
			return w, err
		}
		if i >= costWrites/10 { // the first ones warm up
			w.Took = append(w.Took, time.Since(begun).Seconds())
		}
	}
	slices.Sort(w.Took)
	w.Median, w.Last = median(w.Took), percentile(w.Took, 0.99)
	return w, nil
}

// percentile of a sorted list.
func percentile(sorted []float64, part float64) float64 {
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}

func (r *result) costTable(all []writes) {
	t := r.table(fmt.Sprintf("What a block costs somebody who is not blocked: %d creates of a small ConfigMap each, with a certificate, in %d rounds in turn", costRounds*costWrites, costRounds),
		"certificates in the block", "median ms", "against none", "99th percentile ms", "against none")
	of := func(n int, value func(writes) float64) []float64 {
		var list []float64
		for _, w := range all { // in the order of the rounds
			if w.Blocked == n {
				list = append(list, value(w))
			}
		}
		return list
	}
	for _, n := range blockings {
		cells := []string{fmt.Sprint(n)}
		if n == 0 {
			cells[0] = "none"
		}
		for _, value := range []func(writes) float64{func(w writes) float64 { return w.Median }, func(w writes) float64 { return w.Last }} {
			without, with := of(0, value), of(n, value)
			var ratios []float64
			for i := range with {
				ratios = append(ratios, with[i]/without[i])
			}
			cells = append(cells, spread(with, func(s float64) string { return fmt.Sprintf("%.2f", 1000*s) }), spread(ratios, hundredths))
		}
		t.row(cells...)
	}
	r.Writes = all
}
