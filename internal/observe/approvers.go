package observe

import (
	"context"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// Approvers are those who may approve requests for client certificates.
type Approvers struct {
	List []plan.Approver
	Err  error // why they are not known; nil: they are
}

// AllApprovers finds them. That nobody may be told is no failure of what is told besides.
func AllApprovers(ctx context.Context, client *cluster.Client) Approvers {
	list, err := client.Approvers(ctx)
	return Approvers{list, err}
}
