//go:build unix

package outdir

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"provision/internal/credential"
	"provision/internal/plan"
	"provision/internal/recipient"
)

// sealedTo makes a recipient.
func sealedTo(t *testing.T) recipient.Recipient {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	check(t, err)
	r, err := recipient.Parse(identity.Recipient().String() + " jane@laptop")
	check(t, err)
	return r
}

// A kubeconfig whose private key is with its owner is whole: it is written, observed, rewritten and removed as any other.
func TestKeyNotHere(t *testing.T) {
	to := sealedTo(t)
	for _, want := range []plan.KeyPlace{plan.KeyOwn, plan.KeySealed} {
		t.Run(string(want), func(t *testing.T) {
			path := t.TempDir()
			d := opened(t, path)
			set := d.Of("team", prod)
			s := newSecret(t, "jane")
			e := entry(prod, "jane", s)
			e.Key, e.KeyFile = nil, "jane.key"
			if want == plan.KeySealed {
				var err error
				e.Sealed, err = credential.Seal(s.pem, []recipient.Recipient{to})
				check(t, err)
			}
			look := func(when string) plan.File {
				t.Helper()
				f, err := set.ObserveUser("jane")
				check(t, err)
				c := f.Certificate
				if f.State != plan.FileOurs || c == nil || c.Key != want || !f.KeyMatches || c.KeyHash != s.hash || len(f.Edited) > 0 || len(f.Others) > 0 {
					t.Fatalf("%s: %+v %+v", when, f, c)
				}
				if sealed := want == plan.KeySealed; sealed && (len(c.SealedTo) != 1 || c.SealedTo[0] != to.Public()) || !sealed && len(c.SealedTo) > 0 {
					t.Errorf("%s: sealed to %v", when, c.SealedTo)
				}
				return f
			}
			check(t, set.Write(e, ""))
			look("written")
			check(t, d.Of("team", staging).Write(entry(staging, "jane", newSecret(t, "jane")), "")) // another cluster's, with its key
			look("beside another cluster's")
			moved := e
			moved.Server, moved.Certificate, moved.KeyFile, moved.Sealed, moved.Owner.Duration = "https://new", nil, "", credential.Sealed{}, 0
			check(t, set.Rewrite(moved, s.hash))
			if f := look("rewritten"); f.Kubeconfig.Endpoint.Server != "https://new" || f.Certificate.Duration != time.Hour {
				t.Errorf("%+v", f.Kubeconfig)
			}
			got, err := set.Entry("jane")
			check(t, err)
			if got.Sealed.Key != e.Sealed.Key || len(got.Key) > 0 {
				t.Errorf("the sealed key did not stay")
			}
			check(t, set.Remove("jane"))
			if f, err := set.ObserveUser("jane"); err == nil || f.State != plan.FileOther {
				t.Errorf("removed: %v %+v", err, f)
			}
		})
	}
}

// A sealed key that was cut short is no key.
func TestSealedKeyBroken(t *testing.T) {
	path := t.TempDir()
	set := opened(t, path).Of("team", prod)
	s := newSecret(t, "jane")
	e := entry(prod, "jane", s)
	var err error
	e.Sealed, err = credential.Seal(s.pem, []recipient.Recipient{sealedTo(t)})
	check(t, err)
	e.Key, e.KeyFile = nil, "jane.key"
	check(t, set.Write(e, ""))
	file := filepath.Join(path, "jane.kubeconfig")
	data, err := os.ReadFile(file)
	check(t, err)
	check(t, os.WriteFile(file, bytes.Replace(data, []byte("-----END AGE"), []byte("-----EN AGE"), 1), 0o600))
	f, err := set.ObserveUser("jane")
	check(t, err)
	if f.KeyMatches || f.Certificate.Key != plan.KeyHere {
		t.Errorf("%+v %+v", f, f.Certificate)
	}
}

// What has lost its mark has lost the sealed key with it, and the mark of one that was never here can be put back.
func TestMarkWithoutKey(t *testing.T) {
	d := opened(t, t.TempDir())
	set := d.Of("team", prod)
	s := newSecret(t, "jane")
	e := entry(prod, "jane", s)
	e.Key, e.KeyFile = nil, "jane.key"
	check(t, set.Write(e, ""))
	data, err := os.ReadFile(d.File("jane"))
	check(t, err)
	check(t, os.WriteFile(d.File("jane"), bytes.ReplaceAll(data, []byte("name: provision\n"), []byte("name: dropped\n")), 0o600))
	f, err := set.ObserveUser("jane")
	if err == nil || len(f.Unmarked) != 1 || !f.Unmarked[0].KeyMatches || f.Unmarked[0].Certificate.Key != plan.KeyOwn {
		t.Fatalf("%v %+v", err, f.Unmarked)
	}
	check(t, set.Mark(credential.Owner{User: "jane", Duration: time.Hour}, s.hash))
	if f, err := set.ObserveUser("jane"); err != nil || f.Certificate.Key != plan.KeyOwn || !f.KeyMatches {
		t.Errorf("%v %+v", err, f)
	}
}

// A sealed key in the journal is as good as one that is not: it is observed by its public half, read back, and dropped once it is in the
// kubeconfig.
func TestSealedJournal(t *testing.T) {
	path := t.TempDir()
	d := opened(t, path)
	set := d.Of("team", prod)
	s := newSecret(t, "jane")
	to := sealedTo(t)
	sealed, err := credential.Seal(s.pem, []recipient.Recipient{to})
	check(t, err)
	asked, err := credential.NewRequest(s.key, "jane", []string{"dev"})
	check(t, err)
	check(t, set.WriteKey(JournalEntry{User: "jane", Request: "r", SealedKey: sealed.Key, SealedTo: sealed.To, Asked: string(asked)}))
	seen, err := set.Observe()
	check(t, err)
	k := seen.Keys["jane"]
	if k.KeyHash != s.hash || k.Place != plan.KeySealed || len(k.SealedTo) != 1 || k.SealedTo[0] != to.Public() || k.Request != "r" {
		t.Errorf("%+v", k)
	}
	for _, name := range everything(t, path) {
		data, err := os.ReadFile(filepath.Join(path, name))
		check(t, err)
		if bytes.Contains(data, []byte("PRIVATE KEY")) {
			t.Errorf("%s has a private key", name)
		}
	}
	e := entry(prod, "jane", s)
	e.Key, e.KeyFile, e.Sealed = nil, "jane.key", sealed
	check(t, set.Write(e, ""))
	d.Close()
	opened(t, path)
	if left := everything(t, path); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}
