package observe

import (
	"context"
	"slices"
	"time"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// Remainder is what one person can still do, by the certificates of all sets that were read.
type Remainder struct {
	User   string
	Until  time.Time        // when the last certificate ends; zero: none lives
	Groups []string         // in living certificates, sorted, each once; never nil
	Grants []cluster.Access // what bindings grant to the name or to these groups
	Others []InSet          // other sets that know living certificates of that name

	// Credentials are the ids of their certificates, as audit logs show them, those among them that have ended: sorted, each once.
	// NameOnly is that there may be others, which only their name tells.
	Credentials []string
	NameOnly    bool
}

// InSet is what another set's ledger has of a person.
type InSet struct {
	Set       string
	Namespace string // of its ledger
	Until     time.Time
	Groups    []string
	Removed   bool // the person has left that set already: nothing is left to revoke there
}

// Remaining asks what people can still do after plans were carried out, in the order of users. The answer leaves out what the
// plans take away, also where a dry run has kept it.
func Remaining(ctx context.Context, client *cluster.Client, all plan.Proposals, others Ledgers, users []string, dry bool) ([]Remainder, error) {
	own := map[plan.ObjectKey]bool{} // the ledgers of these plans, by namespace and set
	var planned []plan.People
	for _, p := range all {
		own[plan.ObjectKey{Namespace: p.Ledger.Namespace, Name: p.Set}] = true
		planned = append(planned, plan.PeopleOf(p.Observed, time.Now()))
	}
	type theirs struct {
		plan.SetLedger
		people plan.People
	}
	var elsewhere []theirs
	for _, l := range others.List {
		if !own[plan.ObjectKey{Namespace: l.Namespace, Name: l.Set}] {
			elsewhere = append(elsewhere, theirs{l, l.People(client.Earliest())})
		}
	}
	var list []Remainder
	living := map[string][]string{}
	for _, name := range users {
		r := Remainder{User: name, Groups: []string{}}
		know := func(people plan.People) (until time.Time, groups []string) {
			ids, whole := people.Credentials(name)
			r.Credentials, r.NameOnly = append(r.Credentials, ids...), r.NameOnly || !whole
			until, groups = people.Remaining(name)
			if until.After(r.Until) {
				r.Until = until
			}
			r.Groups = append(r.Groups, groups...)
			return until, groups
		}
		for _, people := range planned {
			know(people)
		}
		for _, l := range elsewhere {
			if until, groups := know(l.people); !until.IsZero() {
				r.Others = append(r.Others, InSet{Set: l.Set, Namespace: l.Namespace, Until: until, Groups: groups, Removed: l.people.HasLeft(name)})
			}
		}
		slices.Sort(r.Groups)
		r.Groups = slices.Compact(r.Groups)
		slices.Sort(r.Credentials)
		r.Credentials = slices.Compact(r.Credentials)
		if !r.Until.IsZero() {
			living[name] = r.Groups
		}
		list = append(list, r)
	}
	if len(living) == 0 {
		return list, nil
	}
	accesses, err := client.Accesses(ctx, living)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Grants = slices.DeleteFunc(accesses[list[i].User], func(a cluster.Access) bool { return dry && all.Withdraw(a.Binding.UID, a.Subject) })
	}
	return list, nil
}

// RemainingOf asks what one certificate can still do after plans were carried out.
func RemainingOf(ctx context.Context, client *cluster.Client, all plan.Proposals, c plan.Certificate, dry bool) ([]Remainder, error) {
	accesses, err := client.Accesses(ctx, map[string][]string{c.User: c.Groups})
	if err != nil {
		return nil, err
	}
	r := Remainder{User: c.User, Until: c.NotAfter, Groups: append([]string{}, c.Groups...), Credentials: []string{c.CredentialID}}
	r.Grants = slices.DeleteFunc(accesses[c.User], func(a cluster.Access) bool { return dry && all.Withdraw(a.Binding.UID, a.Subject) })
	return []Remainder{r}, nil
}
