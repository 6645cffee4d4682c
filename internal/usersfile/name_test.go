package usersfile

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestNamesPeopleHave holds which characters a name may have: what people are called is taken as it is, what only looks
// like it is not.
func TestNamesPeopleHave(t *testing.T) {
	for _, name := range []string{
		"jane", "Łukasz", "Mª José", "m²", "µ-team", "H₂O", "Отдел №5", "½", "O’Brien", "D'Arcy", "小林", "タナカ", "ﾀﾅｶ", "ﾊﾞﾊﾞ", "김민수", "ㄱ",
		"น้ำ", "ນ້ຳ", "Արև", "محمد", "דוד", "ゟ", "Straße", "İpek", "Đặng", "team™", "a:b", "a,b", "tail:",
	} {
		if why := disguise(name); why != "" {
			t.Errorf("%s: %s", name, why)
		}
	}
	for name, plain := range map[string]string{
		"ａdmin": "a", "admin＠corp": "@", "𝐚𝐝𝐦𝐢𝐧": "a", "𝟏": "1", "oﬃce": "ffi", "Ⅷ": "VIII", "ᵃdmin": "a", "adᵐin": "m", "ſecure": "s", "ĳ": "ij", "ℂ": "C",
		"ﻣﺤﻤﺪ": "م", "⼈": "人", "team：admins": ":", "a‑b": "‐", "𝛂": "α", "ǆ": "dž",
	} {
		if why := disguise(name); !strings.Contains(why, fmt.Sprintf("which may pass for %q", plain)) {
			t.Errorf("%s: %q, want that it may pass for %s", name, why, plain)
		}
	}
}

// TestWordsThatLookLatin holds that a whole word of another script does not pass for a Latin one beside others, and that
// names in that script are taken, and so are words that look like no Latin one.
func TestWordsThatLookLatin(t *testing.T) {
	for name, want := range map[string]string{
		"team-\u0430": `"\u0430"`, "web:\u0441\u043e\u0440": `"\u0441\u043e\u0440"`, "\u039f team": `"\u039f"`, "ann.\u0585": `"\u0585"`,
		"\u0425\u043e\u0441\u0435": "", "\u0410\u043d\u043d\u0430 Lee": "", "team-\u0434": "", "team-\u03b2": "", "\u043e-\u0430": "",
	} {
		why := disguise(name)
		if want == "" && why != "" || want != "" && !strings.Contains(why, "only look Latin ("+want+")") {
			t.Errorf("%+q: %q, want %s", name, why, want)
		}
	}
}

// TestSubjectSize compares with the bytes that a certificate has.
func TestSubjectSize(t *testing.T) {
	for _, groups := range [][]string{
		nil, {"a"}, {strings.Repeat("g", 64)}, {"é", "ops:oncall", "a@b", "a b*"}, many(3), many(13), many(14), many(120), many(900), many(1000), many(5000),
	} {
		for _, user := range []string{"j", strings.Repeat("u", 64), "Łukasz"} {
			der, err := asn1.Marshal(pkix.Name{CommonName: user, Organization: groups}.ToRDNSequence())
			if err != nil {
				t.Fatal(err)
			}
			if got := subjectSize(user, groups); got != len(der) {
				t.Errorf("%d groups: %d bytes, want %d", len(groups), got, len(der))
			}
		}
	}
}

// many are different groups with names as long as they may be.
func many(n int) []string {
	groups := make([]string, n)
	for i := range groups {
		groups[i] = fmt.Sprintf("%064d", i)
	}
	return groups
}

// TestTooManyGroups holds where a certificate begins to be too large.
func TestTooManyGroups(t *testing.T) {
	file := func(groups []string) string {
		return head + "name: x\nusers: [{name: jane, groups: [\"" + strings.Join(groups, `", "`) + "\"]}]\n"
	}
	fits := many(900)
	for subjectSize("jane", fits) > maxSubject {
		fits = fits[1:]
	}
	if _, err := loadString(t, file(fits)); err != nil {
		t.Error(err)
	}
	_, err := loadString(t, file(append(fits, strings.Repeat("z", 64))))
	want := fmt.Sprintf("users[0].groups: Too many: %d groups take %d bytes in the certificate", len(fits)+1, subjectSize("jane", append(fits, strings.Repeat("z", 64))))
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "only with bindTo: Group or inCertificate: true") {
		t.Errorf("%v; want %s", err, want)
	}
}

// TestEndlessMistakes holds that a file full of them costs neither the terminal nor the machine.
func TestEndlessMistakes(t *testing.T) {
	const n = 50_000
	for name, s := range map[string]string{
		"users":     head + "name: x\nusers:\n" + strings.Repeat("- name: jane\n", n),
		"documents": strings.Repeat("--- x\n", n),
		"unknown":   head + "name: x\n" + strings.Repeat("x: 1\n", n),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			begin := time.Now()
			_, err := loadString(t, s)
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			all, _ := errors.AsType[Errors](err)
			if len(all) != maxErrors+1 || all.Count() < n-1 || all.Count() > n+1 {
				t.Errorf("%d errors, %d in all: %v", len(all), all.Count(), all[len(all)-1])
			}
			if last := fmt.Sprintf("<stdin>: and %d more, which are not listed", all.Count()-maxErrors); all[len(all)-1].Error() != last {
				t.Errorf("the last is %q, want %q", all[len(all)-1].Error(), last)
			}
			t.Logf("%v, %d MB allocated", took, (after.TotalAlloc-before.TotalAlloc)>>20)
		})
	}
}
