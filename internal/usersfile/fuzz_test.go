package usersfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// judgeBytes takes any text for a request for whoever the users file has there, but one that says BAD. Equal texts are for one key.
func judgeBytes(data []byte, user string, groups []string) (OwnRequest, error) {
	if bytes.Contains(data, []byte("BAD")) {
		return OwnRequest{}, errors.New("is bad")
	}
	return OwnRequest{PEM: data, KeyHash: digest(data), KeyAlgorithm: Ed25519}, nil
}

// FuzzLoad holds that any bytes give either sets that are sound or errors with a place, soon.
func FuzzLoad(f *testing.F) {
	seeds, err := filepath.Glob("testdata/invalid/*.yaml")
	if err != nil || len(seeds) < 30 {
		f.Fatalf("testdata/invalid has %d files (%v): is it there?", len(seeds), err)
	}
	f.Add([]byte(set("a", "jane, request: '-----BEGIN x'")))
	for _, name := range append(seeds, "testdata/complete.yaml", "../../examples/users.yaml") {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		begin := time.Now()
		sets, err := Load([]string{"-"}, bytes.NewReader(data), judgeBytes)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		if err != nil {
			checkErrors(t, err)
			return
		}
		for _, s := range sets {
			checkSound(t, s)
		}
		again, err := Load([]string{"-"}, bytes.NewReader(data), judgeBytes)
		if err != nil || !reflect.DeepEqual(again, sets) {
			t.Errorf("a second time: %v", err)
		}
	})
}

// checkSound checks what the packages behind this one count on.
func checkSound(t *testing.T, s Set) {
	t.Helper()
	if s.Name == "" || s.Digest == "" || s.Ledger.Namespace == "" || len(s.Users) == 0 {
		t.Errorf("incomplete set %+v", s)
	}
	grants := func(all []Grant) {
		for _, g := range all {
			if (g.Role == "") == (g.ClusterRole == "") || g.Role != "" && len(g.Namespaces) == 0 || g.Pos.Line == 0 {
				t.Errorf("grant %+v", g)
			}
		}
	}
	for _, g := range s.Groups {
		if strings.HasPrefix(g.Name, "provision:") {
			t.Errorf("group %+v", g)
		}
		if g.Name == "" || g.BindTo != BindToGroup && g.BindTo != BindToMembers {
			t.Errorf("group %+v", g)
		}
		grants(g.Roles)
	}
	for _, r := range s.Roles {
		if r.Name == "" || len(r.Rules) == 0 || strings.ContainsAny(r.Name, "/%") {
			t.Errorf("role %+v", r)
		}
	}
	for _, u := range s.Users {
		if u.Name == "" || len(u.Name) > 64 || u.Duration < 10*time.Minute || u.Pos.Line == 0 || u.KeyAlgorithm == "" {
			t.Errorf("user %+v", u)
		}
		if (u.RenewBefore.Share > 0) == (u.RenewBefore.Time > 0) || u.RenewBefore.Time >= u.Duration {
			t.Errorf("user %+v", u)
		}
		if subjectSize(u.Name, u.Groups) > maxSubject || slices.ContainsFunc(u.Groups, func(g string) bool { return strings.HasPrefix(g, "provision:") }) {
			t.Errorf("user %q has the groups %q", u.Name, u.Groups)
		}
		grants(u.Roles)
	}
}

// TestLoadHostile holds that files made to cost time or memory do not.
func TestLoadHostile(t *testing.T) {
	for name, s := range map[string]string{
		"open lists":     strings.Repeat("[", 1<<17),
		"nested lists":   "users: " + strings.Repeat("- ", 9000),
		"nested keys":    strings.Repeat("? ", 9000),
		"comments":       strings.Repeat("#\n", 1<<16),
		"documents":      strings.Repeat("---\n", 1<<14),
		"anchors":        strings.Repeat("- &a x\n", 1<<14),
		"aliases":        "- &a x\n" + strings.Repeat("- *a\n", 1<<14),
		"unknown fields": head + strings.Repeat("x: 1\n", 1<<12),
		"long key":       head + strings.Repeat("x", 1<<18) + ": 1\n",
		"long unknown":   head + `"` + strings.Repeat("x", 1<<18) + "\": 1\n",
		"long name":      set("a", strings.Repeat("x", 1<<18)),
		"many documents": strings.Repeat(set("a", "jane")+"---\n", 1<<7),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			_, err := loadString(t, s)
			if err == nil {
				t.Fatal("is valid")
			}
			checkErrors(t, err)
			if all, _ := errors.AsType[Errors](err); len(all[0].Error()) > 1000 {
				t.Errorf("error of %d bytes", len(all[0].Error()))
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// team is a users file of n users as a real team would write it.
func team(n int) []byte {
	var b bytes.Buffer
	b.WriteString(head + "name: team\nroles:\n  - {name: developer, namespaces: [a, b], rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]}\nusers:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - name: user-%d@example.com\n    groups: [dev, oncall]\n    duration: 8h\n    roles:\n"+
			"      - {role: developer, namespaces: [a, b]}\n      - {clusterRole: view, namespaces: [c]}\n", i)
	}
	return b.Bytes()
}

func BenchmarkLoad10000(b *testing.B) {
	data := team(10000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		sets, err := Load([]string{"-"}, bytes.NewReader(data), nil)
		if err != nil || len(sets[0].Users) != 10000 {
			b.Fatal(err)
		}
	}
}
