package observe

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"slices"
	"time"

	"provision/internal/chain"
	"provision/internal/cluster"
	"provision/internal/credential"
	"provision/internal/outdir"
	"provision/internal/plan"
)

// witnesses is how many users log in, at the most, before a CA is held for void: one may be refused for a reason of their own, and
// each login takes a moment.
const witnesses = 3

// acceptedCAs takes the CAs out of observed.ClientCA whose certificates the API server accepts no longer. Only logins tell: the list
// that the API server publishes keeps every CA until that expires. There is one login for each CA that signed any of the
// kubeconfigs, and more where it is refused; none while the list has only one CA. All that the logins do not settle is noted
// in observed, and holds up nothing. The error is that of ctx.
func acceptedCAs(ctx context.Context, observed *plan.Observed, client *cluster.Client, files outdir.Set) error {
	if len(observed.ClientCA) < 2 {
		return nil
	}
	var left []*x509.Certificate
	for _, ca := range observed.ClientCA {
		var signed []credential.Entry
		for _, user := range signedBy(ca, observed.Files, client.ServerTime()) {
			if entry, err := files.Entry(user); err == nil && len(signed) < witnesses {
				signed = append(signed, entry)
			}
		}
		if len(signed) > 0 {
			err := client.Accepts(ctx, signed, observed.ClientCA)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(err, cluster.ErrLoginRefused) {
				continue
			}
			if split, ok := errors.AsType[*cluster.DisagreeError](err); ok {
				observed.Disagreement = &plan.Disagreement{Server: split.Server, Refused: split.Refused, Tried: split.Tried}
			} else if err != nil {
				observed.ClientCAError = err.Error()
			}
		}
		left = append(left, ca)
	}
	if len(left) == 0 { // an API server accepts one of those that it publishes
		observed.ClientCAError = "every login was refused, whichever CA had signed the certificate"
		return nil
	}
	observed.ClientCA = left
	return nil
}

// signedBy finds users whose certificate a CA has signed, those first whose certificate is the furthest from both ends of
// its validity: the API server's clock may differ from this one, and a refusal must not be about the time.
func signedBy(ca *x509.Certificate, files map[string]plan.File, now time.Time) []string {
	only := chain.NewRoots([]*x509.Certificate{ca})
	margin := make(map[string]time.Duration)
	for user, f := range files {
		if f.State != plan.FileOurs || f.Certificate == nil || !f.KeyMatches || f.Certificate.Key != plan.KeyHere {
			continue
		}
		if m := min(now.Sub(f.Certificate.NotBefore), f.Certificate.NotAfter.Sub(now)); m > 0 {
			margin[user] = m
		}
	}
	var users []string
	for _, user := range slices.SortedFunc(maps.Keys(margin), func(a, b string) int {
		return cmp.Or(cmp.Compare(margin[b], margin[a]), cmp.Compare(a, b))
	}) {
		if len(users) < witnesses && files[user].From(only, now) {
			users = append(users, user)
		}
	}
	return users
}
