package cluster

import (
	"context"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"provision/internal/plan"
)

// SignerBusy returns a question to ask again and again: has the signer issued anything, for whomever, since the last
// time? A run that waits behind other people's requests has no reason to give up. Each time costs a list. The question is for one
// goroutine.
func (c *Client) SignerBusy() func(context.Context) (bool, error) {
	ofSigner := metav1.ListOptions{FieldSelector: "spec.signerName=" + plan.SignerName}
	var seen map[types.UID]bool
	return func(ctx context.Context) (bool, error) {
		now, news := map[types.UID]bool{}, false
		err := retry(ctx, func() error {
			return c.eachRequest(ctx, ofSigner, func(r *certificatesv1.CertificateSigningRequest) {
				if len(r.Status.Certificate) > 0 {
					now[r.UID] = true
					news = news || !seen[r.UID]
				}
			})
		})
		seen = now
		return news, err
	}
}
