package verify

import (
	"context"
	"slices"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// Set is what was found for the users of one set.
type Set struct {
	Desired plan.Desired
	Results []Result // in the order of Desired.Users
}

// LookOutside adds to the results of sets what the users may do that their file does not give them. A right by a binding of their own
// set is a difference: the file is not applied. A right from outside the set is one if it is as good as cluster-admin, and with
// strict whatever it is; but not if the file of another of these sets gives it. The bindings of the cluster are listed
// once. With an error nothing is added; a cluster.PermissionError is that of an operator who may not look.
func LookOutside(ctx context.Context, client *cluster.Client, sets []Set, strict bool) error {
	who := map[plan.Subject]bool{}
	desired := make([]plan.Desired, len(sets))
	gives := make([]plan.Given, len(sets))
	for i, set := range sets {
		desired[i], gives[i] = set.Desired, set.Desired.Gives()
		for j, u := range set.Desired.Users {
			for _, s := range plan.Identities(u.Certificate.User, set.Results[j].groups(u)) {
				who[s] = true
			}
		}
	}
	all, outside, err := client.Granted(ctx, who, desired)
	if err != nil {
		return err
	}
	for i, set := range sets {
		own := all.Of(set.Desired.Set)
		for j, u := range set.Desired.Users {
			r, name := &set.Results[j], u.Certificate.User
			groups := r.groups(u)
			given := gives[i].To(name, groups)
			for _, h := range own.Beyond(given, name, groups) {
				r.differs(Difference{Code: NotGiven, Held: []plan.Held{h}})
			}
			if r.Outside = outside[i].Beyond(given, name, groups); len(r.Outside) == 0 {
				continue
			}
			meant := slices.Clone(given)
			for _, g := range gives {
				meant = append(meant, g.To(name, groups)...)
			}
			var foreign []plan.Held
			for _, h := range r.Outside {
				if (strict || h.Power == plan.PowerAdmin) && !h.GivenBy(meant) {
					foreign = append(foreign, h)
				}
			}
			if len(foreign) > 0 {
				r.differs(Difference{Code: Foreign, Held: foreign})
			}
		}
	}
	return nil
}
