package usersfile

import (
	"fmt"
	"strings"
	"testing"
)

// TestGenerationGroup holds that every generation of every user of every set has a group of its own, which a certificate can
// carry, and which is read back for that user only.
func TestGenerationGroup(t *testing.T) {
	long, longest := strings.Repeat("u", 50), strings.Repeat("é", maxName/2)
	for _, c := range []struct {
		set, user  string
		generation int
		want       string
	}{
		{"payments", "jane", 2, "provision:payments:jane:2"},
		{"payments", "ci:bot 7", 1, "provision:payments:ci:bot 7:1"},
		{"payments", strings.Repeat("u", 43), 1, "provision:payments:" + strings.Repeat("u", 43) + ":1"},
		{"payments", strings.Repeat("u", 43), 10, "provision:a3ac4027664539526551110c47bf0999:10"},
		{"payments", strings.Repeat("u", 44), 1, ""},
	} {
		if got := GenerationGroup(c.set, c.user, c.generation); c.want != "" && got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.user, c.set, got, c.want)
		}
	}
	type of struct {
		set, user  string
		generation int
	}
	seen := map[string]of{}
	users := []string{"jane", "jane:1", "1", "a:b", "b", "a", ":", long, long + "x", longest, longest[2:] + "x", strings.Repeat("0", 32)}
	for _, set := range []string{"a", "b", "payments", strings.Repeat("s", maxSetName)} {
		for _, user := range users {
			for _, n := range []int{1, 2, 9, 10, 11, maxGeneration} {
				group := GenerationGroup(set, user, n)
				if other, taken := seen[group]; taken {
					t.Errorf("%s is that of %+v and of %+v", group, other, of{set, user, n})
				}
				seen[group] = of{set, user, n}
				if len(group) > maxName || !IsGenerationGroup(group) || never(group, inCertificate) == "" || never(group, asGroup) == "" {
					t.Errorf("%s: %d bytes", group, len(group))
				}
				if named := SetOfGeneration(group); named != set && named != "" {
					t.Errorf("%s is taken for one of the set %s", group, named)
				}
			}
		}
	}
	for group, one := range seen {
		for _, set := range []string{"a", "b", "payments", strings.Repeat("s", maxSetName)} {
			for _, user := range users {
				want := 0
				if set == one.set && user == one.user {
					want = one.generation
				}
				if got := GenerationIn(set, user, group); got != want {
					t.Errorf("%s read for %s of %s: %d, want %d", group, user, set, got, want)
				}
			}
		}
	}
	for _, group := range []string{"", "jane", "provision:a:jane:", "provision:a:jane:0", "provision:a:jane:01", "provision:a:jane:+1", "provision:a:jane:-1",
		"provision:a:jane:1 ", "provision:a:jane:1000000000", "provision:a:jane", "provision:a:jane:x", "x:provision:a:jane:1", "Provision:a:jane:1"} {
		if n := GenerationIn("a", "jane", group); n != 0 {
			t.Errorf("%s is taken for generation %d", group, n)
		}
	}
}

// TestGenerationNeverGiven holds that no file gives anybody such a group, whatever it allows itself, and that a generation counts
// for what a certificate holds.
func TestGenerationNeverGiven(t *testing.T) {
	const group = "provision:x:jane:1"
	for _, body := range []string{
		"users: [{name: jane, groups: [\"" + group + "\"]}]\n",
		"groups: [{name: \"" + group + "\"}]\nusers: [{name: jane}]\n",
		"groups: [{name: \"" + group + "\", bindTo: Members}]\nusers: [{name: jane, groups: [\"" + group + "\"]}]\n",
	} {
		_, err := loadString(t, head+"name: x\nallowReserved: [\""+group+"\", \"provision:\"]\n"+body)
		if err == nil || !strings.Contains(err.Error(), `"`+group+`": groups that begin with provision: are for provision itself`) {
			t.Errorf("%s: %v", body, err)
		}
	}
	fits := many(900)
	for subjectSize("jane", fits) > maxSubject {
		fits = fits[1:]
	}
	if left := maxSubject - subjectSize("jane", fits); left > 20 { // so that not even a short group has room
		fits = append(fits, strings.Repeat("z", left-14))
	}
	file := func(more string) string {
		return head + "name: x\nusers: [{name: jane" + more + ", groups: [\"" + strings.Join(fits, `", "`) + "\"]}]\n"
	}
	if _, err := loadString(t, file("")); err != nil {
		t.Fatal(err)
	}
	carried := append(fits, GenerationGroup("x", "jane", 3))
	want := fmt.Sprintf("%d groups take %d bytes in the certificate", len(carried), subjectSize("jane", carried))
	if _, err := loadString(t, file(", generation: 3")); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %s", err, want)
	}
}
