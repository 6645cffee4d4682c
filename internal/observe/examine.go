package observe

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"provision/internal/cluster"
	"provision/internal/doctor"
	"provision/internal/plan"
)

// Examine looks at whether the job can be done in the cluster, with the ledger in a namespace. With patience it asks for a certificate
// and waits for so long for it; 0: it changes nothing. All that cannot be seen is in what it returns,
// with the reason.
func Examine(ctx context.Context, client *cluster.Client, ledger string, patience time.Duration) doctor.Examination {
	e := doctor.Examination{Server: client.Endpoint().Server, Username: client.Username(), Ahead: client.ClockAhead(), Now: client.ServerTime()}
	var g errgroup.Group
	look := func(f func()) {
		g.Go(func() error {
			f()
			return nil
		})
	}
	look(func() { e.Version, _ = client.Version(ctx) }) // "" says that it is not known
	look(func() { e.Rights, e.RightsErr = client.Rights(ctx, ledger) })
	look(func() {
		var o plan.Observed
		if err := client.ObserveClientCA(ctx, &o); err != nil {
			o.ClientCAError = err.Error()
		}
		e.ClientCA, e.ClientCAs = o.ClientCA, o.ClientCAError
	})
	look(func() { e.Signer, e.SignerErr = client.SignerRecord(ctx) })
	look(func() {
		asks, err := client.AsksForCertificate(ctx, client.Endpoint())
		e.Front, e.FrontErr = err == nil && !asks, err
	})
	look(func() {
		all := AllLedgers(ctx, client, []string{ledger})
		for _, l := range all.List {
			e.Sets = append(e.Sets, l.Set)
		}
		e.Everywhere, e.SetsErr = all.Everywhere, all.Err
	})
	look(func() { e.LedgerMissing = client.NamespaceMissing(ctx, ledger) })
	look(func() { e.Blocks, e.BlocksErr = client.Blocks(ctx) })
	_ = g.Wait()
	if patience > 0 {
		trial := client.TrySigner(ctx, patience)
		e.Trial = &trial
	}
	return e
}
