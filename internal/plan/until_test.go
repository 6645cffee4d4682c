package plan

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"provision/internal/usersfile"
)

// setOfFile is a set as a users file has it: everybody for 30 days, renewed in the last third.
func setOfFile(groups []usersfile.Group, users ...usersfile.User) usersfile.Set {
	for i := range users {
		users[i].Duration, users[i].KeyAlgorithm = 30*day, usersfile.ECDSAP256
		users[i].RenewBefore = usersfile.RenewBefore{Share: 1. / 3}
		users[i].Pos = usersfile.Pos{File: "users.yaml", Line: 10 + i, Column: 5}
	}
	return usersfile.Set{Cluster: usersfile.Cluster{Name: "prod", Server: "https://prod:6443", CertificateAuthorityData: []byte("CA")}, Name: setName, Digest: "sha256:1", Ledger: usersfile.Ledger{Namespace: "provision-system"}, Groups: groups, Users: users}
}

// calendar is a set that is applied again and again, in a world that remembers.
type calendar struct {
	t   *testing.T
	w   world
	now time.Time
	set usersfile.Set
}

func newCalendar(t *testing.T, set usersfile.Set) *calendar {
	w := settled(noon)
	w.Desired = Desired{}
	w.RoleOwners[ObjectKey{"", "view"}], w.RoleOwners[ObjectKey{"", "edit"}] = "", ""
	w.Namespaces = map[string]bool{"shop": true, "web": true}
	return &calendar{t: t, w: w, now: noon, set: set}
}

// plan is the plan of this moment, without any deletion agreed to.
func (c *calendar) plan() Plan {
	c.w.Desired = Expand(c.set, Context{}).At(c.w.Observed, c.now)
	return c.w.planAt(c.now)
}

// apply does what the plan says, as apply would at this moment, and holds that nothing is left to do, and that no certificate outlives its
// user.
func (c *calendar) apply() Plan {
	c.t.Helper()
	p := c.plan()
	if len(p.Problems) > 0 {
		c.t.Fatalf("%s: %+v", c.now, p.Problems)
	}
	c.perform(p)
	if again := c.plan(); again.Changes() {
		c.t.Fatalf("%s: %+v\nafter\n%+v\nrecords %+v bindings %v", c.now, busyUsers(again), busyUsers(p), again.Ledger.Records, shape(again.Bindings))
	}
	return p
}

// perform carries a plan out at this moment: every request is cut to the end of its user as it is sent.
func (c *calendar) perform(p Plan) {
	c.t.Helper()
	for _, u := range p.Users {
		if u.Certificate.Op == Keep {
			if u.Kubeconfig.Op == Remove {
				delete(c.w.Files, u.Name)
			}
			continue
		}
		want := *u.Certificate.After
		life, ok := want.Ask(c.now)
		if !ok {
			c.t.Fatalf("%s: %s of %s is asked for without time left", c.now, u.Certificate.Op, u.Name)
		}
		until := want.Until
		want.Duration, want.Until = life, time.Time{}
		key := keyHash(u.Name + c.now.String())
		made := signedAt(want, key, c.now.Add(20*time.Second)) // approved and signed a little later
		if !until.IsZero() && made.NotAfter.After(until) {
			c.t.Errorf("%s: the certificate of %s ends %s, and they end %s", c.now, u.Name, made.NotAfter, until)
		}
		c.w.Files[u.Name] = File{Name: u.Kubeconfig.After.File, State: FileOurs, Owner: setName, Mode: 0o600, Kubeconfig: *u.Kubeconfig.After, Certificate: made, KeyMatches: true}
		c.w.Ledger = append(c.w.Ledger, recordOf(made, c.now))
	}
	for _, change := range p.Ledger.Records {
		c.w.Ledger = slices.DeleteFunc(c.w.Ledger, func(r Record) bool { return change.Before != nil && r.KeyHash == change.Before.KeyHash })
		if change.After != nil {
			c.w.Ledger = append(c.w.Ledger, *change.After)
		}
	}
	c.w.Ledger = slices.DeleteFunc(c.w.Ledger, func(r Record) bool { return r.Droppable(c.now) })
	c.w.bind(p)
}

// days lets time pass, with an apply each day.
func (c *calendar) days(n int) (certificates int) {
	c.t.Helper()
	for range n {
		c.now = c.now.Add(day)
		certificates += c.apply().Summarize().Certificates[Renew]
	}
	return certificates
}

// has lists who is granted what now.
func (c *calendar) has(role, namespace string) (who []string) {
	for _, b := range c.w.Observed.Bindings {
		if b.RoleRef.Name == role && b.Namespace == namespace {
			who = append(who, texts(b.Subjects)...)
		}
	}
	slices.Sort(who)
	return who
}

// A semester: a course, its assistants for a part of it, and a guest, with an apply each day for half a year. Every plan after an apply is
// empty, nobody is issued a certificate that outlives them, and nothing has to be agreed to.
func TestSemester(t *testing.T) {
	ends := noon.AddDate(0, 4, 0)
	guest := noon.Add(45*day + 7*time.Hour)
	assist := noon.Add(60 * day)
	users := []usersfile.User{
		{Name: "prof", Groups: []string{"course"}},
		{Name: "guest", Groups: []string{"course"}, Until: guest, UntilPos: usersfile.Pos{File: "users.yaml", Line: 3}},
		{Name: "tutor", Roles: []usersfile.Grant{{ClusterRole: "edit", Namespaces: []string{"shop"}, Until: assist}, {ClusterRole: "view", Namespaces: []string{"web"}}}},
	}
	for _, name := range []string{"s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"} { // more than may go unasked
		users = append(users, usersfile.User{Name: name, Groups: []string{"course"}, Until: ends})
	}
	c := newCalendar(t, setOfFile([]usersfile.Group{{Name: "course", BindTo: usersfile.BindToMembers, Until: ends, Roles: []usersfile.Grant{{ClusterRole: "view", Namespaces: []string{"shop"}}}}}, users...))
	first := c.apply()
	if len(first.Endings) != 12 || !first.Endings[0].At.Equal(guest) || first.Endings[0].User != "guest" || first.Endings[1].Role != edit {
		t.Errorf("the plan says that these end: %+v", first.Endings)
	}
	if n := len(c.has("view", "shop")); n != 11 {
		t.Fatalf("%d have view in shop", n)
	}

	if renewed := c.days(44); renewed != 23 { // two each, but one of the guest, which lasts to their end
		t.Errorf("%d certificates were renewed", renewed)
	}
	if got := c.w.Files["guest"].Certificate; guest.Sub(got.NotAfter) > 7*time.Minute {
		t.Errorf("the guest's last certificate ends %s, and they end %s", got.NotAfter, guest)
	}
	c.now = guest.Add(-time.Minute)
	if p := c.plan(); p.Changes() || !slices.Contains(warningCodes(p), NoTimeLeft) && p.Users == nil {
		t.Errorf("in the last minute: %+v", busyUsers(p))
	}
	c.now = guest
	p := c.apply()
	if got := p.Leavers(); !slices.Equal(got, []string{"guest"}) || p.Deletions() != 0 {
		t.Errorf("%v leave, %d deletions", got, p.Deletions())
	}
	if u := p.Users[0]; u.Name != "guest" || u.Kubeconfig.Op != Remove || !asks(u.Kubeconfig.Reasons, EndPassed) {
		t.Errorf("the guest: %+v", u)
	}
	if !slices.Contains(warningCodes(p), EndsPassed) || slices.Contains(c.has("view", "shop"), "user guest") {
		t.Errorf("after their end: %v, %v", warningCodes(p), c.has("view", "shop"))
	}
	c.now = noon.Add(45 * day)
	c.days(16)
	if got := c.has("edit", "shop"); got != nil || !slices.Equal(c.has("view", "web"), []string{"user tutor"}) {
		t.Errorf("after the grant's end: %v in shop, %v in web", got, c.has("view", "web"))
	}
	if _, there := c.w.Files["tutor"]; !there {
		t.Error("the tutor has lost their kubeconfig with a grant")
	}
	c.days(70) // past the end of the semester
	if got := c.has("view", "shop"); got != nil || len(c.w.Files) != 2 {
		t.Errorf("after the semester: %v, %d kubeconfigs", got, len(c.w.Files))
	}
	c.days(40)
	for name := range map[string]bool{"prof": true, "tutor": true} {
		if !c.w.Files[name].Certificate.NotAfter.After(c.now) {
			t.Errorf("%s is locked out", name)
		}
	}
	// The guest comes back, by a later end.
	c.set.Users = slices.Clone(c.set.Users)
	c.set.Users[1].Until = c.now.Add(3 * day)
	if p := c.apply(); changeFor(p, "guest").Certificate.Op != Issue {
		t.Errorf("back: %+v", changeFor(p, "guest"))
	}
}

// changeFor returns what a plan does for a user.
func changeFor(p Plan, name string) UserChange {
	for _, u := range p.Users {
		if u.Name == name {
			return u
		}
	}
	return UserChange{}
}

// Whose end passed at once with a slip in the file does not take with it what the slip is about.
func TestEndedIsNotCountedAndTheRestIs(t *testing.T) {
	var users []usersfile.User
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		users = append(users, usersfile.User{Name: name, Until: noon.Add(day), Roles: []usersfile.Grant{{ClusterRole: "view", Namespaces: []string{"shop"}}}})
	}
	users = append(users, usersfile.User{Name: "stays", Roles: []usersfile.Grant{{ClusterRole: "view", Namespaces: []string{"shop"}}}})
	for _, name := range []string{"l1", "l2", "l3", "l4", "l5", "l6", "l7"} {
		users = append(users, usersfile.User{Name: name, Roles: []usersfile.Grant{{ClusterRole: "view", Namespaces: []string{"shop"}}}})
	}
	c := newCalendar(t, setOfFile(nil, users...))
	c.apply()
	c.set.Users = c.set.Users[:9] // the file has lost those behind
	c.now = noon.Add(day)
	p := c.plan()
	if got := problemCodes(p); !slices.Equal(got, []ProblemCode{TooManyDeletes}) || p.Problems[0].Count != 7 {
		t.Fatalf("%+v", p.Problems)
	}
	c.perform(p)
	if got, want := c.has("view", "shop"), []string{"user l1", "user l2", "user l3", "user l4", "user l5", "user l6", "user l7", "user stays"}; !slices.Equal(got, want) {
		t.Errorf("%v have view in shop, want %v", got, want)
	}
	if len(c.w.Files) != 8 {
		t.Errorf("%d kubeconfigs", len(c.w.Files))
	}
}

func TestUntil(t *testing.T) {
	grant := func(until time.Time) []usersfile.Grant {
		return []usersfile.Grant{{ClusterRole: "view", Namespaces: []string{"shop"}, Until: until}}
	}
	in := func(d time.Duration) time.Time { return noon.Add(d) }
	group := func(bindTo usersfile.BindTo, until, ofGrant time.Time) []usersfile.Group {
		return []usersfile.Group{{Name: "dev", BindTo: bindTo, Until: until, Roles: grant(ofGrant)}}
	}
	for _, c := range []struct {
		name   string
		groups []usersfile.Group
		user   usersfile.User
		now    time.Duration
		users  int
		has    []string // who has view in shop by the file
		ends   map[Subject]time.Time
	}{
		{name: "without an end", user: usersfile.User{Roles: grant(time.Time{})}, users: 1, has: []string{"user jane"}},
		{name: "a user", user: usersfile.User{Until: in(day), Roles: grant(time.Time{})}, users: 1, has: []string{"user jane"}, ends: map[Subject]time.Time{{"User", "jane"}: in(day)}},
		{name: "the moment itself", user: usersfile.User{Until: in(day), Roles: grant(time.Time{})}, now: day},
		{name: "a second before", user: usersfile.User{Until: in(day), Roles: grant(time.Time{})}, now: day - time.Second, users: 1, has: []string{"user jane"}, ends: map[Subject]time.Time{{"User", "jane"}: in(day)}},
		{name: "a grant ends before its user", user: usersfile.User{Until: in(2 * day), Roles: grant(in(day))}, now: day, users: 1},
		{name: "a grant that ends after its user", user: usersfile.User{Until: in(day), Roles: grant(in(2 * day))}, users: 1, has: []string{"user jane"}, ends: map[Subject]time.Time{{"User", "jane"}: in(day)}},
		{name: "by a group as well, without an end", groups: group(usersfile.BindToMembers, time.Time{}, time.Time{}), user: usersfile.User{Groups: []string{"dev"}, Roles: grant(in(day))}, now: day, users: 1, has: []string{"user jane"}},
		{name: "by a group for longer", groups: group(usersfile.BindToMembers, in(2*day), time.Time{}), user: usersfile.User{Groups: []string{"dev"}, Roles: grant(in(day))}, users: 1, has: []string{"user jane"}, ends: map[Subject]time.Time{{"User", "jane"}: in(2 * day)}},
		{name: "a group", groups: group(usersfile.BindToMembers, in(day), time.Time{}), user: usersfile.User{Groups: []string{"dev"}}, now: day, users: 1},
		{name: "a grant of a group", groups: group(usersfile.BindToMembers, in(2*day), in(day)), user: usersfile.User{Groups: []string{"dev"}}, now: day, users: 1},
		{name: "a group that is bound itself", groups: group(usersfile.BindToGroup, in(day), time.Time{}), user: usersfile.User{Groups: []string{"dev"}}, users: 1, has: []string{"group dev"}, ends: map[Subject]time.Time{{"Group", "dev"}: in(day)}},
		{name: "and has ended", groups: group(usersfile.BindToGroup, in(day), time.Time{}), user: usersfile.User{Groups: []string{"dev"}}, now: day, users: 1},
		{name: "a member of a group that is bound itself", groups: group(usersfile.BindToGroup, time.Time{}, time.Time{}), user: usersfile.User{Until: in(day), Groups: []string{"dev"}}, now: day, has: []string{"group dev"}},
		{name: "with a generation", user: usersfile.User{Until: in(day), Generation: 2, Roles: grant(time.Time{})}, users: 1, has: []string{"group provision:team:jane:2"}, ends: map[Subject]time.Time{{"Group", "provision:team:jane:2"}: in(day)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.user.Name = "jane"
			d := Expand(setOfFile(c.groups, c.user), Context{}).At(Observed{}, noon.Add(c.now))
			var has []string
			for _, b := range d.Bindings {
				has = append(has, texts(b.Subjects)...)
			}
			if len(d.Users) != c.users || !slices.Equal(has, c.has) || len(d.Ends[Grant{RoleRef{"ClusterRole", "view"}, "shop"}]) != len(c.ends) {
				t.Errorf("%d users, %v, ends %v", len(d.Users), has, d.Ends)
			}
			for s, at := range c.ends {
				if got := d.Ends[Grant{RoleRef{"ClusterRole", "view"}, "shop"}][s]; !got.Equal(at) {
					t.Errorf("%s ends %s, want %s", s, got, at)
				}
			}
			referred := slices.ContainsFunc(d.References, func(r Reference) bool { return r.Name == "shop" })
			if referred != (len(c.has) > 0) {
				t.Errorf("refers to %v", d.References)
			}
			if again := d.At(Observed{}, noon.Add(c.now)); !reflect.DeepEqual(again, d) {
				t.Errorf("a second time: %+v\nwant %+v", again, d)
			}
		})
	}
}

// The API server's clock decides, which is the one that ends certificates.
func TestUntilGoesByTheServer(t *testing.T) {
	set := setOfFile(nil, usersfile.User{Name: "jane", Until: noon})
	for ahead, users := range map[time.Duration]int{0: 0, time.Hour: 1, -time.Hour: 0} {
		if d := Expand(set, Context{}).At(Observed{ClockAhead: ahead}, noon); len(d.Users) != users {
			t.Errorf("this clock %s ahead: %d users", ahead, len(d.Users))
		}
	}
	if d := Expand(set, Context{}).At(Observed{ClockAhead: -time.Hour}, noon.Add(-time.Hour)); len(d.Users) != 0 {
		t.Error("this clock behind")
	}
}

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		until time.Duration // from now; 0: none
		life  time.Duration
		ok    bool
	}{
		{0, 30 * day, true},
		{60 * day, 30 * day, true},
		{30 * day, 30*day - time.Minute, true},
		{day, day - time.Minute, true},
		{11 * time.Minute, 10 * time.Minute, true},
		{11*time.Minute - time.Second, 0, false},
		{time.Second, 0, false},
		{-day, 0, false},
	} {
		want := Certificate{Duration: 30 * day}
		if c.until != 0 {
			want.Until = noon.Add(c.until)
		}
		if life, ok := want.Ask(noon); ok != c.ok || ok && life != c.life {
			t.Errorf("until %s: %s, %v", c.until, life, ok)
		}
	}
}

// A certificate that was cut to the end of its user was not shortened by the signer; one that ends long before it was.
func TestCutIsNotShortened(t *testing.T) {
	c := Certificate{User: "jane", Duration: 30 * day, Until: noon.Add(day), NotBefore: noon.Add(-backdate), NotAfter: noon.Add(day - 6*time.Minute)}
	if got := LifeWarnings([]Certificate{c}, nil); got != nil {
		t.Errorf("cut: %+v", got)
	}
	c.NotAfter = noon.Add(time.Hour)
	if got := LifeWarnings([]Certificate{c}, nil); len(got) != 1 || got[0].Code != ShorterThanAsked {
		t.Errorf("shortened: %+v", got)
	}
	// The signer took no notice of the life that was asked for, even where that is as the file says otherwise.
	c.NotAfter = noon.Add(30*day - backdate)
	if got := LifeWarnings([]Certificate{c}, nil); len(got) != 1 || got[0].Code != OutlivesEnd || got[0].User != "jane" || !got[0].Since.Equal(c.Until) || !got[0].Until.Equal(c.NotAfter) {
		t.Errorf("beyond the end: %+v", got)
	}
}

// What an earlier try asked for is gone on with only as long as what comes of it does not outlive its user.
func TestResumeUntil(t *testing.T) {
	until := noon.Add(day)
	for _, c := range []struct {
		name   string
		asked  time.Duration
		state  RequestState
		issued time.Time
		op     Op
	}{
		{"pending, and would end in time", 23 * time.Hour, Pending, noon, Resume},
		{"pending for too long", 25 * time.Hour, Pending, noon, Issue},
		{"approved for too long", 24*time.Hour + time.Second, Approved, noon, Issue},
		{"issued in time", 23 * time.Hour, Issued, noon.Add(-time.Hour), Resume},
		{"issued for too long", 30 * day, Issued, noon.Add(-time.Hour), Issue},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := wanted("jane")
			u.Certificate.Until = until
			w := settled(noon.Add(-day), u)
			w.fresh()
			of := u
			of.Certificate.Duration = c.asked
			w.Keys["jane"] = journalKey(of, keyHash("tried"))
			w.Requests = []Request{requestOf(of, keyHash("tried"), c.state, c.issued)}
			w.Ledger = []Record{{User: "jane", KeyHash: keyHash("tried"), Request: w.Requests[0].Name, Duration: c.asked, Intended: noon}}
			got := janeOf(t, w.plan())
			if got.Certificate.Op != c.op {
				t.Fatalf("%s: %v", got.Certificate.Op, codes(got.Certificate.Reasons))
			}
			if after := got.Certificate.After; c.op == Resume && after.Duration != c.asked || c.op == Issue && !after.Until.Equal(until) {
				t.Errorf("%+v", after)
			}
		})
	}
}

// An end that was moved, or that comes after the CA's.
func TestEndWarnings(t *testing.T) {
	set := setOfFile(nil, usersfile.User{Name: "jane"})
	c := newCalendar(t, set)
	c.apply()
	c.set.Users[0].Until = noon.Add(5 * day)
	p := c.plan()
	if got := warningCodes(p); p.Changes() || !slices.Equal(got, []WarningCode{OutlivesEnd}) || !p.Warnings[0].Since.Equal(noon.Add(5*day)) {
		t.Errorf("earlier than the certificate: %v %+v", got, busyUsers(p))
	}
	c.now = noon.Add(5 * day)
	if p = c.apply(); !slices.Contains(warningCodes(p), StillAuthenticates) || p.Deletions() != 1 { // it was issued when the file said otherwise
		t.Errorf("it lives on: %v", warningCodes(p))
	}
	late := newCalendar(t, setOfFile(nil, usersfile.User{Name: "jane", Until: noon.Add(5 * day)}))
	late.apply()
	late.now = noon.Add(5*day - 5*time.Minute)
	late.w.Files = map[string]File{}
	late.w.Ledger = nil
	if p := late.plan(); p.Changes() || !slices.Equal(warningCodes(p), []WarningCode{NoTimeLeft}) {
		t.Errorf("without time left: %v %+v", warningCodes(p), busyUsers(p))
	}
}
