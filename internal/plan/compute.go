package plan

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"provision/internal/chain"
	"provision/internal/usersfile"
)

// Compute compares desired with observed as of now, by the clock of this machine, and returns everything that has to
// happen. It changes neither.
func Compute(desired Desired, observed Observed, now time.Time) Plan {
	at := observed.at(now)
	if desired.TooMany > 0 { // what is desired is not known, so nothing is done, least of all what takes away
		return Plan{Set: desired.Set, Digest: desired.Digest, Ledger: Ledger{Namespace: desired.LedgerNamespace}, Selections: desired.Selections,
			Problems: []Problem{{Code: TooManySubjects, Count: desired.TooMany, Allowed: usersfile.MaxSubjects}}}
	}
	p := Plan{Set: desired.Set, Digest: desired.Digest, Endings: desired.Endings, Selections: desired.Selections}
	p.Ledger = Ledger{Namespace: desired.LedgerNamespace, CreateNamespace: desired.LedgerNamespace != "" && !observed.LedgerNamespace}
	var records []Record
	var problems []Problem
	p.Ledger.Records, records, problems = computeLedger(desired, observed, at)
	elsewhere, moved := movedLedger(desired, observed, at)
	problems = slices.Concat(problems, observed.LedgerProblems, elsewhere)

	used, own := keysOf(desired, observed, p.Ledger.Records)
	d := decision{
		used: used, own: own,
		set: desired.Set, observed: observed, records: byUser(records), requests: requestsByKey(desired.Set, observed), roots: chain.NewRoots(observed.ClientCA), ends: caEnd(observed.ClientCA),
		moment: at, gone: removedElsewhere(observed, at), reserved: desired.Reserved, reissueMissing: desired.ReissueMissing, renewElsewhere: desired.RenewElsewhere, forget: desired.Forget,
		over: desired.Over, members: desired.Members, bound: groupsBound(desired.Set, observed.Bindings),
	}
	var ofUsers []Problem
	p.Users, ofUsers = d.users(desired.Users)
	if observed.NoClientCertificates != "" && withoutCertificates(p.Users) {
		problems = append(problems, Problem{Code: NoClientCertificates, Name: observed.NoClientCertificates})
	}
	p.Users = append(p.Users, d.left(desired.names())...)
	slices.SortFunc(p.Users, func(a, b UserChange) int { return strings.Compare(a.Name, b.Name) })
	p.Requests = append(d.superseded(p.Users), d.ownSuperseded(p.Users)...)
	if d.caEnded() {
		if n := len(p.holdCertificates()); n > 0 {
			problems = append(problems, Problem{Code: ClientCAEnded, Until: d.ends, Count: n})
		}
	}
	p.Forgotten = d.forgotten(desired.Set)
	if problem := desired.Reach.unwritable(p.Users); problem != nil {
		problems = append(problems, *problem)
	}

	problems = append(problems, desired.namedAfterEnd()...)
	unmet := slices.Concat(missing(desired, observed), endedGroups(desired, observed, records), ofUsers)
	p.Roles, unmet = computeRoles(desired, observed, unmet)
	p.Namespaces = namespacesToCreate(desired, observed, p.Ledger)
	var taken []Problem
	p.Bindings, taken = computeBindings(desired, observed, unmet)
	p.noteLeavers(desired.names(), records)
	desired.noteEnded(p.Bindings)
	p.OneClock = desired.oneClock(at)
	problems = slices.Concat(problems, unmet, taken)
	if slices.ContainsFunc(problems, func(problem Problem) bool { return problem.Code.Unsafe() }) {
		p.holdGiving()
	}
	if len(desired.Targets) > 0 {
		p.onlyTargets(desired)
	}
	if problem := tooManyDeletes(desired, observed, p, at.lives); problem != nil {
		problems = append(problems, *problem)
	}

	p.Block = computeBlock(desired, observed, records, at)
	p.Warnings = append(userWarnings(desired, observed, p, records, at), slices.Concat(moved, setWarnings(desired, observed, records))...)
	p.Warnings = append(p.Warnings, reachWarnings(desired, observed, p)...)
	p.Warnings = append(p.Warnings, misplacedWarnings(filesOf(desired.Users), observed, now)...)
	p.Warnings = append(p.Warnings, d.clusterWarnings(desired, p.Forgotten)...)
	p.Warnings = append(p.Warnings, BlockWarnings(observed, at.lives)...)
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	p.Problems = problems
	return p
}

// decision is what the users of one plan are decided from.
type decision struct {
	set      string
	observed Observed
	records  map[string][]Record // living ones, by user
	gone     map[string][]Record // of people whom only records in another namespace know
	requests map[string]Request  // by the key that made them
	roots    chain.Roots         // the client CAs
	ends     time.Time           // when the last of them does; zero: not known

	reserved       []string // names of Kubernetes itself that the file allows itself
	reissueMissing bool
	forget         []string // clusters (UID) that are no more
	renewElsewhere bool
	over           map[string]time.Time // users of the file whose end has passed
	members        map[string]bool      // groups that the file binds to their members
	bound          map[string]bool      // groups that bindings of the set have for a subject now
	used           map[string][]Record  // records of the keys of users' own requests, whether they live or not, by key
	own            map[string][]Record  // records of keys that users made, likewise, by user
	moment
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
				changes[i].Generation, changes[i].Groups = list[i].Generation, list[i].Groups
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
	var asked *Kubeconfig
	if u.Reissue {
		asked = &u.Kubeconfig
	}
	file = d.reclaim(name, file, asked)
	taken := reused(slices.Concat(d.records[name], d.gone[name]), d.lives)
	if u.Reuse {
		taken = time.Time{}
	}
	// A generation that was taken back is not bound, whatever else stands in the user's way.
	if problem := d.generationOver(u); problem != nil && (problem.Code == GenerationEnded || taken.IsZero()) {
		if problem.Code == GenerationLowered && file.State == FileOurs { // they keep what they have
			idle.Certificate.Before, idle.Certificate.After = file.Certificate, file.Certificate
		}
		return idle, problem
	}
	if problem := d.checkFile(u, file, has); problem != nil {
		return idle, problem
	}
	if d.observed.FrontProxy.trusts(name) && !slices.Contains(d.reserved, name) {
		return idle, &Problem{Code: FrontProxyName, Pos: u.Pos, User: name}
	}
	if !taken.IsZero() {
		return idle, &Problem{Code: NameReused, Pos: u.Pos, User: name, Until: taken}
	}
	if problem := d.doubted(u, file); problem != nil {
		return idle, problem
	}
	if problem := d.keyUsed(u, file); problem != nil {
		if file.State == FileOurs { // they keep what they have
			idle.Certificate.Before, idle.Certificate.After = file.Certificate, file.Certificate
		}
		return idle, problem
	}
	key, pending := d.observed.Keys[name]
	if (!has || file.free()) && !pending && !u.Reissue && !d.reissueMissing {
		if r := d.elsewhere(u); r != nil {
			due := renewDue(&Certificate{NotBefore: r.NotBefore, NotAfter: r.NotAfter}, u.RenewBefore, d.now) && !u.reachesEnd(r.NotAfter)
			if !due || u.Request != nil || !u.RenewElsewhere && !d.renewElsewhere {
				idle.Elsewhere, idle.Due = r, due
				if due {
					idle.NewRequest = u.due(*r)
				}
				return idle, nil
			}
			c := certificateReplaced(u, file, Change[Certificate]{Op: Issue, Reasons: []Reason{{Code: ElsewhereDue, At: r.NotAfter, To: u.RenewBefore.String()}}})
			d.carryOn(&c, u, r.Groups)
			return c, nil
		}
	}
	c := d.userChange(u, file, has)
	if have := c.Certificate.Before; have != nil && c.Certificate.Op != Keep && u.Request == nil {
		d.carryOn(&c, u, have.Groups)
	}
	d.resume(&c, u)
	d.noTimeLeft(&c, u, file)
	if problem := d.renewed(&c, u, file); problem != nil {
		return c, problem
	}
	if u.Request != nil && c.Certificate.Op != Keep {
		c.Own = u.Request.PEM
	}
	// The key is dropped if nobody wants its certificate any longer. One that is in the kubeconfig is dropped when the directory is opened.
	c.Abandon = pending && c.Certificate.Op == Keep && (file.Certificate == nil || file.Certificate.KeyHash != key.KeyHash)
	c.Reclaim = reclaims(file)
	return c, nil
}

// doubted says why a name may be another set's, or nil. A name for which this set has a certificate is its own.
func (d decision) doubted(u User, file File) *Problem {
	name := u.Certificate.User
	own := func(r Record) bool { return r.Used() && r.Live(d.lives) && r.Removed.IsZero() }
	set, claimed := d.observed.Claimed[name]
	twice := u.AlsoAt != (usersfile.Pos{})
	switch {
	case !claimed && !twice, file.State == FileOurs, slices.ContainsFunc(d.records[name], own):
		return nil
	case twice:
		return &Problem{Code: NamedTwice, Pos: u.Pos, User: name, AlsoAt: u.AlsoAt}
	}
	return &Problem{Code: NameClaimed, Pos: u.Pos, User: name, Detail: set}
}

// withoutCertificates leaves out what needs a certificate, and reports whether anything did. All that is under way stays so.
func withoutCertificates(users []UserChange) (any bool) {
	for i, u := range users {
		if u.Certificate.Op != Keep {
			users[i] = UserChange{Name: u.Name, Pos: u.Pos, Generation: u.Generation, Groups: u.Groups, Certificate: Change[Certificate]{Op: Keep}, Kubeconfig: Change[Kubeconfig]{Op: Keep}, Request: u.Request}
			any = true
		}
	}
	return any
}

// left finds the people whom the file no longer names: their kubeconfigs go, and what they had asked for.
func (d decision) left(named map[string]bool) []UserChange {
	var list []UserChange
	for _, name := range slices.Sorted(maps.Keys(d.observed.Files)) {
		file := d.reclaim(name, d.observed.Files[name], nil)
		if named[name] || file.State != FileOurs {
			continue
		}
		_, pending := d.observed.Keys[name]
		list = append(list, UserChange{
			Name:        name,
			Certificate: Change[Certificate]{Op: Keep, Before: file.Certificate},
			Kubeconfig:  Change[Kubeconfig]{Op: Remove, Before: &file.Kubeconfig, Reasons: []Reason{leftReason(d.over, name)}},
			Abandon:     pending,
			Reclaim:     reclaims(file),
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
