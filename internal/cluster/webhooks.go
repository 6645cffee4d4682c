package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"provision/internal/plan"
)

// SlowError reports that an API server which answers other requests has given no answer to one in time. Mostly it waits for
// webhooks.
type SlowError struct {
	Need     plan.Permission // the kind of request: the permission that it takes, without namespace and name
	After    time.Duration   // when the request was given up
	Timeout  time.Duration   // of one request, as the operator set it; 0: none
	Webhooks []Webhooks      // that it may wait for
	Unlisted error           // why those are not known, or nil
	Err      error
}

// Webhooks are those of one configuration that the API server asks about a kind of request.
type Webhooks struct {
	Configuration string // validatingwebhookconfiguration/x
	Count         int
	Timeout       time.Duration // how long it waits for all of them together at the most
}

// Error says it in words.
func (e *SlowError) Error() string {
	return fmt.Sprintf("no answer in %s", e.After.Round(time.Second))
}

// Unwrap returns the failure.
func (e *SlowError) Unwrap() error { return e.Err }

// timedOut reports whether an API server that was reached gave no answer in time: by our clock or by its own.
func timedOut(err error) bool {
	if apierrors.IsTimeout(err) {
		return true
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op != "read" {
		return false
	}
	failure, ok := errors.AsType[net.Error](err)
	return ok && failure.Timeout()
}

// slow explains a request that was not answered in time. Nil: nothing is answered, so the API server is not reached.
func (c *Client) slow(ctx context.Context, need plan.Permission, late error, after time.Duration) *SlowError {
	found, err, _ := c.answers.asking.Do(fmt.Sprint(need), func() (any, error) {
		c.answers.mu.Lock()
		known := c.answers.slow[need]
		c.answers.mu.Unlock()
		if known != nil {
			return known, nil
		}
		e := &SlowError{Need: need, After: after, Timeout: c.options.RequestTimeout, Err: late}
		if err := c.webhooksFor(ctx, e); err != nil {
			return nil, err
		}
		c.answers.mu.Lock()
		defer c.answers.mu.Unlock()
		c.answers.slow[need] = e
		return e, nil
	})
	if err != nil {
		return nil
	}
	return found.(*SlowError)
}

// webhooksFor fills in which webhooks the API server asks about a kind of request. An error means that it does not answer.
func (c *Client) webhooksFor(ctx context.Context, e *SlowError) error {
	ctx, done := context.WithTimeout(ctx, askPatience)
	defer done()
	for _, kind := range []string{"mutatingwebhookconfiguration", "validatingwebhookconfiguration"} {
		data, err := c.kube.core.RESTClient().Get().AbsPath("/apis", admissionv1.GroupName, "v1", kind+"s").Do(ctx).Raw()
		if _, answered := errors.AsType[*apierrors.StatusError](err); err != nil && !answered {
			return err
		}
		// Both kinds have the same fields here.
		var list admissionv1.ValidatingWebhookConfigurationList
		if err == nil {
			err = json.Unmarshal(data, &list)
		}
		if err != nil {
			e.Webhooks, e.Unlisted = nil, fmt.Errorf("list %ss: %w", kind, err)
			return nil
		}
		for _, item := range list.Items {
			of := Webhooks{Configuration: kind + "/" + item.Name}
			for _, w := range item.Webhooks {
				if slices.ContainsFunc(w.Rules, func(r admissionv1.RuleWithOperations) bool { return concerns(r, e.Need) }) {
					of.Count++
					if w.TimeoutSeconds != nil {
						of.Timeout += time.Duration(*w.TimeoutSeconds) * time.Second
					}
				}
			}
			if of.Count > 0 {
				e.Webhooks = append(e.Webhooks, of)
			}
		}
	}
	return nil
}

// concerns reports whether a rule of a webhook is about a kind of request
// (staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go).
func concerns(r admissionv1.RuleWithOperations, need plan.Permission) bool {
	has := func(list []string, one string) bool { return slices.Contains(list, "*") || slices.Contains(list, one) }
	resource, part, _ := strings.Cut(need.Resource, "/")
	return has(r.APIGroups, need.Group) &&
		slices.ContainsFunc(r.Operations, func(o admissionv1.OperationType) bool {
			return o == admissionv1.OperationAll || strings.EqualFold(string(o), need.Verb)
		}) &&
		slices.ContainsFunc(r.Resources, func(name string) bool {
			of, sub, _ := strings.Cut(name, "/")
			return (of == "*" || of == resource) && (sub == "*" || sub == part)
		})
}
