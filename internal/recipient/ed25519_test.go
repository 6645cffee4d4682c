package recipient

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"slices"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// TestEdwards holds that age opens what is sealed to an ssh-ed25519 key here, and that it looks as age's own does.
func TestEdwards(t *testing.T) {
	for i := range 64 {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Parse(wire("ssh-ed25519", public))
		if err != nil {
			t.Fatal(err)
		}
		to, err := r.Age()
		if err != nil {
			t.Fatal(err)
		}
		identity, err := agessh.NewEd25519Identity(private)
		if err != nil {
			t.Fatal(err)
		}
		var sealed bytes.Buffer
		w, err := age.Encrypt(&sealed, to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "a key"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		opened, err := age.Decrypt(&sealed, identity)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if text, err := io.ReadAll(opened); err != nil || string(text) != "a key" {
			t.Fatalf("%d: %q %v", i, text, err)
		}
		theirs, err := agessh.ParseRecipient(r.Key)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := wrapped(t, to), wrapped(t, theirs); a.Type != b.Type || len(a.Args) != 2 || len(b.Args) != 2 || a.Args[0] != b.Args[0] || len(a.Args[1]) != len(b.Args[1]) || len(a.Body) != len(b.Body) {
			t.Errorf("%d: %v, age has %v", i, a, b)
		}
		if a, b := wrapped(t, to), wrapped(t, to); slices.Equal(a.Args, b.Args) || bytes.Equal(a.Body, b.Body) {
			t.Errorf("%d: twice the same: %v", i, a)
		}
	}
}

// wrapped is a file key, sealed.
func wrapped(t *testing.T, to age.Recipient) *age.Stanza {
	t.Helper()
	list, err := to.Wrap(make([]byte, 16))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %v", list, err)
	}
	return list[0]
}
