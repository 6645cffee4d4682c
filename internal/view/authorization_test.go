package view

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"provision/internal/cluster"
	"provision/internal/plan"
)

// TestAuthorizationYAML holds that an API server reads what was written, whatever the names are, and that every value has quotes or
// is a block of lines: a word like n has another meaning without.
func TestAuthorizationYAML(t *testing.T) {
	for _, name := range []string{"jane", "n", "null", "1", "# x", "o'brien", `a\`, "line\nbreak", "ünï 🙂", "a: b", "- x", "%", "\u2028"} {
		day := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
		want := cluster.Refusing([]plan.BlockedCertificate{
			{User: name, Fingerprint: strings.Repeat("a", 64), Until: day}, {User: name, Fingerprint: strings.Repeat("b", 64), Until: day}, {User: name, Until: day},
		})
		text, err := authorizationYAML(want)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := (printable{w: &out}).Write(text); err != nil || !bytes.Equal(out.Bytes(), text) {
			t.Errorf("%q is escaped on its way out: %v", name, err)
		}
		var got cluster.AuthorizationConfig
		if err := yaml.UnmarshalStrict(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v\n%+v\n%s", name, err, got, text)
		}
		block := false // in the lines of an expression
		for line := range strings.Lines(string(text)) {
			_, value, is := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch {
			case block && strings.HasPrefix(strings.TrimSpace(line), "]"):
				block = false
			case block || !is:
			case value == "|-":
				block = true
			case value[0] != '"' || value[len(value)-1] != '"':
				t.Errorf("without quotes: %s", line)
			}
		}
	}
}

// The kubeconfig that is printed is one, and fits the line of a shell.
func TestNobody(t *testing.T) {
	var config struct {
		Kind     string
		Clusters []struct{ Cluster struct{ Server string } }
	}
	if err := yaml.Unmarshal([]byte(cluster.Nobody), &config); err != nil || config.Kind != "Config" || config.Clusters[0].Cluster.Server != "https://127.0.0.1:1/this-certificate-was-revoked" {
		t.Errorf("%v %+v", err, config)
	}
	if strings.Contains(cluster.Nobody, "'") {
		t.Error("it has a quote")
	}
}
