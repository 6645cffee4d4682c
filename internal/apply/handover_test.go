package apply

import (
	"fmt"
	"strings"
	"testing"

	"provision/internal/plan"
)

// What is taken away waits for what is given in the same place to the same people, and for nothing else.
func TestHandovers(t *testing.T) {
	subjects := func(names string) []plan.Subject {
		var list []plan.Subject
		for _, name := range strings.Fields(names) {
			kind := "User"
			if strings.HasPrefix(name, "@") {
				kind = "Group"
			}
			list = append(list, plan.Subject{Kind: kind, Name: name})
		}
		return list
	}
	change := func(op plan.Op, namespace, before, after string) plan.Change[plan.Binding] {
		c := plan.Change[plan.Binding]{Op: op}
		if op != plan.Create {
			c.Before = &plan.Binding{Namespace: namespace, Subjects: subjects(before)}
		}
		if op != plan.Delete {
			c.After = &plan.Binding{Namespace: namespace, Subjects: subjects(after)}
		}
		return c
	}
	type changes = []plan.Change[plan.Binding]
	for _, c := range []struct {
		name     string
		bindings changes
		want     string // of the last change: gives, and who moves to where
	}{
		{"a leaver", changes{change(plan.Create, "shop", "", "ann"), change(plan.Delete, "shop", "bob", "")}, "false []"},
		{"another role", changes{change(plan.Create, "shop", "", "ann"), change(plan.Delete, "shop", "ann bob", "")}, "false [ann to [0]]"},
		{"another role that exists", changes{change(plan.Update, "shop", "carl", "ann carl"), change(plan.Delete, "shop", "ann", "")}, "false [ann to [0]]"},
		{"a role that she has already", changes{change(plan.Update, "shop", "ann carl", "ann"), change(plan.Delete, "shop", "ann", "")}, "false []"},
		{"out of an update", changes{change(plan.Create, "shop", "", "ann"), change(plan.Update, "shop", "ann bob carl", "carl")}, "false [ann to [0]]"},
		{"in and out", changes{change(plan.Create, "shop", "", "ann"), change(plan.Update, "shop", "ann", "bob")}, "true [ann to [0]]"},
		{"another namespace", changes{change(plan.Create, "bank", "", "ann"), change(plan.Delete, "shop", "ann", "")}, "false []"},
		{"the whole cluster instead", changes{change(plan.Create, "", "", "ann"), change(plan.Delete, "shop", "ann", "")}, "false [ann to [0]]"},
		{"one namespace instead", changes{change(plan.Create, "shop", "", "ann"), change(plan.Delete, "", "ann", "")}, "false [ann to []]"},
		{"her group instead", changes{change(plan.Create, "shop", "", "@dev"), change(plan.Delete, "shop", "ann", "")}, "false [ann to []]"},
		{"the members instead", changes{change(plan.Create, "shop", "", "ann"), change(plan.Delete, "shop", "@dev", "")}, "false [@dev to []]"},
		{"another's group", changes{change(plan.Create, "shop", "", "@dev"), change(plan.Delete, "shop", "bob", "")}, "false []"},
		{"the group in the same binding", changes{change(plan.Update, "shop", "ann", "@dev")}, "true []"},
		{"made anew by somebody", changes{{Op: plan.Create, Before: &plan.Binding{Namespace: "shop", Subjects: subjects("ann")},
			After: &plan.Binding{Namespace: "shop", Subjects: subjects("ann")}}}, "true []"},
	} {
		p := plan.Plan{Bindings: c.bindings, Users: []plan.UserChange{
			{Name: "ann", Certificate: plan.Change[plan.Certificate]{Op: plan.Keep, Before: &plan.Certificate{Groups: []string{"@dev"}}}},
			{Name: "bob", Certificate: plan.Change[plan.Certificate]{Op: plan.Keep, Before: &plan.Certificate{Groups: []string{"@dev"}}},
				Kubeconfig: plan.Change[plan.Kubeconfig]{Op: plan.Remove}},
		}}
		list := handovers(p)
		last := list[len(list)-1]
		moves := []string{}
		for _, m := range last.moves {
			moves = append(moves, fmt.Sprintf("%s to %v", m.subject.Name, append([]int{}, m.heirs...)))
		}
		if got := fmt.Sprint(last.gives, " ", moves); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
