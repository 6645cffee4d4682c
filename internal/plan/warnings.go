package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"provision/internal/spec"
)

// userWarnings are those about single users, and those about many that are said once.
func userWarnings(desired Desired, observed Observed, p Plan, records []Record, now time.Time) []Warning {
	var list []Warning
	asked := map[string]Certificate{}
	for _, u := range desired.Users {
		asked[u.Certificate.User] = u.Certificate
	}
	lives := byUser(records)
	told := map[string]bool{}
	stays := func(name string) {
		var seen []*Certificate
		if c := observed.believed(name, lives[name]); c != nil {
			seen = append(seen, c)
		}
		until, groups := remaining(lives[name], seen, now)
		if until.After(now) && !told[name] {
			told[name] = true
			list = append(list, Warning{Code: StillAuthenticates, User: name, Items: groups, Until: until})
		}
	}
	var later, away, older []string
	var olderUntil time.Time
	var kept []Certificate
	for _, u := range p.Users {
		if u.Kubeconfig.Op == Remove {
			stays(u.Name)
			continue
		}
		list = append(list, groupWarnings(u, observed, lives[u.Name], now)...)
		if until := reused(lives[u.Name], now); !until.IsZero() && u.Certificate.Op != Keep {
			list = append(list, Warning{Code: NameAgain, User: u.Name, Until: until})
		}
		if u.Elsewhere != nil {
			away = append(away, u.Name)
		}
		if have := u.Certificate.Before; u.Certificate.Op == Keep && have != nil {
			if want, ok := asked[u.Name]; ok && have.Duration != want.Duration {
				later = append(later, u.Name)
			}
			if have.NotBefore.After(now) {
				list = append(list, Warning{Code: NotBegun, User: u.Name, Until: have.NotBefore})
			}
			kept = append(kept, *have)
		}
		if u.Certificate.Before != nil && asks(u.Certificate.Reasons, Requested) {
			if until, _ := observed.present(u.Name, lives[u.Name], now); until.After(now) {
				older = append(older, u.Name)
				if until.After(olderUntil) {
					olderUntil = until
				}
			}
		}
	}
	for _, c := range p.Ledger.Records {
		if c.Op == Update && c.Before.Removed.IsZero() && !c.After.Removed.IsZero() {
			stays(c.After.User)
		}
	}
	if len(later) > 0 {
		list = append(list, Warning{Code: DurationLater, Items: later})
	}
	if len(away) > 0 {
		list = append(list, Warning{Code: IssuedElsewhere, Items: away})
	}
	if len(older) > 0 {
		list = append(list, Warning{Code: OlderLives, Items: older, Until: olderUntil})
	}
	return append(list, LifeWarnings(kept)...)
}

// LifeWarnings tells of certificates that live shorter or longer than was asked (Duration), in one warning for all that are
// alike.
func LifeWarnings(certificates []Certificate) []Warning {
	type kind struct {
		code          WarningCode
		asked, issued time.Duration
	}
	users := map[kind][]string{}
	for _, c := range certificates {
		life := issuedLife(&c)
		k := kind{ShorterThanAsked, c.Duration, life.Round(time.Minute)}
		switch {
		case c.Duration == 0: // nobody knows what was asked
			continue
		case life > c.Duration+shortTolerance:
			k.code = LongerThanAsked
		case life+shortTolerance >= c.Duration:
			continue
		}
		users[k] = append(users[k], c.User)
	}
	var list []Warning
	for _, k := range slices.SortedFunc(maps.Keys(users), func(a, b kind) int {
		return cmp.Or(cmp.Compare(b.code, a.code), cmp.Compare(a.asked, b.asked), cmp.Compare(a.issued, b.issued))
	}) {
		list = append(list, Warning{Code: k.code, Items: users[k], From: spec.FormatDuration(k.asked), To: spec.FormatDuration(k.issued)})
	}
	return list
}

func asks(reasons []Reason, code ReasonCode) bool {
	return slices.ContainsFunc(reasons, func(r Reason) bool { return r.Code == code })
}

// setWarnings are those that concern the whole set.
func setWarnings(desired Desired, observed Observed, records []Record) []Warning {
	list := otherEntries(desired.Users, observed.Files)
	for _, b := range desired.Bindings {
		if b.RoleRef != ClusterAdminRole {
			continue
		}
		list = append(list, Warning{Code: ClusterAdmin, Namespace: b.Namespace, Items: SubjectTexts(b.Subjects)})
	}
	for _, r := range desired.Roles {
		if rules := Powerful(r.Rules); len(rules) > 0 {
			list = append(list, Warning{Code: PowerfulRole, Namespace: r.Namespace, Name: r.Name, Items: RuleTexts(rules)})
		}
	}
	if desired.Insecure {
		list = append(list, Warning{Code: Insecure})
	}
	for _, g := range desired.SimilarGroups {
		list = append(list, Warning{Code: SimilarGroup, User: g.User, Name: g.Group, To: g.Defined})
	}
	if len(desired.Reserved) > 0 {
		list = append(list, Warning{Code: ReservedNames, Items: desired.Reserved})
	}
	var copied []string
	for _, b := range observed.Bindings {
		if !b.named(desired.Set) {
			copied = append(copied, b.Kind()+" "+Quoted(b.Name)+" "+b.Namespace)
		}
	}
	if len(copied) > 0 {
		slices.Sort(copied)
		list = append(list, Warning{Code: LabelCopied, Items: copied})
	}
	if observed.ClientCAError != "" {
		list = append(list, Warning{Code: CANotChecked, To: observed.ClientCAError})
	}
	ours := map[string]bool{}
	for _, k := range observed.Keys {
		ours[k.KeyHash] = true
	}
	for _, r := range records {
		ours[r.KeyHash] = true // another operator of the set has the key
	}
	own := requestsByKey(desired.Set, observed)
	swapped := map[string]string{}
	for user, k := range observed.Keys {
		if _, ok := own[k.KeyHash]; !ok {
			swapped[k.Request] = user
		}
	}
	var bait []string
	for _, r := range observed.Requests {
		_, mine := own[r.KeyHash]
		mine = mine && ours[r.KeyHash] && r.named(desired.Set)
		switch user, taken := swapped[r.Name]; {
		case taken:
			list = append(list, Warning{Code: SwappedRequest, Name: r.Name, User: user})
		case r.State == Pending && !mine:
			// One that is decided needs nobody's attention. One that waits for approval and that we do not know may be
			// bait for `kubectl certificate approve`.
			bait = append(bait, r.Name)
		}
	}
	if len(bait) > 0 {
		slices.Sort(bait)
		list = append(list, Warning{Code: ForeignRequest, Items: bait})
	}
	slices.SortStableFunc(list, func(a, b Warning) int {
		return strings.Compare(string(a.Code)+a.Namespace+a.Name, string(b.Code)+b.Namespace+b.Name)
	})
	return list
}

// NewNames are the users who get their first certificate of the set, and the groups that a certificate has for the first
// time, with the users who get them.
func (p Plan) NewNames(observed Observed) map[Subject][]string {
	had := map[string][]string{} // user -> groups
	for _, r := range observed.Ledger {
		had[r.User] = append(had[r.User], r.Groups...)
	}
	known := map[string]bool{}
	for _, r := range observed.Ledger {
		known[r.User] = true
	}
	who := map[Subject][]string{}
	for _, u := range p.Users {
		after, before := u.Certificate.After, u.Certificate.Before
		if u.Certificate.Op == Keep || after == nil {
			continue
		}
		groups := had[u.Name]
		if before != nil {
			groups = append(slices.Clone(groups), before.Groups...)
		} else if !known[u.Name] {
			who[Subject{Kind: "User", Name: u.Name}] = []string{u.Name}
		}
		for _, g := range after.Groups {
			if !slices.Contains(groups, g) {
				s := Subject{Kind: "Group", Name: g}
				who[s] = append(who[s], u.Name)
			}
		}
	}
	return who
}

// StillBound are the subjects of the bindings with the set's label as they are once the plan is done.
func (p Plan) StillBound(observed Observed) map[Subject]bool {
	after := map[ObjectKey][]Subject{}
	for _, b := range observed.Bindings {
		after[ObjectKey{Namespace: b.Namespace, Name: b.Name}] = b.Subjects
	}
	for _, c := range p.Bindings {
		if c.Before != nil {
			delete(after, ObjectKey{Namespace: c.Before.Namespace, Name: c.Before.Name})
		}
		if c.After != nil {
			after[ObjectKey{Namespace: c.After.Namespace, Name: c.After.Name}] = c.After.Subjects
		}
	}
	bound := map[Subject]bool{}
	for _, subjects := range after {
		for _, s := range subjects {
			bound[s] = true
		}
	}
	return bound
}
