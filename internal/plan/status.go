package plan

import (
	"slices"
	"strings"
	"time"
)

// State is where a user stands.
type State string

// States of a user.
const (
	StateValid     State = "valid"
	StateRenewSoon State = "renew soon" // the next apply renews
	StateReissue   State = "reissue"    // the next apply replaces a certificate that lives
	StateExpired   State = "expired"
	StateElsewhere State = "elsewhere" // a living certificate whose kubeconfig is not here
	StateMissing   State = "missing"   // no certificate
	StatePending   State = "pending"   // a request of ours is under way
	StateRemoved   State = "removed"   // taken out, and the certificate lives
	StateNotYet    State = "not yet"   // the certificate has not begun: a clock is wrong
)

// UserStatus is one row: one user of the file, or one who left and whose certificate lives.
type UserStatus struct {
	User   string
	Groups []string  // in certificates of hers that live
	Until  time.Time // of the certificate in the kubeconfig, else of the one that ends last; zero: none
	Older  time.Time // of an earlier certificate that ends later than Until; zero: none
	State  State
	Grants []string // by the set's bindings in the cluster, to her name and these groups: "clusterrole/edit -n payments"
	File   string   // in the output directory; "" when there is none

	Certificates []Record // that live, as the ledger has them
}

// Status says for every user where she stands: the state as a plan would see it, and what the cluster, not the file,
// says that she has.
func Status(desired Desired, observed Observed, now time.Time) []UserStatus {
	p := Compute(desired, observed, now)
	grants := grantsIn(desired.Set, observed.Bindings)
	var list []UserStatus
	changes := map[string]UserChange{}
	for _, c := range p.Users {
		changes[c.Name] = c
	}
	named := map[string]bool{}
	living := byUser(live(observed.Ledger, now))
	seen := certificatesIn(observed, living, now)
	for _, u := range desired.Users {
		name := u.Certificate.User
		named[name] = true
		f, records := observed.Files[name], living[name]
		s := UserStatus{User: name, Groups: groupsHeld(records, seen[name], now), Certificates: records}
		s.Grants = grants.of(name, s.Groups)
		if f.State == FileOurs {
			s.File = f.Name
		}
		last, _ := remaining(records, seen[name], now)
		if c := f.Certificate; f.State == FileOurs && c != nil {
			if s.Until = c.NotAfter; c.NotAfter.After(now) && !slices.Contains(seen[name], c) {
				s.Until = last // it is not hers, whatever it says
			}
		}
		if s.State = stateFor(changes[name], now); s.State == StateMissing {
			s.Until = last // of one who left, when the name may be given again
		}
		if until := reused(records, now); !until.IsZero() && !u.Reuse {
			s.State, s.Until = StateRemoved, until // revoked, or somebody else's name: the plan says so too
		}
		if e := changes[name].Elsewhere; e != nil {
			s.Until = e.NotAfter
		}
		if !s.Until.IsZero() && last.After(s.Until) && slices.ContainsFunc(records, func(r Record) bool { return r.Issued() && r.NotAfter.Equal(last) }) {
			s.Older = last
		}
		list = append(list, s)
	}
	gone := map[string]bool{}
	for name := range living {
		gone[name] = !named[name]
	}
	for name, f := range observed.Files {
		if f.Certificate != nil && slices.Contains(seen[name], f.Certificate) {
			gone[name] = !named[name]
		}
	}
	for name := range gone {
		if !gone[name] {
			continue
		}
		s := UserStatus{User: name, State: StateRemoved, Certificates: living[name]}
		s.Until, s.Groups = remaining(living[name], seen[name], now)
		s.Grants = grants.of(name, s.Groups)
		if f, ok := observed.Files[name]; ok {
			s.File = f.Name
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b UserStatus) int { return strings.Compare(a.User, b.User) })
	return list
}

// granted is what bindings grant, by subject.
type granted map[Subject][]string

// grantsIn reads what the bindings of a set grant.
func grantsIn(set string, bindings []Binding) granted {
	g := granted{}
	for _, b := range bindings {
		if !b.named(set) {
			continue // a copied label: the plan warns of it
		}
		text := strings.ToLower(b.RoleRef.Kind) + "/" + b.RoleRef.Name
		if b.Namespace != "" {
			text += " -n " + b.Namespace
		}
		for _, s := range b.Subjects {
			g[s] = append(g[s], text)
		}
	}
	return g
}

// of lists what a user with these groups is granted, each grant once.
func (g granted) of(user string, groups []string) []string {
	list := slices.Clone(g[Subject{"User", user}])
	for _, group := range groups {
		list = append(list, g[Subject{"Group", group}]...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// groupsHeld are the groups in the certificates that a user has and that live: those that her records list, and those
// that show by themselves.
func groupsHeld(records []Record, seen []*Certificate, now time.Time) []string {
	var groups []string
	for _, r := range records {
		if r.Issued() {
			groups = append(groups, r.Groups...)
		}
	}
	for _, c := range seen {
		if c.NotAfter.After(now) {
			groups = append(groups, c.Groups...)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// stateFor reads a user's state from what the plan would do.
func stateFor(c UserChange, now time.Time) State {
	switch c.Certificate.Op {
	case Issue:
		if c.Certificate.Before != nil {
			return StateExpired
		}
		return StateMissing
	case Renew:
		return StateRenewSoon
	case Reissue:
		return StateReissue
	case Resume:
		return StatePending
	}
	switch {
	case c.Elsewhere != nil:
		return StateElsewhere
	case c.Certificate.Before == nil: // something stands in the way; the plan says what
		return StateMissing
	case c.Certificate.Before.NotBefore.After(now):
		return StateNotYet
	}
	return StateValid
}
