package plan

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"provision/internal/spec"
)

// Compute compares desired with observed as of now and returns everything that has to happen. It changes neither.
func Compute(desired Desired, observed Observed, now time.Time) Plan {
	p := Plan{Set: desired.Set, Digest: desired.Digest}
	p.Ledger = Ledger{Namespace: desired.LedgerNamespace, CreateNamespace: desired.LedgerNamespace != "" && !observed.LedgerNamespace}
	problems := append(missing(desired, observed), observed.LedgerProblems...)
	var records []Record
	var more []Problem
	p.Ledger.Records, records, more = computeLedger(desired, observed, now)
	problems = append(problems, more...)

	d := decision{observed: observed, records: byUser(records), requests: requestsByKey(desired.Set, observed), now: now, reissueMissing: desired.ReissueMissing}
	named := make(map[string]bool, len(desired.Users))
	for _, u := range desired.Users {
		named[u.Certificate.User] = true
	}
	p.Users, more = d.users(desired.Users)
	problems = append(problems, more...)
	p.Users = append(p.Users, d.left(named)...)
	slices.SortFunc(p.Users, func(a, b UserChange) int { return strings.Compare(a.Name, b.Name) })
	p.Requests = d.superseded(p.Users)

	p.Roles, more = computeRoles(desired, observed)
	problems = append(problems, more...)
	p.Bindings, more = computeBindings(desired, observed, more)
	problems = append(problems, more...)
	if problem := tooManyDeletes(desired, observed, p, now); problem != nil {
		problems = append(problems, *problem)
	}

	p.Warnings = append(userWarnings(desired, observed, p, records, now), setWarnings(desired, observed, records)...)
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	p.Problems = problems
	return p
}

// decision is what the users of one plan are decided from.
type decision struct {
	observed Observed
	records  map[string][]Record // living ones, by user
	requests map[string]Request  // by the key that made them

	reissueMissing bool
	now            time.Time
}

// requestsByKey finds the requests that are as an operator of the set would have sent them, under the name that their
// key gives them. A PKCS#10 request is no secret: a copy of it under another name, or for another signer, is nobody's.
func requestsByKey(set string, observed Observed) map[string]Request {
	m := map[string]Request{}
	for _, r := range observed.Requests {
		if (r.Conforms || r.OfOther) && r.named(set) {
			m[r.KeyHash] = r
		}
	}
	return m
}

// users decides about every user of the file, on all cores: who signed a certificate takes time to check.
func (d decision) users(list []User) ([]UserChange, []Problem) {
	changes, found := make([]UserChange, len(list)), make([]*Problem, len(list))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	const few = 100
	for from := 0; from < len(list); from += few {
		g.Go(func() error {
			for i := from; i < min(from+few, len(list)); i++ {
				changes[i], found[i] = d.user(list[i])
			}
			return nil
		})
	}
	_ = g.Wait()
	var problems []Problem
	for _, p := range found {
		if p != nil {
			problems = append(problems, *p)
		}
	}
	return changes, problems
}

// user decides what happens to one user of the file.
func (d decision) user(u User) (UserChange, *Problem) {
	name := u.Certificate.User
	idle := UserChange{Name: name, Pos: u.Pos, Certificate: Change[Certificate]{Op: Keep}, Kubeconfig: Change[Kubeconfig]{Op: Keep}}
	file, has := d.observed.Files[name]
	if problem := checkFile(u, file, has); problem != nil {
		return idle, problem
	}
	if until := reused(d.records[name], d.now); !until.IsZero() && !u.Reuse {
		return idle, &Problem{Code: NameReused, Pos: u.Pos, User: name, Until: until}
	}
	key, pending := d.observed.Keys[name]
	if (!has || file.State == FileOther) && !pending && !u.Reissue && !d.reissueMissing {
		if r := elsewhere(u.Certificate, d.records[name], d.now); r != nil {
			idle.Elsewhere = r
			return idle, nil
		}
	}
	c := userChange(u, file, has, d.observed, d.now)
	d.resume(&c, u)
	// What it was for is no longer wanted. One that is in the kubeconfig is dropped when the directory is opened.
	c.Abandon = pending && c.Certificate.Op == Keep && file.Certificate.KeyHash != key.KeyHash
	return c, nil
}

// left finds the people whom the file no longer names: their kubeconfigs go, and what they had asked for.
func (d decision) left(named map[string]bool) []UserChange {
	var list []UserChange
	for _, name := range slices.Sorted(maps.Keys(d.observed.Files)) {
		file := d.observed.Files[name]
		if named[name] || file.State != FileOurs {
			continue
		}
		_, pending := d.observed.Keys[name]
		list = append(list, UserChange{
			Name:        name,
			Certificate: Change[Certificate]{Op: Keep, Before: file.Certificate},
			Kubeconfig:  Change[Kubeconfig]{Op: Remove, Before: &file.Kubeconfig, Reasons: []Reason{{Code: NotInFile}}},
			Abandon:     pending,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(d.observed.Keys)) {
		if file, has := d.observed.Files[name]; named[name] || has && file.State == FileOurs {
			continue
		}
		list = append(list, UserChange{
			Name: name, Certificate: Change[Certificate]{Op: Keep}, Kubeconfig: Change[Kubeconfig]{Op: Keep}, Abandon: true,
		})
	}
	return list
}

// superseded lists the requests whose key is in our journal and which serve nobody any more, so that they are not
// issued behind our back. Those that were decided stay: they are history.
func (d decision) superseded(users []UserChange) []Change[Request] {
	var list []Change[Request]
	for _, u := range users {
		key, ok := d.observed.Keys[u.Name]
		if !ok || u.Request != nil {
			continue
		}
		r, ok := d.requests[key.KeyHash]
		if ok && (r.State == Pending || r.State == Approved) {
			r.Resent = resent(d.records[u.Name], r.KeyHash)
			list = append(list, Change[Request]{Op: Delete, Before: &r, Reasons: []Reason{{Code: Superseded}}})
		}
	}
	return list
}

// few is how many deletions are done without being agreed to by number: a fifth of the set, and at least five.
func few(total int) int { return max(5, total/5) }

// tooManyDeletes guards against a file that lost its half. What somebody else has put into the set's place counts nowhere:
// else he could make it too many.
func tooManyDeletes(desired Desired, observed Observed, p Plan, now time.Time) *Problem {
	people := map[string]bool{}
	for name, f := range observed.Files {
		if f.State == FileOurs {
			people[name] = true
		}
	}
	for _, r := range observed.Ledger {
		if r.Live(now) && r.Removed.IsZero() {
			people[r.User] = true
		}
	}
	s, total := p.Summarize(), len(people)
	for _, op := range []Op{Keep, Update, Delete} {
		total += s.Bindings[op] + s.Roles[op]
	}
	n := p.Deletions()
	if desired.Destroy || n <= few(total) {
		return nil
	}
	return &Problem{Code: TooManyDeletes, Count: n, Detail: strconv.Itoa(few(total)), Total: n}
}

// Agree settles the deletions of plans that are applied together: they are no problem when allowed is the number of all
// of them, and otherwise each such problem says that number.
func Agree(plans []*Plan, allowed int) {
	total := 0
	for _, p := range plans {
		total += p.Deletions()
	}
	for _, p := range plans {
		if total == allowed {
			p.Problems = slices.DeleteFunc(p.Problems, func(problem Problem) bool { return problem.Code == TooManyDeletes })
		}
		for i := range p.Problems {
			if p.Problems[i].Code == TooManyDeletes {
				p.Problems[i].Total = total
			}
		}
	}
}

// missing finds the namespaces and roles that the file refers to and that are not there.
func missing(desired Desired, observed Observed) []Problem {
	var problems []Problem
	for _, r := range desired.References {
		switch r.Kind {
		case "Namespace":
			if !observed.Namespaces[r.Name] {
				problems = append(problems, Problem{Code: NamespaceMissing, Pos: r.Pos, Kind: r.Kind, Name: r.Name})
			}
		default:
			if r.Namespace != "" && !observed.Namespaces[r.Namespace] {
				continue // said once, of the namespace
			}
			if _, ok := observed.RoleOwners[ObjectKey{r.Namespace, r.Name}]; !ok {
				problems = append(problems, Problem{Code: RoleMissing, Pos: r.Pos, Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, Detail: alike(r, desired, observed)})
			}
		}
	}
	return problems
}

// alike finds the role whose name a missing one's was most likely meant to be, or "".
func alike(r Reference, desired Desired, observed Observed) string {
	var known []string
	for key := range observed.RoleOwners {
		if key.Namespace == r.Namespace {
			known = append(known, key.Name)
		}
	}
	for _, own := range desired.Roles {
		if own.Namespace == r.Namespace {
			known = append(known, own.Name)
		}
	}
	slices.Sort(known)
	return spec.Closest(r.Name, known)
}
