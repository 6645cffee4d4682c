package plan

import (
	"slices"
	"strings"
	"time"

	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// State is where a user stands.
type State string

// States of a user.
const (
	StateValid        State = "valid"
	StateRenewSoon    State = "renew soon" // the next apply renews
	StateReissue      State = "reissue"    // the next apply replaces a certificate that lives
	StateExpired      State = "expired"
	StateElsewhere    State = "elsewhere"      // a living certificate whose kubeconfig is not here
	StateElsewhereDue State = "elsewhere, due" // the same, and it is time to renew it: nothing here does
	StateMissing      State = "missing"        // no certificate
	StatePending      State = "pending"        // a request of ours is under way
	StateRemoved      State = "removed"        // taken out, and the certificate lives
	StateEnded        State = "ended"          // the end passed that the file gives, and no certificate lives
	StateRevoked      State = "revoked"        // the user's generation was taken back, and the file gives no higher one
	StateBlocked      State = "blocked"        // removed, and the API server refuses what the certificate writes
	StateNewRequest   State = "new request"    // the user has to make a new request for the next certificate
	StateNotYet       State = "not yet"        // the certificate has not begun: a clock is wrong
)

// States returns all states of a user, those of people who are in and then of those who are out.
func States() []State {
	return []State{StateValid, StateRenewSoon, StateReissue, StateExpired, StateElsewhere, StateElsewhereDue, StateMissing, StatePending, StateNewRequest, StateNotYet,
		StateRemoved, StateEnded, StateRevoked, StateBlocked}
}

// UserStatus is one row: one user of the file, or one who left and whose certificate lives.
type UserStatus struct {
	User   string
	Groups []string  // in living certificates of the user
	Until  time.Time // of the certificate in the kubeconfig, else of the one that ends last; zero: none
	Older  time.Time // of an earlier certificate that ends later than Until; zero: none
	State  State
	Grants []Grant   // by the set's bindings in the cluster, to this name and these groups; sorted
	Ends   time.Time // by the file; zero: not by themselves
	// GrantEnds are those of Grants that end by themselves, by the file, and when.
	GrantEnds map[Grant]time.Time
	File      string // in the output directory; "" when there is none

	Key      KeyPlace              // of the certificate in that
	SealedTo []recipient.Recipient // likewise

	Blocked      bool     // every one of them
	Certificates []Record // that live, as the ledger has them
}

// Status returns a row for every user, sorted by name: the state as a plan would see it, and what the user has by the cluster
// and not by the file. now is by the clock of this machine.
func Status(desired Desired, observed Observed, now time.Time) []UserStatus {
	p, at := Compute(desired, observed, now), observed.at(now)
	grants := grantsIn(desired.Set, observed.Bindings)
	var list []UserStatus
	changes := map[string]UserChange{}
	for _, c := range p.Users {
		changes[c.Name] = c
	}
	revoked := map[string]time.Time{}
	for _, problem := range p.Problems {
		if problem.Code == GenerationEnded {
			revoked[problem.User] = problem.Until
		}
	}
	named := map[string]bool{}
	living := byUser(live(observed.Ledger, at.lives))
	seen := certificatesIn(observed, living, at.lives)
	for _, u := range desired.Users {
		name := u.Certificate.User
		named[name] = true
		f, records := observed.Files[name], living[name]
		s := UserStatus{User: name, Groups: groupsHeld(records, seen[name], at.lives), Certificates: records}
		s.Grants = grants.of(name, s.Groups)
		s.Ends, s.GrantEnds = u.Certificate.Until, desired.grantEnds(s)
		if f.State == FileOurs {
			s.File = f.Name
		}
		last, _ := remaining(records, seen[name], at.lives)
		if c := f.Certificate; f.State == FileOurs && c != nil {
			s.Key, s.SealedTo = c.Key, c.SealedTo
			if s.Until = c.NotAfter; c.NotAfter.After(at.lives) && !slices.Contains(seen[name], c) {
				s.Until = last // it is somebody else's, whatever it says
			}
		}
		if s.State = stateFor(changes[name], at.now); s.State == StateMissing || s.State == StateRenewSoon && s.Until.IsZero() {
			s.Until = last // of one who left, when the name may be given again, or of one elsewhere
		}
		if until := reused(records, at.lives); !until.IsZero() && !u.Reuse {
			s.State, s.Until = StateRemoved, until // revoked, or somebody else's name: the plan says so too
		}
		if until, is := revoked[name]; is {
			s.State, s.Until = StateRevoked, later(s.Until, until)
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
	for name := range desired.Over {
		gone[name] = true
	}
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
		s.Until, s.Groups = remaining(living[name], seen[name], at.lives)
		if s.Ends = desired.Over[name]; !s.Ends.IsZero() && s.Until.IsZero() {
			s.State = StateEnded
		}
		s.Grants = grants.of(name, s.Groups)
		f := observed.Files[name]
		if f.State == FileOurs { // else it is of the set that they have gone to, or nobody's
			s.File = f.Name
		}
		if desired.Unfiled && slices.ContainsFunc(living[name], func(r Record) bool { return r.Removed.IsZero() }) {
			if s.State = StateElsewhere; f.State == FileOurs {
				s.State = StateValid
			}
		}
		list = append(list, s)
	}
	for i, s := range list {
		list[i].Blocked = observed.Block.Covers(s.User, s.Certificates)
		if list[i].Blocked && s.State == StateRemoved {
			list[i].State = StateBlocked
		}
	}
	slices.SortFunc(list, func(a, b UserStatus) int { return strings.Compare(a.User, b.User) })
	return list
}

// StatusWarnings are those that concern what is there, whatever the file wants: clocks that differ, and kubeconfigs in a wrong
// place. now is by the clock of this machine.
func StatusWarnings(desired Desired, observed Observed, now time.Time) []Warning {
	files := filesOf(desired.Users)
	for _, r := range observed.Ledger {
		if desired.Unfiled && r.Removed.IsZero() {
			files[r.User] = usersfile.FileName(r.User)
		}
	}
	list := append(ClockWarnings(observed), misplacedWarnings(files, observed, now)...)
	if len(desired.KeysWanted()) > 0 {
		list = append(list, newRequests(desired.Set, Compute(desired, observed, now).Users, true)...)
	}
	list = append(list, BlockWarnings(observed, observed.Earliest(now))...)
	if w := elsewhereOnly(desired, observed); w != nil {
		list = append(list, *w)
	}
	return list
}

// stateFor reads a user's state from what the plan would do.
func stateFor(c UserChange, now time.Time) State {
	switch c.Certificate.Op {
	case Issue:
		if asks(c.Certificate.Reasons, ElsewhereDue) {
			return StateRenewSoon
		}
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
	case c.NewRequest != nil:
		return StateNewRequest
	case c.Elsewhere != nil && c.Due:
		return StateElsewhereDue
	case c.Elsewhere != nil:
		return StateElsewhere
	case c.Certificate.Before == nil: // something stands in the way; the plan says what
		return StateMissing
	case c.Certificate.Before.NotBefore.After(now):
		return StateNotYet
	}
	return StateValid
}
