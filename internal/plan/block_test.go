package plan

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"
)

// blockedOf are the certificates of a block in a few words: the user, the beginning of the fingerprint, and whether the ledger put
// it there.
func blockedOf(b *Block) []string {
	var list []string
	if b == nil {
		return nil
	}
	for _, c := range b.Certificates {
		s := c.User + " " + c.Fingerprint[:min(4, len(c.Fingerprint))]
		if c.Restored {
			s += " restored"
		}
		list = append(list, s)
	}
	return list
}

// enforced is a block as it is found after a change was carried out.
func enforced(c *Change[Block]) *Block {
	if c == nil || c.After == nil {
		return nil
	}
	return &Block{Certificates: c.After.Certificates}
}

func TestRevokeBlocks(t *testing.T) {
	jane := keyHash("jane")
	for name, c := range map[string]struct {
		change   func(*world)
		want     []string
		op       Op
		warnings []WarningCode
		problems []ProblemCode
	}{
		"her certificate":               {want: []string{"jane " + jane[:4]}, op: Create},
		"never":                         {change: func(w *world) { w.Desired.Block = BlockNever }},
		"nobody asked":                  {change: func(w *world) { w.Desired.Block = "" }},
		"an old cluster":                {change: func(w *world) { w.WithoutCredentialIDs = "v1.30.14" }, warnings: []WarningCode{NotBlockedByVersion}},
		"an old cluster, always":        {change: func(w *world) { w.WithoutCredentialIDs, w.Desired.Block = "v1.30.14", BlockAlways }, problems: []ProblemCode{BlockUnsupported}},
		"the one that runs the command": {change: func(w *world) { w.OwnCertificate = BlockedCertificate{User: "jane", Fingerprint: jane} }, warnings: []WarningCode{OwnNotBlocked}},
		"another one of hers runs it":   {change: func(w *world) { w.OwnCertificate = BlockedCertificate{User: "jane", Fingerprint: keyHash("x")} }, want: []string{"jane " + jane[:4]}, op: Create},
		"not a fingerprint":             {change: func(w *world) { w.Ledger[0].CredentialID = "X509SHA256=']) || true"; delete(w.Files, "jane") }, want: []string{"jane "}, op: Create},
		"it is not known what was issued": {change: func(w *world) {
			w.Ledger[0].NotAfter, w.Ledger[0].CredentialID = time.Time{}, ""
			delete(w.Files, "jane")
		}, want: []string{"jane "}, op: Create},
		"sent twice":                       {change: func(w *world) { w.Ledger[0].Resent = true }, want: []string{"jane ", "jane " + jane[:4]}, op: Create},
		"the ledger lost her":              {change: func(w *world) { w.Ledger = w.Ledger[1:] }, want: []string{"jane " + jane[:4]}, op: Create},
		"the ledger cannot be read":        {change: func(w *world) { w.LedgerProblems = []Problem{{Code: LedgerUnreadable}} }, want: []string{"jane ", "jane " + jane[:4]}, op: Create},
		"not known, and another set's too": {change: func(w *world) { w.Ledger[0].Resent = true; w.NamesElsewhere = map[string]string{"jane": "till"} }, want: []string{"jane " + jane[:4]}, op: Create, warnings: []WarningCode{NameNotBlocked}},
		"it has ended":                     {change: func(w *world) { w.Ledger[0].NotAfter = noon; delete(w.Files, "jane") }},
		"somebody is blocked already": {change: func(w *world) {
			w.Observed.Block = &Block{Certificates: []BlockedCertificate{{User: "bob", Fingerprint: keyHash("bob"), Since: noon.Add(-day), Until: noon.Add(day)}}}
		}, want: []string{"bob " + keyHash("bob")[:4], "jane " + jane[:4]}, op: Update},
	} {
		t.Run(name, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane"), wanted("joe"))
			w.Revoke, w.Desired.Block = true, BlockAuto
			if c.change != nil {
				c.change(&w)
			}
			p := Revoke(w.Desired, w.Observed, []string{"jane"}, noon)
			var op Op
			if p.Block != nil {
				op = p.Block.Op
			}
			if got := blockedOf(enforced(p.Block)); !slices.Equal(got, c.want) || op != c.op {
				t.Errorf("%s %q; want %s %q", op, got, c.op, c.want)
			}
			got := slices.DeleteFunc(warningCodes(p), func(code WarningCode) bool { return code == LedgerDamaged })
			if !slices.Equal(got, c.warnings) || !slices.Equal(problemCodes(p), c.problems) {
				t.Errorf("warnings %v, problems %v", got, problemCodes(p))
			}
			for _, r := range p.Ledger.Records {
				if r.After.IsBlocked() != (p.Block != nil) {
					t.Errorf("the ledger notes %v", r.After)
				}
			}
		})
	}
}

// A component of Kubernetes has a name that begins with system: by a certificate that no ledger knows.
func TestNamesOfKubernetesAreNotBlocked(t *testing.T) {
	const name = "system:kube-controller-manager"
	w := settled(noon.Add(-day), wanted(name))
	w.Revoke, w.Desired.Block = true, BlockAuto
	w.Ledger[0].Resent = true
	p := Revoke(w.Desired, w.Observed, []string{name}, noon)
	if got, want := blockedOf(enforced(p.Block)), []string{name + " " + keyHash(name)[:4]}; !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
	if got, want := warningCodes(p), []WarningCode{SystemNotBlocked}; !slices.Equal(got, want) {
		t.Errorf("warnings %v; want %v", got, want)
	}
	w.Observed.Block = &Block{Certificates: []BlockedCertificate{{User: name, Since: dayOf(noon), Until: dayOf(noon.Add(40 * day))}}}
	w.Users, w.Files, w.Revoke, w.Desired.Block = nil, nil, false, ""
	if p := Compute(w.Desired, w.Observed, noon); p.Block == nil || p.Block.Op != Delete {
		t.Errorf("%v; want the name to be let through again", p.Block)
	}
}

// What an apply does to a block.
func TestApplyKeepsBlock(t *testing.T) {
	jane := keyHash("jane")
	entry := BlockedCertificate{User: "jane", Fingerprint: jane, Since: dayOf(noon), Until: dayOf(noon.Add(40 * day))}
	name := BlockedCertificate{User: "jane", Since: dayOf(noon), Until: dayOf(noon.Add(40 * day))}
	for title, c := range map[string]struct {
		change  func(*world)
		want    []string
		reasons []ReasonCode
	}{
		"as it is":                {},
		"altered":                 {change: func(w *world) { w.Observed.Block.Altered = true }, want: []string{"jane " + jane[:4]}, reasons: []ReasonCode{BlockAltered}},
		"deleted":                 {change: func(w *world) { w.Observed.Block = nil }, want: []string{"jane " + jane[:4] + " restored"}, reasons: []ReasonCode{BlockRestored}},
		"a certificate taken out": {change: func(w *world) { w.Observed.Block.Certificates[0].Fingerprint = keyHash("x") }, want: []string{"jane " + keyHash("x")[:4], "jane " + jane[:4] + " restored"}, reasons: []ReasonCode{BlockRestored}},
		"the operator's own":      {change: func(w *world) { w.Observed.Block = nil; w.OwnCertificate = entry }},
		"it may not be read":      {change: func(w *world) { w.Observed.Block, w.BlockUnread = nil, "forbidden" }},
		"unblocked":               {change: func(w *world) { w.Observed.Block, w.Ledger[0].Unblocked = nil, noon }},
		"ended":                   {change: func(w *world) { w.Observed.Block.Certificates[0].Until = dayOf(noon); w.Ledger = nil }, reasons: []ReasonCode{BlockEnded}},
		"it ends today":           {change: func(w *world) { w.Observed.Block.Certificates[0].Until = dayOf(noon).Add(day); w.Ledger = nil }},
		"the ledger is lost":      {change: func(w *world) { w.Ledger = nil }},
		"a name":                  {change: func(w *world) { w.Observed.Block.Certificates = append(w.Observed.Block.Certificates, name) }},
		"a name that is in the file": {change: func(w *world) {
			w.Observed.Block.Certificates = append(w.Observed.Block.Certificates, name)
			w.Users = []User{wanted("jane")}
		}},
		"a name that is given again": {change: func(w *world) {
			w.Observed.Block.Certificates = append(w.Observed.Block.Certificates, name)
			w.Users = []User{wanted("jane")}
			w.Users[0].Reuse = true
		}, want: []string{"jane " + jane[:4]}, reasons: []ReasonCode{BlockNameAgain}},
		"a name that another set has": {change: func(w *world) {
			w.Observed.Block.Certificates = append(w.Observed.Block.Certificates, name)
			w.NamesElsewhere = map[string]string{"jane": "till"}
		}, want: []string{"jane " + jane[:4]}, reasons: []ReasonCode{BlockNameAgain}},
		"destroy": {change: func(w *world) { w.Destroy = true }},
	} {
		t.Run(title, func(t *testing.T) {
			w := settled(noon.Add(-day), wanted("jane"))
			w.Users, w.Files = nil, map[string]File{}
			w.Ledger[0].Removed, w.Ledger[0].Blocked = noon.Add(-time.Hour), noon.Add(-time.Hour)
			w.Observed.Block = &Block{Certificates: []BlockedCertificate{entry}}
			if c.change != nil {
				c.change(&w)
			}
			p := Compute(w.Desired, w.Observed, noon)
			if p.Block == nil {
				if c.reasons != nil {
					t.Fatal("no change")
				}
				return
			}
			if got := blockedOf(enforced(p.Block)); !slices.Equal(got, c.want) || !slices.Equal(codes(p.Block.Reasons), c.reasons) {
				t.Errorf("%q, %v; want %q, %v", got, codes(p.Block.Reasons), c.want, c.reasons)
			}
		})
	}
}

// A block that the ledger does not know of is noted there: the note may have been lost in a crash.
func TestBlockAdopted(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane"))
	w.Ledger[0].Removed = noon.Add(-time.Hour)
	w.Users, w.Files = nil, map[string]File{}
	w.Observed.Block = &Block{Certificates: []BlockedCertificate{{User: "jane", Fingerprint: keyHash("jane"), Since: noon, Until: noon.Add(40 * day)}}}
	p := Compute(w.Desired, w.Observed, noon)
	if r := p.Ledger.Records; p.Block != nil || len(r) != 1 || !r[0].After.IsBlocked() || !slices.Equal(codes(r[0].Reasons), []ReasonCode{BlockKnown}) {
		t.Errorf("%+v, %+v", p.Block, p.Ledger.Records)
	}
}

func TestUnblock(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane"), wanted("joe"))
	w.Revoke, w.Desired.Block = true, BlockAuto
	p := Revoke(w.Desired, w.Observed, []string{"jane", "joe"}, noon)
	w.Observed.Block = enforced(p.Block)
	for i := range w.Ledger {
		w.Ledger[i] = *p.Ledger.Records[i].After
	}
	for _, c := range []struct {
		id    string
		known bool
		left  []string
	}{
		{"jane", true, []string{"joe " + keyHash("joe")[:4]}},
		{"X509SHA256=" + keyHash("joe"), true, []string{"jane " + keyHash("jane")[:4]}},
		{keyHash("joe"), true, []string{"jane " + keyHash("jane")[:4]}},
		{"jo", false, nil},
		{keyHash("jo"), false, nil},
	} {
		p := Unblock(w.Desired, w.Observed, []string{c.id}, noon)
		if got := blockedOf(enforced(p.Block)); !slices.Equal(got, c.left) || Blocks(w.Observed, c.id) != c.known {
			t.Errorf("%s: %q; want %q", c.id, got, c.left)
		}
		if !c.known {
			continue
		}
		if r := p.Ledger.Records; len(r) != 1 || r[0].After.IsBlocked() {
			t.Errorf("%s: %+v", c.id, r)
		} else if o := (Observed{Ledger: []Record{*r[0].After}}); !Blocks(o, c.id) {
			t.Errorf("%s: not known any more, so an unblock that was killed cannot be run again", c.id)
		}
		// It does not come back by itself.
		again := world{w.Desired, w.Observed, 0}
		again.Observed.Block = enforced(p.Block)
		again.Ledger = slices.Clone(w.Ledger)
		for i, r := range again.Ledger {
			if r.KeyHash == p.Ledger.Records[0].After.KeyHash {
				again.Ledger[i] = *p.Ledger.Records[0].After
			}
		}
		if next := Compute(again.Desired, again.Observed, noon.Add(time.Minute)); next.Block != nil {
			t.Errorf("%s: the next plan: %+v", c.id, next.Block)
		}
	}
}

// Whatever was there: after revoke every living certificate of the person is blocked, nobody else's that was not, and neither a plan
// nor a second revoke changes anything of it. What another program or person edits meanwhile is kept by Block.With.
func TestBlockProperties(t *testing.T) {
	everyCase(t, func(t *testing.T, r *rand.Rand, w world) {
		w.Revoke, w.Desired.Block, w.Allow = true, BlockAuto, 100
		for i, rec := range w.Ledger {
			w.Ledger[i].Resent = r.Intn(4) == 0
			if fingerprint, ok := Fingerprint(rec.CredentialID); ok && r.Intn(4) == 0 {
				if w.Observed.Block == nil {
					w.Observed.Block = &Block{Altered: r.Intn(2) == 0}
				}
				added := w.Observed.Block.With([]BlockedCertificate{{User: rec.User, Fingerprint: fingerprint, Since: dayOf(noon), Until: dayOf(rec.Until()).Add(day), Restored: r.Intn(2) == 0}}, nil)
				w.Observed.Block.Certificates = added.Certificates
			}
		}
		w.NamesElsewhere = map[string]string{}
		for _, name := range some(r, everyName...) {
			w.NamesElsewhere[name] = "till"
		}
		who := pick(r, everyName...)
		before := fmt.Sprint(blockedOf(w.Observed.Block))
		p := Revoke(w.Desired, w.Observed, []string{who}, noon)
		if fmt.Sprint(blockedOf(w.Observed.Block)) != before {
			t.Fatal("the block was changed in place")
		}
		after := w.Observed.Block
		if p.Block != nil {
			if after = enforced(p.Block); after == nil {
				after = &Block{}
			}
			if p.Block.Op == Update && len(after.Certificates) == 0 {
				t.Fatal("an empty block is kept")
			}
		}
		if after == nil {
			after = &Block{}
		}
		changed := map[string]Record{}
		for _, c := range p.Ledger.Records {
			changed[c.Object().KeyHash] = *c.Object()
		}
		for i, rec := range w.Ledger {
			if c, ok := changed[rec.KeyHash]; ok {
				w.Ledger[i] = c
			}
		}
		for _, rec := range w.Ledger {
			fingerprint, ok := Fingerprint(rec.CredentialID)
			if ok && rec.User == who && rec.Live(noon) && !slices.ContainsFunc(after.Certificates, BlockedCertificate{User: who, Fingerprint: fingerprint}.same) {
				t.Fatalf("%s is not blocked: %q", fingerprint[:4], blockedOf(after))
			}
		}
		added, _ := BlockDifference(Change[Block]{Before: w.Observed.Block, After: after})
		for _, c := range added {
			if c.User != who && !c.Restored {
				t.Fatalf("%s is blocked, and nobody named them", c.User)
			}
			if c.Fingerprint == "" && w.NamesElsewhere[c.User] != "" {
				t.Fatalf("the name %s is blocked, and another set has it", c.User)
			}
		}
		w.Observed.Block = after
		if len(after.Certificates) == 0 {
			w.Observed.Block = nil
		}
		if again := Revoke(w.Desired, w.Observed, []string{who}, noon); again.Block != nil {
			t.Fatalf("a second time: %+v", again.Block)
		}
	})
}
