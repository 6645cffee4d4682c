package plan

import (
	"fmt"
	"strings"
	"testing"
)

// What is taken away waits for what is given in the same place to the same people, and for nothing else.
func TestHandovers(t *testing.T) {
	subjects := func(names string) []Subject {
		var list []Subject
		for _, name := range strings.Fields(names) {
			kind := "User"
			if strings.HasPrefix(name, "@") {
				kind = "Group"
			}
			list = append(list, Subject{Kind: kind, Name: name})
		}
		return list
	}
	change := func(op Op, namespace, before, after string) Change[Binding] {
		c := Change[Binding]{Op: op}
		if op != Create {
			c.Before = &Binding{Namespace: namespace, Subjects: subjects(before)}
		}
		if op != Delete {
			c.After = &Binding{Namespace: namespace, Subjects: subjects(after)}
		}
		return c
	}
	type changes = []Change[Binding]
	to := func(role string, c Change[Binding]) Change[Binding] {
		for _, b := range []*Binding{c.Before, c.After} {
			if b != nil {
				b.RoleRef = RoleRef{Kind: "ClusterRole", Name: role}
			}
		}
		return c
	}
	for _, c := range []struct {
		name     string
		bindings changes
		want     string // of the last change: gives, who leaves, and who moves to where
	}{
		{"a leaver", changes{change(Create, "shop", "", "ann"), change(Delete, "shop", "bob", "")}, "false [bob] []"},
		{"another role", changes{change(Create, "shop", "", "ann"), change(Delete, "shop", "ann bob", "")}, "false [bob] [ann to [0]]"},
		{"another role that exists", changes{change(Update, "shop", "carl", "ann carl"), change(Delete, "shop", "ann", "")}, "false [] [ann to [0]]"},
		{"a role that she has already", changes{change(Update, "shop", "ann carl", "ann"), change(Delete, "shop", "ann", "")}, "false [ann] []"},
		{"out of an update", changes{change(Create, "shop", "", "ann"), change(Update, "shop", "ann bob carl", "carl")}, "false [bob] [ann to [0]]"},
		{"in and out", changes{change(Create, "shop", "", "ann"), change(Update, "shop", "ann", "bob")}, "true [] [ann to [0]] last"},
		{"a swap", changes{change(Update, "shop", "bob", "ann"), change(Update, "shop", "ann", "bob")}, "true [] [ann to [0]]"},
		{"another namespace", changes{change(Create, "bank", "", "ann"), change(Delete, "shop", "ann", "")}, "false [ann] []"},
		{"the whole cluster instead", changes{change(Create, "", "", "ann"), change(Delete, "shop", "ann", "")}, "false [] [ann to [0]]"},
		{"one namespace instead", changes{change(Create, "shop", "", "ann"), change(Delete, "", "ann", "")}, "false [] [ann to []]"},
		{"another role to her group instead", changes{to("view", change(Create, "shop", "", "@dev")), to("edit", change(Delete, "shop", "ann", ""))}, "false [] [ann to []]"},
		{"another role to the members instead", changes{to("view", change(Create, "shop", "", "ann")), to("edit", change(Delete, "shop", "@dev", ""))}, "false [] [@dev to []]"},
		{"the same role to her group instead", changes{to("edit", change(Create, "shop", "", "@dev")), to("edit", change(Delete, "shop", "ann", ""))}, "false [] [ann to [0]]"},
		{"the same role to the members instead", changes{to("edit", change(Create, "shop", "", "ann")), to("edit", change(Delete, "shop", "@dev", ""))}, "false [] [@dev to [0]]"},
		{"the same role to the members, here and in a further binding", changes{change(Create, "shop", "", "ann"), change(Update, "shop", "@dev", "carl")}, "true [] [@dev to [0]] last"},
		{"another's group", changes{change(Create, "shop", "", "@dev"), change(Delete, "shop", "bob", "")}, "false [bob] []"},
		{"the group in the same binding", changes{change(Update, "shop", "ann", "@dev")}, "true [] []"},
		{"the members in the same binding", changes{change(Update, "shop", "@dev bob", "ann")}, "true [bob] []"},
		{"others in the same binding", changes{change(Update, "shop", "bob", "carl")}, "true [bob] []"},
		{"made anew by somebody", changes{{Op: Create, Before: &Binding{Namespace: "shop", Subjects: subjects("ann")},
			After: &Binding{Namespace: "shop", Subjects: subjects("ann")}}}, "true [] []"},
	} {
		p := Plan{Bindings: c.bindings, Users: []UserChange{
			{Name: "ann", Certificate: Change[Certificate]{Op: Keep, Before: &Certificate{Groups: []string{"@dev"}}}},
			{Name: "bob", Certificate: Change[Certificate]{Op: Keep, Before: &Certificate{Groups: []string{"@dev"}}},
				Kubeconfig: Change[Kubeconfig]{Op: Remove}},
		}}
		list := p.Handovers()
		last := list[len(list)-1]
		moves := []string{}
		for _, m := range last.Moves {
			moves = append(moves, fmt.Sprintf("%s to %v", m.Subject.Name, append([]int{}, m.Heirs...)))
		}
		leaves := []string{}
		for _, s := range last.Leaves {
			leaves = append(leaves, s.Name)
		}
		got := fmt.Sprint(last.Gives, " ", leaves, " ", moves)
		if last.Last {
			got += " last"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A role keeps, until the rest may be given, all that it has and is to have, and nothing else.
func TestLessened(t *testing.T) {
	for _, c := range []struct {
		before, after, less string
		gains, loses        bool
	}{
		{"get core pods", "get core pods", "", false, false},
		{"get core pods", "get,list core pods", "", false, false},
		{"get,list core pods", "get core pods", "get core pods", false, true},
		{"get,delete core pods", "get,patch core pods", "get core pods", true, true},
		{"get core pods", "get core secrets", "", true, true},
	} {
		less, gains, loses := Lessened(Change[Role]{Op: Update, Before: &Role{Rules: parseRules(c.before)}, After: &Role{Rules: parseRules(c.after)}})
		want := parseRules(c.less)
		if gains != c.gains || loses != c.loses || !Covers(less.Rules, want) || !Covers(want, less.Rules) {
			t.Errorf("%q to %q: %v, gains %v, loses %v", c.before, c.after, less.Rules, gains, loses)
		}
	}
}
