package plan

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"
)

// Same reports whether two plans do the same. The moment at which somebody is noted to have left, or a group to have ended, does not count, nor
// whether the ledger's namespace is there already: taking the lock makes it. Warnings do nothing.
func Same(a, b Plan) bool {
	x, y := timeless(a), timeless(b)
	if reflect.DeepEqual(x, y) {
		return true
	}
	// One that was read from a file has other representations of the same values.
	dataX, errX := json.Marshal(x)
	dataY, errY := json.Marshal(y)
	return errX == nil && errY == nil && string(dataX) == string(dataY)
}

// timeless is a plan without what may differ between two plans that do the same: see Same. It shares the rest with p.
func timeless(p Plan) Plan {
	records := make([]Change[Record], len(p.Ledger.Records))
	for i, c := range p.Ledger.Records {
		if c.After != nil {
			after := *c.After
			if !after.Removed.IsZero() {
				after.Removed = time.Unix(0, 0)
			}
			if !after.Revoked.IsZero() {
				after.Revoked = time.Unix(0, 0)
			}
			if c.Before == nil || !after.Blocked.Equal(c.Before.Blocked) {
				after.Blocked = time.Time{}
			}
			if c.Before == nil || !after.Unblocked.Equal(c.Before.Unblocked) {
				after.Unblocked = time.Time{}
			}
			c.After = &after
		}
		records[i] = c
	}
	p.Bindings, p.Ended = slices.Clone(p.Bindings), nil // the bindings say it
	for i, c := range p.Bindings {
		if c.After != nil && len(c.After.Ended) > 0 {
			after := *c.After
			after.Ended = slices.Clone(after.Ended)
			for j := range after.Ended {
				after.Ended[j].Since = time.Time{}
			}
			p.Bindings[i].After = &after
		}
	}
	p.Ledger.Records, p.Ledger.CreateNamespace, p.Warnings = records, false, nil
	return p
}
