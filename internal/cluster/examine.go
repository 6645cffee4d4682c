package cluster

import (
	"context"
	"errors"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/credential"
	"provision/internal/doctor"
	"provision/internal/plan"
	"provision/internal/usersfile"
)

// Version is that of the API server, such as v1.37.2.
func (c *Client) Version(ctx context.Context) (string, error) {
	v, err := c.kube.version(ctx)
	return v.GitVersion, err
}

// nowhere is a namespace that no cluster has: the rules that somebody has there are those of the whole cluster.
const nowhere = "provision-doctor-nowhere"

// Rights are what the operator lacks for each command, with the ledger in a namespace. Two requests tell all that RBAC gives; where the API
// server cannot list everything, as with an authorization webhook, what those do not show is asked one by one.
func (c *Client) Rights(ctx context.Context, ledger string) ([]doctor.Right, error) {
	everywhere, whole, err := c.ownRules(ctx, nowhere)
	if err != nil {
		return nil, err
	}
	there, wholeThere, err := c.ownRules(ctx, ledger)
	if err != nil {
		return nil, err
	}
	var list []doctor.Right
	for _, one := range []struct {
		command string
		purpose Purpose
	}{{"status", ToRead}, {"verify", ToVerify}, {"plan", ToPlan}, {"apply", ToApply}, {"revoke, destroy", ToRemove}} {
		r := doctor.Right{Command: one.command}
		for _, need := range one.purpose.needs([]string{ledger}) {
			rules := everywhere
			if need.Namespace == ledger {
				rules = there
			}
			if !permits(rules, need) {
				r.Missing = append(r.Missing, need)
			}
		}
		if !whole || !wholeThere {
			if r.Missing, err = c.refusedOf(ctx, r.Missing); err != nil {
				return nil, err
			}
		}
		list = append(list, r)
	}
	return list, nil
}

// ownRules are the operator's own in a namespace, and whether they are all.
func (c *Client) ownRules(ctx context.Context, namespace string) (rules []rbacv1.PolicyRule, whole bool, err error) {
	review, err := c.kube.authorization.SelfSubjectRulesReviews().Create(ctx, &authorizationv1.SelfSubjectRulesReview{
		Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace},
	}, metav1.CreateOptions{})
	if err != nil {
		need := plan.Permission{Verb: "create", Group: authorizationv1.GroupName, Resource: "selfsubjectrulesreviews"}
		return nil, false, c.permission(ctx, err, need, "ask what you may do")
	}
	for _, r := range review.Status.ResourceRules {
		rules = append(rules, rbacv1.PolicyRule{Verbs: r.Verbs, APIGroups: r.APIGroups, Resources: r.Resources, ResourceNames: r.ResourceNames})
	}
	return rules, !review.Status.Incomplete, nil
}

// permits reports whether rules allow something.
func permits(rules []rbacv1.PolicyRule, p plan.Permission) bool {
	names := []string{""}
	if p.Name != "" {
		names = []string{p.Name}
	}
	if p.Resource == "signers" { // all of its domain (pkg/certauthorization:IsAuthorizedForSignerName)
		names = append(names, "kubernetes.io/*")
	}
	for _, name := range names {
		rule := rbacv1.PolicyRule{Verbs: []string{p.Verb}, APIGroups: []string{p.Group}, Resources: []string{p.Resource}}
		if name != "" {
			rule.ResourceNames = []string{name}
		}
		if plan.Covers(rules, []rbacv1.PolicyRule{rule}) {
			return true
		}
	}
	return false
}

// standing is how long an approved request may wait for its certificate before the signer counts as one that stands still.
const standing = time.Minute

// SignerRecord reads what the requests that are there show of the signer: issued ones stay for an hour.
func (c *Client) SignerRecord(ctx context.Context) (s doctor.Signer, err error) {
	now := c.ServerTime()
	ofSigner := metav1.ListOptions{FieldSelector: "spec.signerName=" + plan.SignerName}
	err = c.eachRequest(ctx, ofSigner, func(r *certificatesv1.CertificateSigningRequest) {
		q := c.request(r)
		made := r.CreationTimestamp.Time
		switch {
		case q.State == plan.Issued:
			s.Issued++
			if made.After(s.Last) {
				s.Last = made
			}
			if q.Certificate == nil || q.Duration == 0 {
				return
			}
			// A signer begins a certificate before it is made, and may cut that off again. One that ends at once was cut by the end of its CA, or
			// comes from a clock that is wrong: that is no cap.
			if life := q.Certificate.NotAfter.Sub(made); life >= time.Minute && life+2*plan.ClockTolerance < q.Duration {
				s.Asked, s.Shortened = q.Duration, life.Round(time.Minute)
			}
		case q.State == plan.Approved && now.Sub(made) > standing:
			s.Waiting++
			if s.Since.IsZero() || made.Before(s.Since) {
				s.Since = made
			}
		}
	})
	return s, err
}

const (
	// doctorSet is the label of a trial's request. It is the name of no set: those have no dot.
	doctorSet = "provision.doctor"
	// DoctorUser is the name in a trial's certificate. Nothing is bound to it, and nobody has its key.
	DoctorUser = "provision:doctor"
)

// TrySigner asks for one certificate of ten minutes, approves that, waits for it for so long, and logs in with it. The key is in memory
// only. The request is deleted, also where ctx has ended.
func (c *Client) TrySigner(ctx context.Context, patience time.Duration) doctor.Trial {
	t := doctor.Trial{Step: doctor.Ask, Asked: usersfile.MinDuration}
	key, err := credential.NewKey(usersfile.ECDSAP256)
	if err != nil {
		t.Err = err
		return t
	}
	asked, err := credential.NewRequest(key, DoctorUser, nil)
	if err != nil {
		t.Err = err
		return t
	}
	hash, err := credential.KeyHash(key.Public())
	if err != nil {
		t.Err = err
		return t
	}
	spec := RequestSpec{Name: "provision-doctor-" + hash[:12], Set: doctorSet, User: DoctorUser, PEM: asked, KeyHash: hash, Duration: t.Asked}
	request, err := c.CreateRequest(ctx, spec)
	if err != nil {
		t.Err = err
		return t
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		ref := request.Ref()
		t.LeftBy = c.DeleteRequest(ctx, plan.Request{Name: ref.Name, UID: ref.UID})
	}()
	c.follow(ctx, &t, &request, spec, patience)
	if t.Err == nil {
		pem, err := credential.MarshalKey(key)
		if err != nil {
			t.Err = err
			return t
		}
		t.Step = doctor.LogIn
		entry := credential.Entry{Owner: credential.Owner{User: DoctorUser}, Endpoint: c.own.connection, Certificate: t.Certificate, Key: pem}
		if t.Login = c.Prove(ctx, entry); t.Login == nil {
			t.Step = doctor.Passed
		}
	}
	return t
}

// follow approves the request of a trial and waits for its certificate.
func (c *Client) follow(ctx context.Context, t *doctor.Trial, request *Request, spec RequestSpec, patience time.Duration) {
	watch, err := c.Watch(ctx, doctorSet)
	if err != nil {
		t.Err = err
		return
	}
	defer watch.Stop()
	approved, err := c.Approve(ctx, *request, spec)
	if err != nil {
		t.Err = err
		return
	}
	*request, t.Step = approved, doctor.Await
	began := time.Now()
	waiting, cancel := context.WithTimeoutCause(ctx, patience, errNoAnswer)
	defer cancel()
	if t.Certificate, t.Err = watch.Wait(waiting, request.Ref()); t.Err != nil {
		return
	}
	t.Took = time.Since(began)
	issued, err := credential.Judge(t.Certificate, credential.Asked{KeyHash: spec.KeyHash, User: DoctorUser, Skew: time.Hour}, c.ServerTime())
	if t.Err = err; err == nil {
		t.Life = issued.NotAfter.Sub(c.ServerTime())
	}
}

// errNoAnswer reports that the signer has not issued what was approved.
var errNoAnswer = errors.New("the signer issues nothing")
