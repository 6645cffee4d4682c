package plan

import (
	"reflect"
	"slices"
	"testing"
)

// Whom an escrow opens private keys for is told with every one that is sealed to it, and of no other.
func TestEscrowed(t *testing.T) {
	w := settled(noon.Add(-day), wanted("ann", "dev"), wanted("bob"), wanted("jane"))
	w.Escrow = sealedTo("safe")
	for i := range w.Users[:2] {
		c := &w.Users[i].Certificate
		c.Key, c.SealedTo = KeySealed, sealedTo(c.User, "safe")
		w.Files[c.User].Certificate.Key, w.Files[c.User].Certificate.SealedTo = KeySealed, public(sealedTo(c.User, "safe"))
		w.Ledger[i].SealedTo = public(sealedTo(c.User, "safe"))
	}
	told := func() []Warning {
		return slices.DeleteFunc(w.plan().Warnings, func(w Warning) bool { return w.Code != Escrowed })
	}
	if list := told(); len(list) > 0 {
		t.Errorf("nothing is sealed, and %+v", list)
	}
	w.Reissue([]string{"ann", "jane"})
	want := []Warning{{Code: Escrowed, Items: []string{"ann"}, Left: []string{"safe (comment)"}}}
	if list := told(); !reflect.DeepEqual(list, want) || !list[0].Grave() || !list[0].OfUsers() {
		t.Errorf("%+v, want %+v", list, want)
	}

	// A change of it is one of recipients, for everybody who has any.
	w.Escrow = sealedTo("vault")
	for i := range w.Users[:2] {
		w.Users[i].Certificate.SealedTo = sealedTo(w.Users[i].Certificate.User, "vault")
	}
	var hands []string
	for _, one := range w.plan().Warnings {
		if one.Code == KeyChangesHands {
			hands = append(hands, one.User)
		}
	}
	if list := told(); len(list) != 1 || !slices.Equal(list[0].Items, []string{"ann", "bob"}) || !slices.Equal(hands, []string{"ann", "bob"}) {
		t.Errorf("%+v, and %v change hands", list, hands)
	}
}

// Whoever else gets the certificate is told of, whatever shows who had it: the kubeconfig, or the ledger alone.
func TestKeyChangesHands(t *testing.T) {
	sealed := func(w *world, to ...string) {
		w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo(to...)
	}
	was := func(w *world, to ...string) {
		w.file(func(f *File) { f.Certificate.Key, f.Certificate.SealedTo = KeySealed, public(sealedTo(to...)) })
		w.Ledger[0].SealedTo = public(sealedTo(to...))
	}
	moves := func(w *world) {
		w.file(func(f *File) {
			*f = File{Name: f.Name, State: FileMoving, Owner: "web", Mode: f.Mode, Given: f.Certificate}
		})
		w.Ledger = nil
	}
	ends := settled(noon.Add(-day), wanted("jane", "dev")).Ledger[0].NotAfter
	for _, c := range []struct {
		name   string
		change func(*world)
		want   *Warning
	}{
		{"nothing changes", func(*world) {}, nil},
		{"sealed, and new", func(w *world) { w.fresh(); sealed(w, "a") }, nil},
		{"sealed to the same, and renewed", func(w *world) { sealed(w, "a"); was(w, "a"); w.Reissue([]string{"jane"}) }, nil},
		{"sealed to another", func(w *world) { sealed(w, "b"); was(w, "a") }, &Warning{Name: "sealed", To: "sealed", Left: []string{"a (comment)"}, Items: []string{"b (comment)"}}},
		{"one more", func(w *world) { sealed(w, "a", "b"); was(w, "a") }, &Warning{Name: "sealed", To: "sealed", Left: []string{"a (comment)"}, Items: []string{"a (comment)", "b (comment)"}}},
		{"sealed from now on", func(w *world) { sealed(w, "b") }, &Warning{To: "sealed", Items: []string{"b (comment)"}}},
		{"sealed no longer", func(w *world) { was(w, "a") }, &Warning{Name: "sealed", Left: []string{"a (comment)"}}},
		{"a key of her own no longer", func(w *world) { *w = ownSettled(noon.Add(-day), "first"); w.keyHere() }, &Warning{Name: "own"}},
		{"the same, by the ledger", func(w *world) {
			*w = ownSettled(noon.Add(-day), "first")
			w.keyHere()
			delete(w.Files, "jane")
			w.ReissueMissing = true
		}, &Warning{Name: "own"}},
		{"a key of her own from now on", func(w *world) { w.bringsKey("first") }, nil},
		{"another key of her own", func(w *world) { *w = ownSettled(noon.Add(-day), "first"); w.bringsKey("second") }, nil},
		{"by the ledger", func(w *world) { sealed(w, "b"); was(w, "a"); delete(w.Files, "jane") }, &Warning{Name: "sealed", To: "sealed", Left: []string{"a (comment)"}, Items: []string{"b (comment)"}}},
		{"she comes from another set, sealed to others", func(w *world) { was(w, "a"); moves(w); sealed(w, "b") }, &Warning{Name: "sealed", To: "sealed", Left: []string{"a (comment)"}, Items: []string{"b (comment)"}}},
		{"she comes from another set, sealed to the same", func(w *world) { was(w, "a"); moves(w); sealed(w, "a") }, nil},
		{"she comes from another set, as she was", moves, nil},
		{"sealed to the same, and a tool has dropped that", func(w *world) {
			sealed(w, "a")
			was(w, "a")
			w.file(func(f *File) { f.Certificate.Key, f.Certificate.SealedTo = KeyOwn, nil })
		}, nil},
		{"by the ledger, as the file has no key that can be", func(w *world) {
			sealed(w, "b")
			was(w, "a")
			w.file(func(f *File) { f.KeyMatches, f.Certificate.Key, f.Certificate.SealedTo = false, KeyHere, nil })
		}, &Warning{Name: "sealed", To: "sealed", Left: []string{"a (comment)"}, Items: []string{"b (comment)"}}},
	} {
		w := settled(noon.Add(-day), wanted("jane", "dev"))
		c.change(&w)
		warnings := slices.DeleteFunc(w.plan().Warnings, func(w Warning) bool { return w.Code != KeyChangesHands })
		if c.want == nil {
			if len(warnings) > 0 {
				t.Errorf("%s: %+v", c.name, warnings)
			}
			continue
		}
		c.want.Code, c.want.User, c.want.Until = KeyChangesHands, "jane", ends
		if len(warnings) != 1 || !warnings[0].Grave() || !reflect.DeepEqual(warnings[0], *c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, warnings, c.want)
		}
	}
}

// TestRecipientInputs holds that a saved plan that is refused says whose recipients are others, and which.
func TestRecipientInputs(t *testing.T) {
	w := settled(noon.Add(-day), wanted("jane", "dev"))
	seal := func(to ...string) Inputs {
		w.Users[0].Certificate.Key, w.Users[0].Certificate.SealedTo = KeySealed, sealedTo(to...)
		return InputsOf("users.yaml", "uid", w.Desired, w.Observed)
	}
	if moved := seal("a", "b").Compare(seal("b", "a")); len(moved) > 0 {
		t.Errorf("another order: %+v", moved)
	}
	moved := seal("a", "b").Compare(seal("c"))
	if len(moved) != 1 || moved[0] != (Moved{Object: "recipients of jane", Then: "a (comment), b (comment)", Now: "c (comment)"}) {
		t.Errorf("%+v", moved)
	}
}
