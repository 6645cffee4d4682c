package plan

import (
	"slices"
	"testing"
)

// Of a warning only what is new of it counts, and what has gone counts nowhere.
func TestBeyond(t *testing.T) {
	granted := func(name string, items ...string) Warning {
		return Warning{Code: GrantedElsewhere, Name: name, Items: items}
	}
	held := func(names ...string) (list []Held) {
		for _, name := range names {
			list = append(list, Held{Subject: Subject{Kind: "User", Name: name}})
		}
		return list
	}
	before := []Warning{granted("ann", "a", "b"), {Code: FrontProxyAnybody}, {Code: LeaverBound, User: "ann", Held: held("ann")}}
	for _, c := range []struct {
		name  string
		now   Warning
		more  bool
		items []string
	}{
		{"as it was", granted("ann", "a", "b"), false, nil},
		{"in another order", granted("ann", "b", "a"), false, nil},
		{"less", granted("ann", "b"), false, nil},
		{"more", granted("ann", "a", "c"), true, []string{"c"}},
		{"of somebody else", granted("bob", "a"), true, []string{"a"}},
		{"without items, known", Warning{Code: FrontProxyAnybody}, false, nil},
		{"without items, new", Warning{Code: PrivateProxy}, true, nil},
		{"held as before", Warning{Code: LeaverBound, User: "ann", Held: held("ann")}, false, nil},
		{"held by more", Warning{Code: LeaverBound, User: "ann", Held: held("ann", "dev")}, true, nil},
	} {
		got, more := c.now.Beyond(before)
		if more != c.more || !slices.Equal(got.Items, c.items) {
			t.Errorf("%s: %v, %q; want %v, %q", c.name, more, got.Items, c.more, c.items)
		}
	}
}
