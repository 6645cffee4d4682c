package accept_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"provision/internal/accept"
)

// seal writes a text as armored age, as provision does with a private key.
func seal(t testing.TB, text []byte, to ...age.Recipient) string {
	t.Helper()
	var b bytes.Buffer
	out := armor.NewWriter(&b)
	w, err := age.Encrypt(out, to...)
	if err == nil {
		_, err = w.Write(text)
	}
	if err = errors.Join(err, w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sshKey makes an SSH key in OpenSSH's form, and its recipient.
func sshKey(t testing.TB, private any, passphrase string) (text []byte, to age.Recipient) {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if to, err = agessh.ParseRecipient(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))); err != nil {
		to = nil
	}
	return pem.EncodeToMemory(block), to
}

func TestOpenSealed(t *testing.T) {
	s := from(t, "jane", "prod", "ca")
	own, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	quantum, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edText, edTo := sshKey(t, ed, "")
	lockedText, _ := sshKey(t, ed, "horse")
	rsaText, rsaTo := sshKey(t, big, "")
	by, err := age.NewScryptRecipient("horse")
	if err != nil {
		t.Fatal(err)
	}
	by.SetWorkFactor(10)
	for name, c := range map[string]struct {
		identity []byte
		to       age.Recipient
		asked    bool
	}{
		"age":                           {[]byte("# created\n" + own.String() + "\n"), own.Recipient(), false},
		"age with a passphrase":         {[]byte(seal(t, []byte(own.String()), by)), own.Recipient(), true},
		"post-quantum":                  {[]byte(quantum.String()), quantum.Recipient(), false},
		"ssh-ed25519":                   {edText, edTo, false},
		"ssh-ed25519 with a passphrase": {lockedText, edTo, true},
		"ssh-rsa":                       {rsaText, rsaTo, false},
	} {
		t.Run(name, func(t *testing.T) {
			sealed := without(s)
			sealed.sealed = seal(t, s.key, c.to)
			e := sealed.entries(t)[0]
			asked := false
			identities := accept.Identities{Passphrase: func(path string) ([]byte, error) {
				asked = true
				return []byte("horse"), nil
			}}
			if err := identities.Add("x", c.identity); err != nil {
				t.Fatal(err)
			}
			if err := identities.Open(&e); err != nil || string(e.Key) != string(s.key) {
				t.Errorf("%v", err)
			}
			if asked != c.asked {
				t.Errorf("asked for a passphrase: %v", asked)
			}
		})
	}
	t.Run("not theirs", func(t *testing.T) {
		sealed := without(s)
		sealed.sealed = seal(t, s.key, own.Recipient())
		e := sealed.entries(t)[0]
		identities := accept.Identities{Passphrase: func(string) ([]byte, error) { t.Error("asked in vain"); return nil, io.EOF }}
		_, none := errors.AsType[*accept.NotOpenedError](identities.Open(&e))
		if err := errors.Join(identities.Add("ed", lockedText), identities.Add("rsa", rsaText)); err != nil {
			t.Fatal(err)
		}
		err := identities.Open(&e)
		if _, ok := errors.AsType[*accept.NotOpenedError](err); !ok || !none || !strings.HasSuffix(err.Error(), "is sealed to print (jane at home): none of ed, rsa opens it") || len(e.Key) > 0 {
			t.Error(err)
		}
	})
	t.Run("another's key, or none", func(t *testing.T) {
		other := from(t, "eve", "prod", "ca")
		for _, text := range [][]byte{other.key, []byte("S3cret"), nil} {
			sealed := without(s)
			sealed.sealed = seal(t, text, own.Recipient())
			e := sealed.entries(t)[0]
			var identities accept.Identities
			if err := identities.Add("x", []byte(own.String())); err != nil {
				t.Fatal(err)
			}
			if err := identities.Open(&e); err == nil || len(e.Key) > 0 || strings.Contains(err.Error(), "S3cret") {
				t.Error(err)
			}
		}
		e := without(s).entries(t)[0]
		e.Sealed.Key = "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n"
		var identities accept.Identities
		if err := identities.Add("x", []byte(own.String())); err != nil {
			t.Fatal(err)
		}
		if identities.Open(&e) == nil {
			t.Error("opened")
		}
	})
}

func TestIdentitiesRefused(t *testing.T) {
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecText, _ := sshKey(t, elliptic, "")
	for name, c := range map[string]struct{ text, want string }{
		"ECDSA":      {string(ecText), "ssh-ed25519 and ssh-rsa"},
		"plugin":     {"AGE-PLUGIN-TAG-1ABC\n", "needs an age plugin"},
		"text":       {"S3cret", "neither an age identity nor"},
		"truncated":  {"AGE-SECRET-KEY-1ABC", "neither an age identity nor"},
		"public key": {"ssh-ed25519 AAAA jane", "neither an age identity nor"},
		"empty":      {"", "neither an age identity nor"},
	} {
		var identities accept.Identities
		if err := identities.Add("path", []byte(c.text)); err == nil || !strings.HasPrefix(err.Error(), "path: ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The SSH keys of a home directory are tried, as far as they can be used.
func TestDefaultIdentities(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	s := from(t, "jane", "prod", "ca")
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, to := sshKey(t, ed, "")
	sealed := without(s)
	sealed.sealed = seal(t, s.key, to)
	e := sealed.entries(t)[0]
	var none accept.Identities
	none.AddDefaults()
	if err := none.Open(&e); err == nil || !strings.HasSuffix(err.Error(), "you have no SSH key that could open it") {
		t.Error(err)
	}
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, ".ssh", "id_rsa"), "broken")
	write(t, filepath.Join(home, ".ssh", "id_ed25519"), string(text))
	var identities accept.Identities
	identities.AddDefaults()
	if err := identities.Open(&e); err != nil || string(e.Key) != string(s.key) {
		t.Error(err)
	}
}
