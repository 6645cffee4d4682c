package observe

import (
	"context"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// Traces finds what people could have made or read by what the plans take from them, and by what they are left with.
func Traces(ctx context.Context, client *cluster.Client, all plan.Proposals, people []Remainder) ([]plan.Trace, error) {
	var users []string
	var bindings []plan.Binding
	had := map[string][]plan.Binding{}
	for _, one := range people {
		users = append(users, one.User)
		had[one.User] = all.TakenFrom(one.User)
		for _, a := range one.Grants {
			had[one.User] = append(had[one.User], a.Binding)
		}
		bindings = append(bindings, had[one.User]...)
	}
	if len(bindings) == 0 {
		return nil, nil
	}
	rules, err := client.RulesOf(ctx, bindings)
	if err != nil {
		return nil, err
	}
	return plan.Traces(users, had, rules), nil
}
