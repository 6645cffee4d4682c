package verify

import (
	"context"
	"slices"
	"time"

	"provision/internal/chain"
	"provision/internal/cluster"
	"provision/internal/plan"
	"provision/internal/recipient"
)

// backing is what shows that a certificate is good where nobody here can log in with it: the cluster's client CAs, and the ledger
// of the set.
func (r *run) backing(ctx context.Context, desired plan.Desired) (plan.Observed, error) {
	var o plan.Observed
	if err := r.client.ObserveClientCA(ctx, &o); err != nil {
		return o, err
	}
	return o, r.client.ObserveLedger(ctx, desired, &o)
}

// withoutKey verifies a user whose private key is not here, as far as that goes without it: the server and what their certificate
// says, the CA that signed it, the ledger, and every grant by a question of the operator's.
func (r *run) withoutKey(ctx context.Context, result *Result, want plan.Certificate, file plan.File) {
	have := *file.Certificate
	asks, err := r.client.AsksForCertificate(ctx, file.Kubeconfig.Endpoint)
	switch {
	case err != nil:
		result.differs(Difference{Code: NotReached, Err: err})
		return
	case !asks:
		silent := &cluster.NotArrivedError{Server: file.Kubeconfig.Endpoint.Server, Sign: "it asks for no client certificate"}
		result.differs(Difference{Code: NotArrived, Err: silent})
		return
	}
	known, err := r.known()
	if err != nil {
		result.differs(failed(err))
		return
	}
	for _, d := range unproved(want, file, known, r.members, r.client.ServerTime()) {
		result.differs(d)
	}
	r.current(result, file)
	result.Groups = have.Groups
	r.grants(ctx, result, want, func(ctx context.Context, p cluster.Probe) (bool, error) {
		return r.client.May(ctx, want.User, have.Groups, p)
	})
}

// unproved compares the certificate in a file, with which nobody here can log in, with what the file wants, the client CAs and the
// ledger.
func unproved(want plan.Certificate, file plan.File, known plan.Observed, members map[string]bool, now time.Time) []Difference {
	have := file.Certificate
	var list []Difference
	if d := refused(have, now); d.Code != Refused {
		list = append(list, d)
	}
	if have.User != want.User || !plan.Fit(members, have.Groups, want.Groups) {
		list = append(list, Difference{Code: OtherSubject, Certificate: have, Wanted: want.Groups})
	}
	if roots := chain.NewRoots(known.ClientCA); roots.Known() && !file.From(roots, now) {
		list = append(list, Difference{Code: NotSigned})
	}
	if !slices.ContainsFunc(known.Ledger, func(r plan.Record) bool {
		return r.User == have.User && r.KeyHash == have.KeyHash && r.CredentialID == have.CredentialID && r.Used()
	}) {
		list = append(list, Difference{Code: NotListed})
	}
	return list
}

// keyElsewhere is the difference between where a private key is and where it is to be, and for whom it is sealed; nil: there is
// none.
func keyElsewhere(have *plan.Certificate, want plan.Certificate) *Difference {
	if have == nil || have.Key == want.Key && recipient.Same(have.SealedTo, want.SealedTo) {
		return nil
	}
	return &Difference{Code: KeyElsewhere, Certificate: have, WantedKey: want}
}
