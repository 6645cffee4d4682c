package credential

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// ageKey makes a key of age, and the recipient that it opens for.
func ageKey(t testing.TB) (*age.X25519Identity, recipient.Recipient) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipient.Parse(identity.Recipient().String() + " jane@laptop")
	if err != nil {
		t.Fatal(err)
	}
	return identity, r
}

// open opens what was sealed.
func open(sealed string, identity age.Identity) ([]byte, error) {
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), identity)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestSeal(t *testing.T) {
	for _, algorithm := range []usersfile.KeyAlgorithm{usersfile.ECDSAP256, usersfile.RSA4096} {
		key, err := NewKey(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		pem, err := MarshalKey(key)
		if err != nil {
			t.Fatal(err)
		}
		jane, toJane := ageKey(t)
		joe, toJoe := ageKey(t)
		sealed, err := Seal(pem, []recipient.Recipient{toJane, toJoe})
		if err != nil || !sealed.whole() || len(sealed.To) != 2 || sealed.To[0] != toJane.Public() {
			t.Fatalf("%s: %v %v", algorithm, err, sealed.To)
		}
		if strings.Contains(sealed.Key, "KEY") {
			t.Errorf("%s: not sealed:\n%s", algorithm, sealed.Key)
		}
		for _, identity := range []age.Identity{jane, joe} {
			if got, err := open(sealed.Key, identity); err != nil || !bytes.Equal(got, pem) {
				t.Errorf("%s: opened: %v", algorithm, err)
			}
		}
		mallory, _ := ageKey(t)
		if _, err := open(sealed.Key, mallory); err == nil {
			t.Errorf("%s: anybody can open it", algorithm)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	_, jane := ageKey(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	quantum, err := recipient.Parse(hybrid.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string][]recipient.Recipient{
		"nobody":                 nil,
		"without a key":          {jane.Public()},
		"post-quantum and other": {jane, quantum},
	} {
		if sealed, err := Seal([]byte("secret"), to); err == nil || sealed.Key != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhole(t *testing.T) {
	_, jane := ageKey(t)
	sealed, err := Seal([]byte("secret"), []recipient.Recipient{jane})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"as sealed":     {sealed.Key, true},
		"nothing":       {"", false},
		"cut":           {sealed.Key[:len(sealed.Key)/2], false},
		"a private key": {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", false},
		"too much":      {strings.Repeat("\n", maxSealed) + sealed.Key, false},
	} {
		if (Sealed{Key: c.text}).whole() != c.want {
			t.Error(name)
		}
	}
}
