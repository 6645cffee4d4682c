package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"provision/internal/usersfile"
)

// End is when something of the file ends by itself: a user, a group with all that is granted to it, or one grant to one of these.
type End struct {
	At         time.Time     `json:"at"`
	Pos        usersfile.Pos `json:"pos"`             // where the file says it
	User       string        `json:"user,omitempty"`  // or
	Group      string        `json:"group,omitempty"` // one of the two
	Role       RoleRef       `json:"role,omitzero"`   // the grant; none: all that the user or group has
	Namespaces []string      `json:"namespaces,omitempty"`
	Selector   string        `json:"selector,omitempty"` // of further namespaces
	Passed     bool          `json:"passed"`
}

// endings are all ends that a set gives, the earliest first.
func endings(set usersfile.Set) []End {
	var list []End
	note := func(of End, until time.Time, pos usersfile.Pos, grants []usersfile.Grant) {
		if !until.IsZero() {
			of.At, of.Pos = until, pos
			list = append(list, of)
		}
		for _, g := range grants {
			if g.Until.IsZero() {
				continue
			}
			one := End{At: g.Until, Pos: g.UntilPos, User: of.User, Group: of.Group, Role: RoleRef{"ClusterRole", g.ClusterRole}, Namespaces: g.Namespaces, Selector: g.Selector}
			if g.Role != "" {
				one.Role = RoleRef{"Role", g.Role}
			}
			list = append(list, one)
		}
	}
	for _, g := range set.Groups {
		note(End{Group: g.Name}, g.Until, g.UntilPos, g.Roles)
	}
	for _, u := range set.Users {
		note(End{User: u.Name}, u.Until, u.UntilPos, u.Roles)
	}
	slices.SortStableFunc(list, func(a, b End) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.User, b.User), cmp.Compare(a.Group, b.Group))
	})
	return list
}

// ended reports whether an end has passed. The zero time is none, and without a moment nothing has.
func ended(until, now time.Time) bool { return !until.IsZero() && !now.IsZero() && !now.Before(until) }

// earliest returns the first of two ends, of which the zero time is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// At is what the file asks for at a moment of this machine's clock, in what was observed: without what has ended, by the API server's
// clock, which is the one that ends certificates, and in the namespaces that it selects by labels.
func (d Desired) At(observed Observed, here time.Time) Desired {
	if d.Asked == nil {
		return d
	}
	now, set := observed.ServerTime(here), *d.Asked
	if len(d.Selections) > 0 {
		named := set
		set, d.Selections = selected(set, d.Selections, observed.NamespaceLabels)
		if n := usersfile.Subjects(set); n > usersfile.MaxSubjects {
			set, d.TooMany = named, n
		}
	}
	var again []string
	for _, u := range d.Users {
		if u.Reissue {
			again = append(again, u.Certificate.User)
		}
	}
	d.expand(set, now)
	d.Reissue(again)
	d.Endings = slices.Clone(d.Endings)
	for i, e := range d.Endings {
		d.Endings[i].Passed = ended(e.At, now)
	}
	return d
}

// untilMargin is what a certificate is asked to end before its user does: a request waits a moment for its approval and for the signer,
// and its life begins only then.
const untilMargin = time.Minute

// untilSlack is how near to the end of its user a certificate ends that need not be renewed for it. It covers the margin, that the signer
// takes the backdate off a long life, and the shortest life that a certificate has: a new one would end no later.
const untilSlack = usersfile.MinDuration + backdate

// Ask is how long a certificate is asked for as of now, by the API server's clock. Where its user ends, it ends before that; ok is false
// where the time that is left is shorter than the shortest life of a certificate.
func (c Certificate) Ask(now time.Time) (life time.Duration, ok bool) {
	if c.Until.IsZero() {
		return c.Duration, true
	}
	life = min(c.Duration, c.Until.Sub(now)-untilMargin).Truncate(time.Second)
	return life, life >= usersfile.MinDuration
}

// allows reports whether a request for a certificate that was made earlier may still be issued: it asks for no longer a life than is wanted,
// and for a shorter one only because that was cut to the end of its user, which it must not outlive.
func (c Certificate) allows(life time.Duration, now time.Time) bool {
	if c.Until.IsZero() {
		return life == c.Duration
	}
	return life <= c.Duration && !now.Add(life).After(c.Until)
}

// inTime reports whether what comes of a request that is under way, or has come of it, has the life that is wanted.
func (d decision) inTime(r Request, want Certificate) bool {
	if r.Certificate == nil || want.Until.IsZero() {
		return want.allows(r.Duration, d.now)
	}
	return r.Duration <= want.Duration && !r.Certificate.NotAfter.After(want.Until)
}

// asked is a wanted certificate for which so long a life was asked already.
func (c Certificate) asked(life time.Duration) *Certificate {
	c.Duration, c.Until = life, time.Time{}
	return &c
}

// lasts is when a certificate ends at the latest that is asked for now.
func (c Certificate) lasts(now time.Time) time.Time { return earliest(c.Until, now.Add(c.Duration)) }

// reachesEnd reports whether a certificate that ends then lasts as long as one can for its user, whose end it must not outlive.
func (u User) reachesEnd(notAfter time.Time) bool {
	until := u.Certificate.Until
	return !until.IsZero() && until.Sub(notAfter) < untilSlack
}

// noTimeLeft keeps what a user has who needs a certificate so shortly before their end that none can be asked for. All else that their
// kubeconfig needs is done.
func (d decision) noTimeLeft(c *UserChange, u User, file File) {
	if c.Certificate.Op == Keep || c.Certificate.Op == Resume {
		return
	}
	if _, ok := u.Certificate.Ask(d.now); ok {
		return
	}
	have := c.Certificate.Before
	*c = UserChange{Name: c.Name, Pos: c.Pos, Certificate: Change[Certificate]{Op: Keep, Before: have, After: have}, Kubeconfig: Change[Kubeconfig]{Op: Keep}, NoTimeLeft: true}
	if file.State == FileOurs && have != nil {
		c.Kubeconfig = kubeconfigChange(file, u.Kubeconfig)
	}
}

// leftReason is why somebody is taken out whom the file no longer has: their end has passed, or it does not name them.
func leftReason(over map[string]time.Time, name string) Reason {
	if at, is := over[name]; is {
		return Reason{Code: EndPassed, At: at}
	}
	return Reason{Code: NotInFile}
}

// endedIn are those of some subjects of a binding that it loses because the end has passed that the file gives, and the last such end.
// Somebody whose own end has passed loses every subject that stands for them.
func (d Desired) endedIn(b Binding, left []Subject) (list []Subject, last time.Time) {
	past := d.Past[b.Grant()]
	for _, s := range left {
		at, is := past[s]
		if !is && s.Kind == "User" {
			at, is = d.Over[s.Name]
		}
		if is {
			list, last = append(list, s), later(last, at)
		}
	}
	return list, last
}

// noteEnded says of the changes of bindings which subjects leave because their end has passed.
func (d Desired) noteEnded(changes []Change[Binding]) {
	if len(d.Past)+len(d.Over) == 0 {
		return
	}
	for i, c := range changes {
		if c.Op == Keep || c.Before == nil {
			continue
		}
		left := c.Before.Subjects
		if c.After != nil {
			left = absent(left, []Binding{*c.After})
		}
		list, last := d.endedIn(*c.Before, left)
		if len(list) == 0 {
			continue
		}
		reasons := slices.Clone(c.Reasons)
		if len(list) == len(left) && c.Op == Delete {
			reasons = slices.DeleteFunc(reasons, func(r Reason) bool { return r.Code == NotInFile })
		}
		changes[i].Reasons = append(reasons, Reason{Code: EndPassed, At: last, Leaves: list})
	}
}

// grantEnds are the grants of a user that end by themselves, and when. Nil: none does.
func (d Desired) grantEnds(u UserStatus) map[Grant]time.Time {
	if len(d.Ends) == 0 {
		return nil
	}
	ends := map[Grant]time.Time{}
	for _, g := range u.Grants {
		if at := d.until(g, u.User, u.Groups); !at.IsZero() {
			ends[g] = at
		}
	}
	return ends
}

// until is when what a user has by a grant ends by itself, through whichever of their subjects; zero: not by itself.
func (d Desired) until(g Grant, user string, groups []string) time.Time {
	ends := d.Ends[g]
	var last time.Time
	for _, s := range Identities(user, groups) {
		at, ends := ends[s]
		if !ends && d.binds(g, s) {
			return time.Time{}
		}
		last = later(last, at)
	}
	return last
}

// binds reports whether the file gives a grant to a subject.
func (d Desired) binds(g Grant, s Subject) bool {
	i, found := slices.BinarySearchFunc(d.Bindings, g, func(b Binding, g Grant) int {
		return compareKeys(b.Namespace, b.Name, g.Namespace, BindingName(d.Set, g.Role))
	})
	if !found {
		return false
	}
	_, is := slices.BinarySearchFunc(d.Bindings[i].Subjects, s, compareSubjects)
	return is
}

// String names what ends: "user jane", "group a:b", "clusterrole/view of group a:b".
func (e End) String() string {
	who := Subject{"User", e.User}
	if e.Group != "" {
		who = Subject{"Group", e.Group}
	}
	if e.Role == (RoleRef{}) {
		return who.String()
	}
	where := ""
	if len(e.Namespaces) > 0 {
		where = " in " + strings.Join(e.Namespaces, " ")
	}
	if e.Selector != "" {
		where += " in namespaces with " + e.Selector
	}
	return e.Role.In("").String() + where + " of " + who.String()
}
