package plan

import (
	"reflect"
	"time"
)

// Same says whether two plans do the same. The moment at which somebody is noted to have left does not count, nor
// whether the ledger's namespace is there already: taking the lock makes it.
func Same(a, b Plan) bool {
	return reflect.DeepEqual(timeless(a), timeless(b))
}

func timeless(p Plan) Plan {
	records := make([]Change[Record], len(p.Ledger.Records))
	for i, c := range p.Ledger.Records {
		if c.After != nil {
			after := *c.After
			if !after.Removed.IsZero() {
				after.Removed = time.Unix(0, 0)
			}
			c.After = &after
		}
		records[i] = c
	}
	p.Ledger.Records, p.Ledger.CreateNamespace = records, false
	return p
}
