package plan

import (
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// parseRules reads "verbs groups resources names", each with commas; "verbs /url" is a rule for a URL. Several with
// semicolons.
func parseRules(text string) (rules []rbacv1.PolicyRule) {
	for one := range strings.SplitSeq(text, ";") {
		f := strings.Fields(one)
		list := func(i int) []string {
			if i >= len(f) {
				return nil
			}
			return strings.Split(strings.ReplaceAll(f[i], "core", ""), ",")
		}
		switch {
		case len(f) == 2:
			rules = append(rules, rbacv1.PolicyRule{Verbs: list(0), NonResourceURLs: list(1)})
		case len(f) > 2:
			rules = append(rules, rbacv1.PolicyRule{Verbs: list(0), APIGroups: list(1), Resources: list(2), ResourceNames: list(3)})
		}
	}
	return rules
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		rules, others string
		want          bool
	}{
		{"", "", true},
		{"", "get core pods", false},
		{"get core pods", "", true},
		{"get,list core pods", "get core pods", true},
		{"get core pods", "get,list core pods", false},
		{"get core pods; list core pods", "get,list core pods", true},
		{"get core pods; list core secrets", "get,list core pods", false},
		{"get core pods", "get apps pods", false},
		{"* * *", "get,list core,apps pods,secrets x,y", true},
		{"* * *", "get /healthz", false},
		{"get core pods", "* core pods", false},
		{"get core pods", "get core *", false},
		{"get core pods", "get * pods", false},
		{"get core pods", "get core pods x", true},
		{"get core pods x", "get core pods", false},
		{"get core pods x", "get core pods x", true},
		{"get core pods x", "get core pods x,y", false},
		{"get core pods", "get core pods/log", false},
		{"get core */log", "get core pods/log", true},
		{"get core */log", "get core pods", false},
		{"get /healthz*", "get /healthz/etcd", true},
		{"get /healthz", "get /healthz/etcd", false},
		{"get *", "get /metrics", true},
		{"get /metrics", "post /metrics", false},
	} {
		if got := Covers(parseRules(c.rules), parseRules(c.others)); got != c.want {
			t.Errorf("%q covers %q: %v", c.rules, c.others, got)
		}
	}
}

func TestCommon(t *testing.T) {
	for _, c := range []struct{ some, others, want string }{
		{"get core pods", "", ""},
		{"get core pods", "list core pods", ""},
		{"get,list core pods", "get,watch core pods", "get core pods"},
		{"* core pods", "get core *", "get core pods"},
		{"* * *", "get,list core,apps pods x,y", "get,list core,apps pods x,y"},
		{"get core secrets x,y", "get core secrets y,z", "get core secrets y"},
		{"get core secrets x", "get core secrets y", ""},
		{"get core secrets x", "get,list core secrets", "get core secrets x"},
		{"get core */scale", "get core deployments/scale,pods", "get core deployments/scale"},
		{"get core pods; list core secrets", "get,list core pods,secrets", "get core pods; list core secrets"},
		{"get /healthz*", "get,post /healthz/etcd", "get /healthz/etcd"},
		{"get /healthz", "* *", "get /healthz"},
		{"* * *", "get /healthz", ""},
	} {
		for _, sides := range [][2]string{{c.some, c.others}, {c.others, c.some}} {
			if got, want := Common(parseRules(sides[0]), parseRules(sides[1])), parseRules(c.want); !Covers(got, want) || !Covers(want, got) {
				t.Errorf("common of %q and %q: %v, want %v", sides[0], sides[1], got, want)
			}
		}
	}
}
