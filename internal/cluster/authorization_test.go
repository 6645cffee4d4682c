package cluster

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"provision/internal/plan"
)

// celLimit is how many characters of an expression CEL reads (cel-go, parser.expressionSizeCodePointLimit).
const celLimit = 100_000

// TestRefusing holds that the configuration has each certificate once, in expressions that an API server takes, and never an
// authorizer without a condition, which would refuse everybody.
func TestRefusing(t *testing.T) {
	for name, c := range map[string]struct {
		certificates []plan.BlockedCertificate
		ids, names   int
		webhooks     int
	}{
		"nobody":        {},
		"one":           {blockedFor(t, "jane", digits(1)), 1, 0, 1},
		"500":           {many("jane", 500), 500, 0, 1},
		"5,000":         {many("jane", 5000), 5000, 0, 5},
		"12,000":        {many("jane@example.com", 12000), 12000, 0, 13},
		"the longest":   {many(strings.Repeat("\u00fc", 32), 500), 500, 0, 3},
		"by name":       {blockedFor(t, "jane", ""), 0, 1, 1},
		"both":          {blockedFor(t, "jane", "", digits(1)), 1, 1, 2},
		"no hex digits": {blockedFor(t, "jane", "']) || true || ('", strings.Repeat("A", 64), digits(1)+"0"), 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			config := Refusing(c.certificates)
			webhooks := config.Authorizers[:len(config.Authorizers)-2]
			if len(webhooks) != c.webhooks {
				t.Errorf("%d webhooks, want %d", len(webhooks), c.webhooks)
			}
			if last := config.Authorizers[len(webhooks):]; last[0] != (Authorizer{Type: "Node", Name: "node"}) || last[1] != (Authorizer{Type: "RBAC", Name: "rbac"}) {
				t.Errorf("the last are %+v", last)
			}
			var expressions []string
			names := map[string]bool{}
			for _, a := range webhooks {
				w := a.Webhook
				if len(w.MatchConditions) != 2 || w.MatchConditions[0].Expression != withCredential || w.FailurePolicy != "Deny" || names[a.Name] {
					t.Fatalf("%+v", a)
				}
				names[a.Name] = true
				if n := utf8.RuneCountInString(w.MatchConditions[1].Expression); n > celLimit {
					t.Errorf("%s has an expression of %d characters", a.Name, n)
				}
				expressions = append(expressions, w.MatchConditions[1].Expression)
			}
			all := strings.Join(expressions, "\n")
			ids := regexp.MustCompile(`'X509SHA256=[0-9a-f]{64} `).FindAllString(all, -1)
			slices.Sort(ids)
			if once := slices.Compact(ids); len(once) != c.ids {
				t.Errorf("%d ids, want %d", len(once), c.ids)
			}
			if n := strings.Count(all, "request.user in ["); n != c.names {
				t.Errorf("%d lists of names, want %d", n, c.names)
			}
		})
	}
}

// Nobody's name gets out of its string, or out of its line.
func TestRefusingOddNames(t *testing.T) {
	element := regexp.MustCompile(`^'(X509SHA256=[0-9a-f]{64} )?([-A-Za-z0-9 _.:@]|\\U[0-9a-f]{8})*',?$`)
	for _, name := range oddNames {
		for _, a := range Refusing(blockedFor(t, name, digits(1), "")).Authorizers[:2] {
			lines := strings.Split(a.Webhook.MatchConditions[1].Expression, "\n")
			if len(lines) != 3 || !element.MatchString(lines[1]) {
				t.Errorf("%q is written as %q", name, lines)
			}
		}
	}
}

func digits(n int) string { return fmt.Sprintf("%064x", n) }

// many are so many certificates of one user.
func many(user string, n int) []plan.BlockedCertificate {
	var list []plan.BlockedCertificate
	for i := range n {
		list = append(list, plan.BlockedCertificate{User: user, Fingerprint: digits(i)})
	}
	return list
}
