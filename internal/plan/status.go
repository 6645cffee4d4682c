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
)

// UserStatus is one row: one user of the file, or one who left and whose certificate lives.
type UserStatus struct {
	User   string
	Groups []string
	Until  time.Time // of the certificate that ends last; zero: none
	State  State
	Grants []string // "clusterrole/edit -n payments"
	File   string   // in the output directory; "" when there is none
}

// Status says for every user where she stands. It is the same comparison as a plan's, read another way.
func Status(desired Desired, observed Observed, now time.Time) []UserStatus {
	p := Compute(desired, observed, now)
	grants := map[Subject][]string{}
	for _, b := range desired.Bindings {
		text := strings.ToLower(b.RoleRef.Kind) + "/" + b.RoleRef.Name
		if b.Namespace != "" {
			text += " -n " + b.Namespace
		}
		for _, s := range b.Subjects {
			grants[s] = append(grants[s], text)
		}
	}
	var list []UserStatus
	changes := map[string]UserChange{}
	for _, c := range p.Users {
		changes[c.Name] = c
	}
	named := map[string]bool{}
	for _, u := range desired.Users {
		name := u.Certificate.User
		named[name] = true
		s := UserStatus{User: name, Groups: u.Certificate.Groups, Grants: slices.Clone(grants[Subject{"User", name}])}
		for _, g := range u.Certificate.Groups {
			s.Grants = append(s.Grants, grants[Subject{"Group", g}]...)
		}
		slices.Sort(s.Grants)
		s.Grants = slices.Compact(s.Grants)
		if f, ok := observed.Files[name]; ok && f.State == FileOurs {
			s.File = f.Name
			if f.Certificate != nil {
				s.Until = f.Certificate.NotAfter
			}
		}
		s.State = stateFor(changes[name])
		if until := reused(byUser(live(observed.Ledger, now))[name], now); !until.IsZero() && !u.Reuse {
			s.State, s.Until = StateRemoved, until // revoked, or somebody else's name: the plan says so too
		}
		if e := changes[name].Elsewhere; e != nil {
			s.Until = e.NotAfter
		}
		list = append(list, s)
	}
	lives := map[string]bool{}
	for _, r := range observed.Ledger {
		lives[r.User] = lives[r.User] || r.Live(now)
	}
	for name, f := range observed.Files {
		lives[name] = lives[name] || f.State == FileOurs && f.Certificate != nil && f.Certificate.NotAfter.After(now)
	}
	for name, alive := range lives {
		if named[name] || !alive {
			continue
		}
		s := UserStatus{User: name, State: StateRemoved}
		s.Until, s.Groups = Remaining(observed, name, now)
		for _, g := range s.Groups {
			s.Grants = append(s.Grants, grants[Subject{"Group", g}]...)
		}
		if f, ok := observed.Files[name]; ok {
			s.File = f.Name
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b UserStatus) int { return strings.Compare(a.User, b.User) })
	return list
}

// stateFor reads a user's state from what the plan would do.
func stateFor(c UserChange) State {
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
	}
	return StateValid
}
