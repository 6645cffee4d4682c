package plan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"provision/internal/usersfile"
)

// ending is a set of ten people who all end on one day, and two who stay.
func ending(until time.Time) usersfile.Set {
	var users []usersfile.User
	for i := range 12 {
		u := usersfile.User{Name: fmt.Sprintf("user%02d", i), Roles: []usersfile.Grant{{ClusterRole: "view", Namespaces: []string{"shop"}}}}
		if i < 10 {
			u.Until = until
		}
		users = append(users, u)
	}
	return setOfFile(nil, users...)
}

// A clock that is a year ahead ends nobody unasked: what has ended by one clock alone counts as any deletion.
func TestEndsByOneClockCount(t *testing.T) {
	c := newCalendar(t, ending(noon.Add(200*day)))
	c.apply()
	c.w.ClockAhead = -365 * day // the API server's clock is a year ahead of this machine's
	if p := c.plan(); !p.OneClock || !slices.Equal(problemCodes(p), []ProblemCode{TooManyDeletes}) || p.Problems[0].Count < 10 {
		t.Errorf("the API server's clock is ahead: one clock %v, %+v", p.OneClock, p.Problems)
	}
	c.w.ClockAhead = 0
	c.now = noon.Add(200 * day)
	if p := c.plan(); p.OneClock || len(p.Problems) != 0 {
		t.Errorf("the day itself: one clock %v, %+v", p.OneClock, p.Problems)
	}
}

// A year that was mistyped takes away nothing unasked: whose certificate was issued for much longer had another end.
func TestNewEndsInThePastCount(t *testing.T) {
	c := newCalendar(t, ending(noon.Add(200*day)))
	c.apply()
	c.now = c.now.Add(day)
	c.set = ending(noon.Add(-165 * day))
	if p := c.plan(); !slices.Equal(problemCodes(p), []ProblemCode{TooManyDeletes}) || p.Problems[0].Count < 10 {
		t.Errorf("%+v", p.Problems)
	}
}

// A group that is bound itself and has ended is no error for as long as a leaver's certificate has it, and members whom revoke has bound
// in its place end with it, without a number.
func TestGroupThatEndsIsNoError(t *testing.T) {
	ops := usersfile.Group{Name: "ops", BindTo: usersfile.BindToGroup, Until: noon.Add(10 * day)}
	for i := range 8 {
		ops.Roles = append(ops.Roles, usersfile.Grant{ClusterRole: "view", Namespaces: []string{fmt.Sprintf("ns%d", i)}})
	}
	users := []usersfile.User{{Name: "ann", Groups: []string{"ops"}}, {Name: "bob", Groups: []string{"ops"}}, {Name: "gone", Groups: []string{"ops"}}}
	c := newCalendar(t, setOfFile([]usersfile.Group{ops}, users...))
	for i := range 8 {
		c.w.Namespaces[fmt.Sprintf("ns%d", i)] = true
	}
	c.apply()
	c.set.Users = c.set.Users[:2] // one leaves, whose certificate has the group for longer than it is granted anything
	c.apply()
	c.now = noon.Add(10 * day)
	c.apply() // which holds that no problem is left, and nothing to do

	c = newCalendar(t, setOfFile([]usersfile.Group{ops}, users...))
	for i := range 8 {
		c.w.Namespaces[fmt.Sprintf("ns%d", i)] = true
	}
	c.apply()
	for i := range c.w.Observed.Bindings { // as revoke of the third leaves them
		c.w.Observed.Bindings[i].Subjects = []Subject{{"User", "ann"}, {"User", "bob"}}
		c.w.Observed.Bindings[i].Ended = []EndedGroup{{"ops", "gone", noon, noon.Add(30 * day)}}
	}
	c.set.Users = c.set.Users[:2]
	c.now = noon.Add(10 * day)
	p := c.plan()
	if len(p.Problems) != 0 || p.Deletions() != 1 { // the one who leaves
		t.Errorf("%+v, %d deletions", p.Problems, p.Deletions())
	}
}
