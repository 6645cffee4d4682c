package plan

import (
	"slices"
	"time"
)

// People tells of each person what a set knows of their certificates. It groups that once, for however many people are asked for.
type People struct {
	observed  Observed
	records   map[string][]Record
	requested map[string][]*Certificate // what requests of this operator still show
	lives     time.Time                 // the moment that a certificate is to outlive
}

// PeopleOf goes by all that was observed of a set. Now is by the clock of this machine.
func PeopleOf(observed Observed, now time.Time) People {
	return People{observed, byUser(observed.Ledger), requested(observed), observed.Earliest(now)}
}

// People goes by a set's ledger alone. Lives is the moment that certificates are to outlive.
func (l SetLedger) People(lives time.Time) People {
	return People{records: byUser(l.Records), lives: lives}
}

// seen are the certificates of a person that show by themselves.
func (p People) seen(name string) []*Certificate {
	return slices.Concat(p.observed.livingFile(name, p.records[name], p.lives), p.requested[name])
}

// Remaining returns until when a person's certificates live, and the groups that they carry, sorted. The zero time: none lives.
func (p People) Remaining(name string) (until time.Time, groups []string) {
	return remaining(p.records[name], p.seen(name), p.lives)
}

// HasLeft reports whether everything that the ledger knows to live under a name is of somebody who left the set.
func (p People) HasLeft(name string) bool { return !reused(p.records[name], p.lives).IsZero() }

// Credentials are the ids of the certificates of a person, as audit logs show them, sorted and also of those that have ended; whole
// reports whether that is all of them: there may be one of which the ledger has not noted what was issued.
func (p People) Credentials(name string) (ids []string, whole bool) {
	records := p.records[name]
	for _, r := range records {
		if r.CredentialID != "" {
			ids = append(ids, r.CredentialID)
		}
	}
	for _, c := range p.seen(name) {
		ids = append(ids, c.CredentialID)
	}
	unknown := slices.ContainsFunc(records, func(r Record) bool { return r.Live(p.lives) && (r.CredentialID == "" || r.Resent) })
	return sortedOnce(ids), !unknown && len(p.observed.LedgerProblems) == 0
}
