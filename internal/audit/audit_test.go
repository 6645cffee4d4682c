package audit

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"provision/internal/observe"
	"provision/internal/plan"
	"provision/internal/recipient"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

const day24 = 24 * time.Hour

var (
	edit = plan.RoleRef{Kind: "ClusterRole", Name: "edit"}
	view = plan.RoleRef{Kind: "ClusterRole", Name: "view"}
)

func user(name string) plan.Subject { return plan.Subject{Kind: "User", Name: name} }

// observed is a set with somebody of each kind: ann is in, bob left and is blocked, cat made her own key, and dan has nothing yet.
func observed() observe.SetStatus {
	record := func(name, by string) plan.Record {
		return plan.Record{User: name, Groups: []string{"dev-team"}, KeyHash: "key-" + name, CredentialID: "X509SHA256=" + name + "-id", By: by, Digest: "sha256:1", NotBefore: noon.Add(-day24), NotAfter: noon.Add(30 * day24), Intended: noon.Add(-day24)}
	}
	left := record("bobby", "root-operator")
	left.Removed = noon.Add(-time.Hour)
	bindings := []plan.Binding{
		{Namespace: "shop", Name: "provision:web:edit", RoleRef: edit, Subjects: []plan.Subject{user("annie")}},
		{Namespace: "shop", Name: "provision:web:view", RoleRef: view, Subjects: []plan.Subject{{Kind: "Group", Name: "dev-team"}}},
	}
	d := plan.Desired{Set: "web", Digest: "sha256:1", LedgerNamespace: "provision-system"}
	for _, name := range []string{"annie", "catherine", "daniel"} {
		d.Users = append(d.Users, plan.User{Certificate: plan.Certificate{User: name}, Groups: []string{"dev-team"}})
	}
	d.Users[0].Generation = 3
	admin := plan.Held{Binding: plan.Binding{Namespace: "shop", Name: "for-bobby", RoleRef: plan.ClusterAdminRole}, Subject: user("bobby"), Power: plan.PowerAdmin}
	other := plan.Held{Binding: plan.Binding{Name: "for-annie", RoleRef: view}, Set: "db", Subject: user("annie"), Power: plan.PowerLimited}
	return observe.SetStatus{
		Desired: d, Observed: plan.Observed{Bindings: bindings},
		Users: []plan.UserStatus{
			{User: "annie", State: plan.StateValid, Groups: []string{"dev-team"}, Until: noon.Add(30 * day24), File: "annie.kubeconfig", Grants: []plan.Grant{{Role: edit, Namespace: "shop"}, {Role: view, Namespace: "shop"}}, Certificates: []plan.Record{record("annie", "root-operator")}, Key: plan.KeySealed, SealedTo: []recipient.Recipient{}},
			{User: "bobby", State: plan.StateBlocked, Until: left.NotAfter, Certificates: []plan.Record{left}, Blocked: true},
			{User: "catherine", State: plan.StateElsewhere, Until: noon.Add(30 * day24), Key: plan.KeyOwn, Certificates: []plan.Record{record("catherine", "")}},
			{User: "daniel", State: plan.StateExpired, Until: noon.Add(-day24)},
		},
		Outside: [][]plan.Held{{other}, {admin}, nil, nil},
	}
}

func report() Report {
	r := Of([]observe.SetStatus{observed()}, []plan.Approver{{Subject: user("root-operator"), With: []plan.Subject{{Kind: "Group", Name: "dev-team"}}, By: []plan.Held{{Binding: plan.Binding{Name: "root-operator-approves", RoleRef: edit}}}}})
	r.Time, r.Operator, r.Program, r.OutputDir = noon, "root-operator", "v1", "/home/annie/kubeconfigs"
	r.Cluster = Cluster{"test", "https://api.example:6443", "uid"}
	r.Sources = []Source{SourceOf(observed().Desired, "/home/annie/users.yaml")}
	r.Unread, r.Notes = []string{"the ledger lacks bobby"}, []string{"daniel can log in"}
	return r
}

func TestOf(t *testing.T) {
	r := report()
	people := map[string]string{}
	for _, p := range r.People {
		people[p.User] = fmt.Sprint(p.Left, " ", p.Until.Equal(noon.Add(30*day24)), " ", p.Key, " ", p.Generation, " ", p.Groups)
	}
	want := map[string]string{
		"annie":     "false true sealed in the kubeconfig 3 [dev-team]",
		"bobby":     "true true in a kubeconfig that is elsewhere 0 []",
		"catherine": "false true with its owner, who made it 0 [dev-team]",
		"daniel":    "false false none 0 [dev-team]",
	}
	if !reflect.DeepEqual(people, want) {
		t.Errorf("%v", people)
	}
	var grants []string
	for _, g := range r.Grants {
		grants = append(grants, fmt.Sprint(g.User, " ", g.Role, " in ", g.where(), " by ", g.Binding, " through ", g.Through, " of ", g.From, " ", g.Left))
	}
	if want := []string{
		"annie view in whole cluster by clusterrolebinding/for-annie through user annie of set db false",
		"annie edit in shop by rolebinding/provision:web:edit -n shop through user annie of this set false",
		"annie view in shop by rolebinding/provision:web:view -n shop through group dev-team of this set false",
		"bobby cluster-admin in shop by rolebinding/for-bobby -n shop through user bobby of no set true",
	}; !slices.Equal(grants, want) {
		t.Errorf("%q", grants)
	}
	states := []string{}
	for _, c := range r.Certificates {
		states = append(states, c.User+" "+c.State)
	}
	if want := []string{"annie valid", "bobby removed", "catherine valid"}; !slices.Equal(states, want) {
		t.Errorf("%q", states)
	}
}

// No file of a redacted report has a name of anybody, and who is whom stays the same in all of them.
func TestRedact(t *testing.T) {
	files, err := report().Files(nil)
	if err != nil {
		t.Fatal(err)
	}
	redacted, err := report().Redact().Files(nil)
	if err != nil {
		t.Fatal(err)
	}
	all := func(files []File) string {
		var b strings.Builder
		for _, f := range files {
			b.Write(f.Data)
		}
		return strings.ReplaceAll(b.String(), "-id", "") // what identifies a certificate is made up of a name here
	}
	whole, rest := all(files), all(redacted)
	for _, c := range report().Certificates { // these stay
		rest = strings.ReplaceAll(strings.ReplaceAll(rest, c.KeyHash, ""), strings.TrimSuffix(c.CredentialID, "-id"), "")
		rest = strings.ReplaceAll(rest, short(strings.TrimSuffix(c.CredentialID, "-id")), "")
	}
	for _, name := range []string{"annie", "bobby", "catherine", "daniel", "dev-team", "root-operator"} {
		if !strings.Contains(whole, name) {
			t.Errorf("%s is not in the whole report", name)
		}
		if i := strings.Index(rest, name); i >= 0 {
			t.Errorf("%s: …%s…", name, rest[max(0, i-80):min(len(rest), i+80)])
		}
	}
	r := report().Redact()
	if !r.Redacted || r.Hidden != 2 || len(r.Unread) != 1 || r.Sources[0].File != "users.yaml" {
		t.Errorf("%+v", r)
	}
	if r.Grants[0].User != r.Certificates[0].User || r.Grants[0].Through != "user "+r.People[0].User || r.Certificates[0].By != r.Operator {
		t.Errorf("%+v %+v %+v", r.Grants[0], r.Certificates[0], r.People[0])
	}
}

// Whatever people are called, the page stays a page, and the tables start no formula.
func TestHostileNames(t *testing.T) {
	r := report()
	r.People[0].User = `</td><script>alert(1)</script>`
	r.People[1].User = "=cmd|' /C calc'!A0"
	r.Notes = []string{"<img src=x onerror=alert(1)>"}
	r.Certificates[0].User = "\x1b[31mred\u202e"
	files, err := r.Files(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		switch f.Name {
		case Page:
			if bytes.Contains(f.Data, []byte("<script")) || bytes.Contains(f.Data, []byte("<img")) {
				t.Error("a name is markup")
			}
		case "people.csv":
			if !bytes.Contains(f.Data, []byte(`web,'=cmd|' /C calc'!A0,`)) {
				t.Errorf("%s", f.Data)
			}
		}
	}
}

// Every certificate is counted once, however many there are and however far their ends are apart, and nothing is drawn outside the picture.
func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		n    int
		step time.Duration
		unit string
	}{{0, day24, ""}, {1, day24, "week"}, {40, day24, "week"}, {300, time.Hour, "week"}, {300, day24, "month"}, {3000, day24 * 10, "month"}} {
		var list []Certificate
		for i := range c.n {
			list = append(list, Certificate{User: fmt.Sprint("user-", i), State: "valid", NotBefore: noon.Add(-time.Duration(i) * time.Hour), NotAfter: noon.Add(time.Duration(i+1) * c.step)})
		}
		dead := Certificate{NotAfter: noon}
		drawn := newTimeline(append(list, dead, Certificate{}), noon)
		total := 0
		for _, column := range drawn.Columns {
			total += column.Count
			if column.X < 0 || column.X+column.Width > chartWidth || column.Y < 0 || column.Height > chartHeight {
				t.Errorf("%d: %+v", c.n, column)
			}
		}
		for _, b := range drawn.Bars {
			if b.X < barsLeft || b.X+b.Width > chartWidth+1 || b.Y >= drawn.Height {
				t.Errorf("%d: %+v", c.n, b)
			}
		}
		if total != c.n || len(drawn.Bars)+drawn.More != c.n || len(drawn.Columns) > mostColumns || drawn.Unit != c.unit {
			t.Errorf("%d certificates: %d in %d columns by %s, %d bars and %d more", c.n, total, len(drawn.Columns), drawn.Unit, len(drawn.Bars), drawn.More)
		}
	}
}
