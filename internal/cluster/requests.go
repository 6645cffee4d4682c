package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"provision/internal/credential"
	"provision/internal/plan"
)

// asked is of how many users one list may ask by their labels: all of them stand in the URL, which servers and proxies bound.
const asked = 50

// requests reads the requests of a set; where users are named, those that may be for one of them.
func (c *Client) requests(ctx context.Context, set string, users ...string) ([]plan.Request, error) {
	mine := labelled(set)
	if n := len(users); n == 0 || n > asked {
		return c.requestsOf(ctx, mine, users)
	}
	var values []string
	for _, user := range users {
		values = append(values, plan.UserLabelValue(user))
	}
	labels := mine.LabelSelector
	var theirs, unlabelled []plan.Request // older programs gave the set's label only
	g, parallel := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		by := metav1.ListOptions{LabelSelector: labels + "," + plan.UserLabel + " in (" + strings.Join(values, ",") + ")"}
		theirs, err = c.requestsOf(parallel, by, users)
		return err
	})
	g.Go(func() (err error) {
		unlabelled, err = c.requestsOf(parallel, metav1.ListOptions{LabelSelector: labels + ",!" + plan.UserLabel}, users)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return append(theirs, unlabelled...), nil
}

// requestsOf reads the requests that opts select; where users are named, those that may be for one of them.
func (c *Client) requestsOf(ctx context.Context, opts metav1.ListOptions, users []string) ([]plan.Request, error) {
	var list []plan.Request
	err := c.eachRequest(ctx, opts, func(r *certificatesv1.CertificateSigningRequest) {
		if len(users) == 0 || credential.MayName(r.Spec.Request, users) {
			list = append(list, c.request(r))
		}
	})
	return list, err
}

// eachRequest calls do with the CertificateSigningRequests that opts select.
func (c *Client) eachRequest(ctx context.Context, opts metav1.ListOptions, do func(*certificatesv1.CertificateSigningRequest)) error {
	return each(ctx, c, requestsNeed("list"), opts, c.kube.certificates.CertificateSigningRequests().List, do)
}

// request says what a CertificateSigningRequest claims, and whether it is what this operator would have sent.
func (c *Client) request(r *certificatesv1.CertificateSigningRequest) plan.Request {
	q := plan.Request{Name: r.Name, UID: r.UID, ResourceVersion: r.ResourceVersion, Sender: r.Spec.Username}
	q.State, q.Message = stateOf(r)
	if r.Spec.ExpirationSeconds != nil {
		q.Duration = time.Duration(*r.Spec.ExpirationSeconds) * time.Second
	}
	parsed, err := credential.ParseRequest(r.Spec.Request)
	if q.State == plan.Issued {
		if c, err := credential.ParseCertificate(r.Status.Certificate); err == nil && c.KeyHash == parsed.KeyHash {
			q.Certificate = &plan.Certificate{
				User: c.User, Groups: c.Groups, KeyAlgorithm: c.KeyAlgorithm, Duration: q.Duration, KeyHash: c.KeyHash,
				CredentialID: c.CredentialID, Serial: c.Serial, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
			}
		}
	}
	q.User, q.Groups, q.KeyHash = parsed.User, parsed.Groups, parsed.KeyHash
	switch {
	case err != nil:
		q.Mismatch = err.Error()
	case r.Spec.SignerName != plan.SignerName:
		q.Mismatch = "its signer is " + r.Spec.SignerName
	case !slices.Equal(r.Spec.Usages, []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth}):
		q.Mismatch = fmt.Sprintf("its usages are %v", r.Spec.Usages)
	case r.Spec.Username != c.username:
		q.Mismatch, q.OfOther = fmt.Sprintf("it was sent by %q", r.Spec.Username), true
	default:
		q.Conforms = true
	}
	return q
}

// stateOf says how far a request has come, and why no further. A certificate that is there counts, whatever a signer says beside
// it: it may live, and has to be judged and listed.
func stateOf(r *certificatesv1.CertificateSigningRequest) (plan.RequestState, string) {
	state, message := plan.Pending, ""
	if len(r.Status.Certificate) > 0 {
		return plan.Issued, message
	}
	for _, condition := range r.Status.Conditions {
		switch condition.Type {
		case certificatesv1.CertificateDenied:
			return plan.Denied, condition.Reason + ": " + condition.Message
		case certificatesv1.CertificateFailed:
			return plan.Failed, condition.Reason + ": " + condition.Message
		case certificatesv1.CertificateApproved:
			state = plan.Approved
		}
	}
	return state, message
}
