package plan

import (
	"maps"
	"slices"
	"time"
)

// SetLedger is what the ConfigMaps of one set in one namespace say.
type SetLedger struct {
	Set       string
	Namespace string
	Since     time.Time // when the oldest of them was made
	Records   []Record
}

// LedgerElsewhere is what ConfigMaps that look like the set's ledger say in another namespace than the file names.
type LedgerElsewhere struct {
	Namespace string
	Ours      bool // provision made the namespace: no user of the cluster can have put the records there
	Records   []Record
}

// movedLedger finds living records of the set in other namespaces: the file named another one earlier. With two ledgers, and
// two Leases, neither knows of the other. Where anybody may have written the records they are doubted, and stop nobody.
func movedLedger(desired Desired, observed Observed, at moment) (problems []Problem, warnings []Warning) {
	named, known := map[string]bool{}, byUser(observed.Ledger)
	for _, u := range desired.Users {
		named[u.Certificate.User] = !u.Reuse
	}
	for _, e := range observed.LedgersElsewhere {
		users := map[string]bool{}
		count := 0
		for _, r := range e.Records {
			if r.Live(at.lives) {
				users[r.User] = true
				count++
			}
		}
		switch {
		case count == 0:
		case e.Ours:
			problems = append(problems, Problem{Code: LedgerMoved, From: e.Namespace, Name: desired.LedgerNamespace, Count: count})
		default:
			w := Warning{Code: LedgerCopy, Namespace: e.Namespace, Name: desired.LedgerNamespace, To: desired.Set, Items: slices.Sorted(maps.Keys(users))}
			for name, records := range byUser(e.Records) {
				if named[name] && len(known[name]) == 0 && !reused(records, at.lives).IsZero() {
					w.Left = append(w.Left, name)
				}
			}
			slices.Sort(w.Left)
			warnings = append(warnings, w)
		}
	}
	if observed.LedgerUnsearched && len(observed.Ledger) == 0 && len(desired.Users) > 0 {
		warnings = append(warnings, Warning{Code: LedgerUnsearched, Namespace: desired.LedgerNamespace})
	}
	return problems, warnings
}

// removedElsewhere are the records of people of whom the ledger knows nothing, and who left by what is in another namespace,
// one that provision made: their names are not given away. Elsewhere anybody could hold back whom they like: see movedLedger.
func removedElsewhere(observed Observed, at moment) map[string][]Record {
	left := map[string][]Record{}
	if len(observed.LedgersElsewhere) == 0 { // as a rule; to sort ten thousand records would take memory for nothing
		return left
	}
	known := byUser(observed.Ledger)
	for _, e := range observed.LedgersElsewhere {
		if !e.Ours {
			continue
		}
		for name, records := range byUser(live(e.Records, at.lives)) {
			if len(known[name]) == 0 {
				left[name] = append(left[name], records...)
			}
		}
	}
	return left
}

// awayWarnings tell of records in another namespace, for plans that only take away.
func awayWarnings(desired Desired, observed Observed, at moment) []Warning {
	problems, list := movedLedger(desired, observed, at)
	for _, p := range problems {
		list = append(list, Warning{Code: LedgerCopy, Namespace: p.From, Name: p.Name, To: desired.Set})
	}
	return list
}

// damages are the warnings of a ledger that cannot be read, for plans that only take away.
func damages(problems []Problem) []Warning {
	var list []Warning
	for _, p := range problems {
		list = append(list, Warning{Code: LedgerDamaged, Object: p.Object, To: p.Detail})
	}
	return list
}

// Claimed are the users for whom some ledgers list a certificate that lives and that nobody was noted to have left, with the
// set. Lives is the moment that it is to outlive.
func Claimed(ledgers []SetLedger, lives time.Time) map[string]string {
	claimed := map[string]string{}
	for _, l := range ledgers {
		for _, r := range l.Records {
			if r.Used() && r.Live(lives) && r.Removed.IsZero() {
				claimed[r.User] = l.Set
			}
		}
	}
	return claimed
}
