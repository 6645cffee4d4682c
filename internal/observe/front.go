package observe

import (
	"context"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// Fronts asks the servers that kubeconfigs are to lead to whether they ask for a client certificate, where the plan would issue
// one, each server once. It reports whether any does not: that is noted, and the plans have to be decided again. A server that
// cannot be reached from here is not known to.
func Fronts(ctx context.Context, all plan.Proposals, goals []plan.Goal, client *cluster.Client) bool {
	silent := map[string]bool{}
	found := false
	for i := range all {
		p := &all[i]
		if goals[i].TakesAway || !p.Issues() || p.Observed.NoClientCertificates != "" || len(p.Desired.Users) == 0 {
			continue
		}
		at := p.Desired.Users[0].Kubeconfig.Endpoint // the set's, and so everybody's
		key := at.Server + " " + at.TLSServerName + " " + at.ProxyURL
		if _, ok := silent[key]; !ok {
			asks, err := client.AsksForCertificate(ctx, at)
			silent[key] = err == nil && !asks
		}
		if silent[key] {
			p.Observed.NoClientCertificates = at.Server
			found = true
		}
	}
	return found
}
