package view

import (
	"strings"
	"testing"

	"provision/internal/observe"
	"provision/internal/plan"
)

// Of a few certificates the command that finds them in an audit log is printed, of many on request.
func TestAuditQuery(t *testing.T) {
	one := observe.Remainder{User: "it's", Credentials: []string{"X509SHA256=aa", "X509SHA256=bb"}}
	const ids = `.user.extra["authentication.kubernetes.io/credential-id"][0] | IN("X509SHA256=aa", "X509SHA256=bb")`
	if got, want := (Remainder{People: []observe.Remainder{one}}).auditQuery(), "jq -c 'select("+ids+")' audit.log"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	one.NameOnly = true
	if got, want := (Remainder{People: []observe.Remainder{one}}).auditQuery(), `jq -c 'select((`+ids+`) or (.user.username | IN("it'\''s")))' audit.log`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	old := Remainder{People: []observe.Remainder{one}, Plans: plan.Proposals{{Observed: plan.Observed{WithoutCredentialIDs: "v1.30.14"}}}}
	if got, want := old.auditQuery(), `jq -c 'select(.user.username | IN("it'\''s"))' audit.log`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := (Remainder{People: []observe.Remainder{{User: "nobody"}}}).auditQuery(); got != "" {
		t.Errorf("nobody has a certificate: %s", got)
	}
	many := Remainder{People: []observe.Remainder{one, one, one}}
	for all, want := range map[bool]string{false: "--show-all", true: "    jq -c "} {
		var b strings.Builder
		many.All = all
		many.audit(pen{w: &b})
		if !strings.Contains(b.String(), want) || strings.Count(b.String(), "\n") > 3 {
			t.Errorf("all: %v:\n%s", all, b.String())
		}
	}
}
