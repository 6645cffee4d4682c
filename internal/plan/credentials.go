package plan

import (
	"slices"
	"time"
)

// Credentials are the ids of the certificates of a person that a set knows, as audit logs show them, sorted and also of those that have
// ended; whole reports whether that is all of them: there may be one of which the ledger has not noted what was issued. Now is by the
// clock of this machine.
func Credentials(observed Observed, name string, now time.Time) (ids []string, whole bool) {
	observed.Files = map[string]File{name: observed.Files[name]} // nobody else's has to be looked at
	records, lives := byUser(observed.Ledger), observed.Earliest(now)
	ids, whole = credentialsOf(records[name], lives)
	for _, c := range certificatesIn(observed, records, lives)[name] {
		ids = append(ids, c.CredentialID)
	}
	return sortedOnce(ids), whole && len(observed.LedgerProblems) == 0
}

// Credentials is the same of what a set's ledger says. Lives is the moment that a certificate without an id is to outlive.
func (l SetLedger) Credentials(name string, lives time.Time) (ids []string, whole bool) {
	return credentialsOf(byUser(l.Records)[name], lives)
}

func credentialsOf(records []Record, lives time.Time) (ids []string, whole bool) {
	for _, r := range records {
		if r.CredentialID != "" {
			ids = append(ids, r.CredentialID)
		}
	}
	return ids, !slices.ContainsFunc(records, func(r Record) bool { return r.Live(lives) && (r.CredentialID == "" || r.Resent) })
}
