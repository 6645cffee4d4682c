package cluster

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/plan"
)

// credentialIDsSince is the minor version of Kubernetes 1 from which the API server says which client certificate somebody has logged
// in with (CHANGELOG-1.32.md).
const credentialIDsSince = 32

// ObserveBlock fills in what a set blocks at admission, and whether the cluster can block certificates where that is asked for. Whoever
// may not read it goes on without: only then is it needed when there is something to block.
func (c *Client) ObserveBlock(ctx context.Context, desired plan.Desired, o *plan.Observed) error {
	o.OwnCertificate = c.certificate
	policy, binding, err := c.readBlock(ctx, desired.Set)
	switch {
	case err == nil:
		o.Block = blockOf(desired.Set, policy, binding)
	case ctx.Err() != nil || apierrors.IsUnauthorized(err) || unreachable(err):
		return err
	case apierrors.IsForbidden(err) || errors.Is(err, ErrForeign) || desired.Revoke || desired.Destroy:
		o.BlockUnread = err.Error()
	default:
		return err
	}
	if desired.Block == plan.BlockAuto || desired.Block == plan.BlockAlways {
		o.WithoutCredentialIDs = c.withoutCredentialIDs(ctx)
	}
	return nil
}

// readBlock reads the two objects of a set's block, or nil for each that is not there. One without the set's label is ErrForeign; other
// errors are as they came.
func (c *Client) readBlock(ctx context.Context, set string) (policy *admissionv1.ValidatingAdmissionPolicy, binding *admissionv1.ValidatingAdmissionPolicyBinding, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return readInto(ctx, c.policies(), set, &policy) })
	g.Go(func() error { return readInto(ctx, c.policyBindings(), set, &binding) })
	return policy, binding, g.Wait()
}

// readInto reads one of the objects into o, unless it is not there.
func readInto[T metav1.Object](ctx context.Context, w resource[T], set string, o *T) error {
	have, err := w.get(ctx, BlockName(set))
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case have.GetLabels()[plan.SetLabel] != set:
		return ErrForeign
	}
	*o = have
	return nil
}

var minorVersion = regexp.MustCompile(`^\d+`)

// withoutCredentialIDs returns the version of an API server that does not know client certificates by their ids; "": it does, or its
// version cannot be read.
func (c *Client) withoutCredentialIDs(ctx context.Context) string {
	if c.certificate.Fingerprint != "" && c.certified {
		return ""
	}
	v, err := c.kube.version(ctx)
	if err != nil {
		return ""
	}
	minor, err := strconv.Atoi(minorVersion.FindString(v.Minor))
	if err != nil || v.Major != "1" || minor >= credentialIDsSince {
		return ""
	}
	return v.GitVersion
}

// PutBlock adds certificates to what a set blocks and drops others, and makes both objects say just that, whatever somebody has
// altered in them. It counts too if somebody else adds or drops some at the same time. With the last certificate both objects go.
func (c *Client) PutBlock(ctx context.Context, set string, add, drop []plan.BlockedCertificate) error {
	for range conflictTries {
		policy, binding, err := c.readBlock(ctx, set)
		if err != nil {
			return refusedBlock(ctx, c.policies(), "get", err)
		}
		want := blockOf(set, policy, binding).With(add, drop)
		if len(want.Certificates) == 0 {
			err = c.endBlock(ctx, policy, binding)
		} else {
			err = c.writeBlock(ctx, set, want.Certificates, policy, binding)
		}
		if !overtaken(err) {
			return err
		}
	}
	return fmt.Errorf("write validatingadmissionpolicy/%s: somebody keeps editing it", BlockName(set))
}

// writeBlock creates or updates what is not yet as it should be: the policy first, which does nothing without its binding.
func (c *Client) writeBlock(ctx context.Context, set string, certificates []plan.BlockedCertificate, policy *admissionv1.ValidatingAdmissionPolicy, binding *admissionv1.ValidatingAdmissionPolicyBinding) error {
	spec, _ := blockSpec(set, certificates)
	kept := func(o *admissionv1.ValidatingAdmissionPolicy) bool { return equality.Semantic.DeepEqual(o.Spec, spec) }
	var err error
	switch {
	case policy == nil:
		fresh := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: meta(set, "", BlockName(set)), Spec: spec}
		err = store(ctx, c.policies(), "create", fresh, kept)
	case !kept(policy):
		policy.Spec = spec
		err = store(ctx, c.policies(), "update", policy, kept)
	}
	if err != nil {
		return err
	}
	inForce := func(o *admissionv1.ValidatingAdmissionPolicyBinding) bool { return intact(set, o.Spec) }
	switch {
	case binding == nil:
		fresh := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: meta(set, "", BlockName(set)), Spec: bindingSpec(set)}
		return store(ctx, c.policyBindings(), "create", fresh, inForce)
	case !inForce(binding):
		binding.Spec = bindingSpec(set)
		return store(ctx, c.policyBindings(), "update", binding, inForce)
	}
	return nil
}

// store creates or updates one of the two objects. Errors that another try answers, as somebody else was faster, are as they came.
func store[T metav1.Object](ctx context.Context, w resource[T], verb string, o T, kept func(T) bool) error {
	write := w.update
	if verb == "create" {
		write = w.create
	}
	written, err := write(ctx, o)
	if err == nil {
		return altered(kept(written))
	}
	return refusedBlock(ctx, w, verb, err)
}

// refusedBlock wraps a failure of one verb, unless another try answers it.
func refusedBlock[T any](ctx context.Context, w resource[T], verb string, err error) error {
	if overtaken(err) {
		return err
	}
	return w.permission(ctx, err, w.may(verb), doing(verb)+" "+w.need.Resource)
}

// overtaken reports whether somebody else was faster.
func overtaken(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}

// endBlock deletes the two objects in the versions that were read: the policy first, so that whoever adds to it meanwhile is noticed.
func (c *Client) endBlock(ctx context.Context, policy *admissionv1.ValidatingAdmissionPolicy, binding *admissionv1.ValidatingAdmissionPolicyBinding) error {
	if policy != nil {
		if err := drop(ctx, c.policies(), policy); err != nil {
			return err
		}
	}
	if binding != nil {
		return drop(ctx, c.policyBindings(), binding)
	}
	return nil
}

// drop deletes one of the two objects in the version that was read.
func drop[T metav1.Object](ctx context.Context, w resource[T], o T) error {
	uid, version := o.GetUID(), o.GetResourceVersion()
	err := w.delete(ctx, o.GetName(), metav1.Preconditions{UID: &uid, ResourceVersion: &version})
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	return refusedBlock(ctx, w, "delete", err)
}

// ErrNotInForce reports that the API server does not go by a block that it has stored.
var ErrNotInForce = errors.New("it is stored, but this API server does not go by it yet")

// ErrNotProved reports that the API server cannot be asked whether it goes by a block that it has stored.
var ErrNotProved = errors.New("it is stored, but whether this API server goes by it already could not be asked")

const (
	inForceWithin = 10 * time.Second // an API server has taken it up in 0.2 to 0.75 s
	probeEvery    = 50 * time.Millisecond
)

// InForce waits until the API server goes by the block of a set as it is stored: then it refuses to make an object in a dry run that the
// block names, in the namespace or in the default one. Of other API servers of the cluster nobody knows. The error is
// ErrNotInForce, ErrNotProved, or that of reading the block.
func (c *Client) InForce(ctx context.Context, set, namespace string) error {
	ctx, done := context.WithTimeout(ctx, inForceWithin)
	defer done()
	for {
		policy, binding, err := c.readBlock(ctx, set)
		block := blockOf(set, policy, binding)
		switch {
		case ctx.Err() != nil:
			return ErrNotInForce
		case err != nil:
			return err
		case block == nil || block.Altered:
			return ErrEdited
		}
		_, probe := blockSpec(set, block.Certificates)
		refused, err := c.refuses(ctx, set, probe, namespace, metav1.NamespaceDefault)
		switch {
		case refused:
			return nil
		case err != nil && ctx.Err() == nil:
			return fmt.Errorf("%w: %w", ErrNotProved, err)
		}
		select {
		case <-ctx.Done():
			return ErrNotInForce
		case <-time.After(probeEvery):
		}
	}
}

// refuses reports whether the API server refuses the probe of a set's block in one of some namespaces, the first in which it can be asked. The error is
// that it cannot be asked in any.
func (c *Client) refuses(ctx context.Context, set, probe string, namespaces ...string) (bool, error) {
	var failed error
	for _, namespace := range namespaces {
		_, err := c.kube.core.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: probe}}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		switch {
		case err == nil:
			return false, nil
		case strings.Contains(err.Error(), probe+" is refused"):
			return true, nil
		case strings.Contains(err.Error(), "ValidatingAdmissionPolicy '"+BlockName(set)+"'"): // as it was before, and by that refuses more
			return false, nil
		}
		failed = err
	}
	return false, failed
}

func (c *Client) policies() resource[*admissionv1.ValidatingAdmissionPolicy] {
	return resource[*admissionv1.ValidatingAdmissionPolicy]{c, c.kube.admission.ValidatingAdmissionPolicies(),
		plan.Permission{Group: admissionv1.GroupName, Resource: "validatingadmissionpolicies"}}
}

func (c *Client) policyBindings() resource[*admissionv1.ValidatingAdmissionPolicyBinding] {
	return resource[*admissionv1.ValidatingAdmissionPolicyBinding]{c, c.kube.admission.ValidatingAdmissionPolicyBindings(),
		plan.Permission{Group: admissionv1.GroupName, Resource: "validatingadmissionpolicybindings"}}
}

// certificateID is the id of the client certificate that somebody has logged in with, as the API server says it.
func certificateID(extra map[string][]string) string {
	for _, id := range extra[credentialKey] {
		if fingerprint, ok := plan.Fingerprint(id); ok && strings.HasPrefix(id, "X509SHA256=") {
			return fingerprint
		}
	}
	return ""
}
