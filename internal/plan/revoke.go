package plan

import (
	"slices"
	"time"
)

// Revoke plans to take people out of every grant of the set at once, whatever the users file says: their subjects
// leave the bindings, their kubeconfigs go, and the ledger notes that they left. What was bound to a group stays with
// whoever has the group in a certificate.
//
// A ledger that was lost or damaged does not stand in the way. As the kubeconfigs that go may then be the last that tells
// of the certificates in them, those are recorded.
func Revoke(desired Desired, observed Observed, names []string, now time.Time) Plan {
	p := Plan{Set: desired.Set, Digest: desired.Digest, Ledger: Ledger{Namespace: desired.LedgerNamespace, CreateNamespace: !observed.LedgerNamespace}}
	for _, problem := range observed.LedgerProblems {
		p.Warnings = append(p.Warnings, Warning{Code: LedgerDamaged, Namespace: problem.Namespace, Name: problem.Name, To: problem.Detail})
	}
	leaves := func(name string) bool { return slices.Contains(names, name) }
	for _, before := range observed.Bindings {
		if !before.named(desired.Set) {
			continue // nobody's: Remaining grants are shown all the same
		}
		after := before
		after.Subjects = slices.DeleteFunc(slices.Clone(before.Subjects), func(s Subject) bool { return s.Kind == "User" && leaves(s.Name) })
		_, removed := difference(before.Subjects, after.Subjects)
		switch {
		case len(removed) == 0:
		case len(after.Subjects) == 0:
			p.Bindings = append(p.Bindings, Change[Binding]{Op: Delete, Before: &before, Reasons: []Reason{{Code: RevokedNow}}})
		default:
			p.Bindings = append(p.Bindings, Change[Binding]{Op: Update, Before: &before, After: &after,
				Reasons: []Reason{{Code: SubjectsChanged, Removed: SubjectTexts(removed)}}})
		}
	}
	slices.SortFunc(p.Bindings, func(a, b Change[Binding]) int {
		return compareKeys(a.Before.Namespace, a.Before.Name, b.Before.Namespace, b.Before.Name)
	})
	d := decision{observed: observed, records: byUser(observed.Ledger), requests: requestsByKey(desired.Set, observed), now: now}
	stays := map[string]bool{}
	for name := range observed.Files {
		stays[name] = !leaves(name)
	}
	for name := range observed.Keys {
		stays[name] = !leaves(name)
	}
	p.Users = d.left(stays)
	for i := range p.Users {
		if c := &p.Users[i].Kubeconfig; c.Op == Remove {
			c.Reasons = []Reason{{Code: RevokedNow}}
		}
	}
	p.Requests = d.superseded(p.Users)
	for i := range p.Requests {
		p.Requests[i].Reasons = []Reason{{Code: RevokedNow}}
	}
	known := map[string]bool{}
	issued := issuedByKey(desired.Set, observed)
	for _, before := range observed.Ledger {
		known[before.KeyHash] = true
		after := before.completeFrom(issued)
		if leaves(before.User) && before.Removed.IsZero() && after.Live(now) {
			after.Removed = now.UTC().Truncate(time.Second)
			p.Ledger.Records = append(p.Ledger.Records, Change[Record]{Op: Update, Before: &before, After: &after, Reasons: []Reason{{Code: RevokedNow}}})
		}
	}
	for _, r := range unrecorded(observed, known, leaves, now) {
		if leaves(r.User) {
			p.Ledger.Records = append(p.Ledger.Records, Change[Record]{Op: Create, After: &r, Reasons: []Reason{{Code: NotRecorded}}})
		}
	}
	slices.SortFunc(p.Ledger.Records, func(a, b Change[Record]) int {
		x, y := a.Object(), b.Object()
		return compareKeys(x.User, x.KeyHash, y.User, y.KeyHash)
	})
	return p
}

// Remaining is what a person's living certificates still say: until when, and which groups.
func Remaining(observed Observed, name string, now time.Time) (until time.Time, groups []string) {
	observed.Files = map[string]File{name: observed.Files[name]} // nobody else's has to be looked at
	records := byUser(observed.Ledger)
	return remaining(records[name], certificatesIn(observed, records, now)[name], now)
}

// remaining is the same from a person's own records, and her certificates that show by themselves.
func remaining(records []Record, seen []*Certificate, now time.Time) (until time.Time, groups []string) {
	add := func(t time.Time, g []string) {
		if t.After(now) {
			if t.After(until) {
				until = t
			}
			groups = append(groups, g...)
		}
	}
	for _, r := range records {
		add(r.Until(), r.Groups)
	}
	for _, c := range seen {
		add(c.NotAfter, c.Groups)
	}
	slices.Sort(groups)
	return until, slices.Compact(groups)
}

// certificatesIn finds, by user, the living certificates in the directory and those that requests of this operator still
// show.
func certificatesIn(observed Observed, records map[string][]Record, now time.Time) map[string][]*Certificate {
	by := map[string][]*Certificate{}
	for name, f := range observed.Files {
		if f.Certificate == nil || !f.Certificate.NotAfter.After(now) {
			continue
		}
		if c := observed.believed(name, records[name]); c != nil {
			by[name] = append(by[name], c)
		}
	}
	for _, r := range observed.Requests {
		if c := r.ownCertificate(); c != nil {
			by[c.User] = append(by[c.User], c)
		}
	}
	return by
}

// ownCertificate is what was issued for a request that this operator sent, or nil. Other requests with our label are
// somebody's word only.
func (r Request) ownCertificate() *Certificate {
	if r.State != Issued || !r.Conforms {
		return nil
	}
	return r.Certificate
}

// Knows says whether anything of the set bears the name: the file, a certificate, a grant, a kubeconfig, a pending key.
func Knows(desired Desired, observed Observed, name string) bool {
	_, file := observed.Files[name]
	_, key := observed.Keys[name]
	return file || key ||
		slices.ContainsFunc(desired.Users, func(u User) bool { return u.Certificate.User == name }) ||
		slices.ContainsFunc(observed.Ledger, func(r Record) bool { return r.User == name }) ||
		slices.ContainsFunc(observed.Requests, func(r Request) bool { c := r.ownCertificate(); return c != nil && c.User == name }) ||
		slices.ContainsFunc(observed.Bindings, func(b Binding) bool { return slices.Contains(b.Subjects, Subject{Kind: "User", Name: name}) })
}
