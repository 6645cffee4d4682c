package recipient

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math/big"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// wire is an SSH public key on one line: its kind, and its parts as SSH writes them.
func wire(kind string, parts ...[]byte) string {
	var b []byte
	for _, part := range append([][]byte{[]byte(kind)}, parts...) {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
	}
	return kind + " " + base64.StdEncoding.EncodeToString(b)
}

// keys are public keys of every kind that can be sealed to, by their kind.
func keys(t testing.TB) map[string]string {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	native, err := age.GenerateX25519Identity()
	must(err)
	hybrid, err := age.GenerateHybridIdentity()
	must(err)
	public, _, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	p256, err := ecdh.P256().GenerateKey(rand.Reader)
	must(err)
	point := p256.PublicKey().Bytes() // uncompressed
	quantum, err := mlkem.GenerateKey768()
	must(err)
	return map[string]string{
		"age1":        native.Recipient().String(),
		"age1pq1":     hybrid.Recipient().String(),
		"age1tag1":    plugin.EncodeRecipient("tag", append([]byte{2 + point[64]&1}, point[1:33]...)),
		"age1tagpq1":  plugin.EncodeRecipient("tagpq", append(quantum.EncapsulationKey().Bytes(), point...)),
		"ssh-ed25519": wire("ssh-ed25519", public),
		"ssh-rsa":     rsaKey(t, 2048),
	}
}

func rsaKey(t testing.TB, bits int) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return wire("ssh-rsa", big.NewInt(int64(key.E)).Bytes(), append([]byte{0}, key.N.Bytes()...))
}

func TestParse(t *testing.T) {
	for kind, key := range keys(t) {
		for _, comment := range []string{"", "jane@laptop", "jane (work), Zürich"} {
			r, err := Parse("  " + key + " \t " + comment + " ")
			if err != nil || r.Key != key || r.Comment != comment {
				t.Errorf("%s: %v, key %v, comment %q", kind, err, r.Key == key, r.Comment)
				continue
			}
			if strings.ContainsRune(r.Comment+r.Fingerprint, '\t') || len(r.Fingerprint) > 90 {
				t.Errorf("%s: fingerprint %q", kind, r.Fingerprint)
			}
			again, err := Parse(r.Key)
			if err != nil || again.Fingerprint != r.Fingerprint {
				t.Errorf("%s: again: %v %q", kind, err, again.Fingerprint)
			}
			if len(key) < 80 && strings.HasPrefix(key, "age1") && r.Fingerprint != key {
				t.Errorf("%s: fingerprint %q", kind, r.Fingerprint)
			}
		}
	}
}

// The fingerprint of an SSH key is the one that ssh-keygen shows.
func TestFingerprintOfSSH(t *testing.T) {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl github"
	r, err := Parse(key)
	if err != nil || r.Fingerprint != "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU" || r.String() != r.Fingerprint+" (github)" {
		t.Errorf("%v %v", err, r)
	}
	if p := r.Public(); p.Key != "" || p.String() != r.String() {
		t.Errorf("%v", p)
	}
}

func TestParseRefuses(t *testing.T) {
	good := keys(t)
	ed := good["ssh-ed25519"]
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	order := make([]byte, 32) // a point with which every agreement gives zero
	order[0] = 1
	native, err := ecdh.X25519().NewPublicKey(order)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := plugin.EncodeX25519Recipient(native)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, line, want string }{
		{"empty", " ", "must not be empty"},
		{"ECDSA", wire("ecdsa-sha2-nistp256", []byte("nistp256"), []byte{4}), "ECDSA"},
		{"a security key", wire("sk-ssh-ed25519@openssh.com", make([]byte, 32)), "can only sign"},
		{"an ECDSA security key", wire("sk-ecdsa-sha2-nistp256@openssh.com", nil), "can only sign"},
		{"DSA", wire("ssh-dss", nil), "of this kind"},
		{"a certificate", wire("ssh-ed25519-cert-v01@openssh.com", nil), "SSH certificate"},
		{"a short RSA key", rsaKey(t, 1024), "2048"},
		{"a private key of age", identity.String(), "private key"},
		{"a private key of age in lower case", strings.ToLower(identity.String()), "private key"},
		{"a private key in PEM form", "-----BEGIN OPENSSH PRIVATE KEY-----", "private key"},
		{"github:", "github:jane", "github"},
		{"options", `from="10.0.0.1" ` + ed, "options"},
		{"another plugin", plugin.EncodeRecipient("yubikey", []byte("0123456789")), "plugin"},
		{"truncated, SSH", ed[:len(ed)-8], "whole"},
		{"truncated, no base64", ed[:len(ed)-7], "whole"},
		{"truncated, age", good["age1"][:40], "whole"},
		{"truncated, post-quantum", good["age1pq1"][:900], "whole"},
		{"a typing error", good["age1"][:20] + "b" + good["age1"][21:], "whole"},
		{"the kind of another key", "ssh-rsa " + strings.Fields(ed)[1], "of another kind"},
		{"the kind of another key, and the right one behind it", "ssh-ed25519 AAAA " + ed, "whole"},
		{"no key", "ssh-ed25519", "whole"},
		{"a key of no use", wire("ssh-ed25519", order), "nothing can be sealed to it"},
		{"a key of age of no use", weak, "nothing can be sealed to it"},
		{"two lines", ed + "\n" + ed, "one line"},
		{"a long line", ed + strings.Repeat(" x", maxLine), "too long"},
		{"a long comment", ed + strings.Repeat(" x", 100), "comment is too long"},
		{"an escape sequence", ed + " \x1b[2Jjane", "cannot be printed"},
		{"right to left", ed + " \u202ejane", "cannot be printed"},
		{"no UTF-8", ed + " \xff", "UTF-8"},
		{"something else", "jane@example.com", "must be a public key"},
	} {
		r, err := Parse(c.line)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v %v, want an error with %q", c.name, r, err, c.want)
			continue
		}
		quotes(t, c.line, err)
	}
}

// quotes holds that an error repeats no piece of what was read that could be a secret.
func quotes(t *testing.T, line string, err error) {
	t.Helper()
	const piece = 24
	for i := 0; i+piece <= len(line); i++ {
		if strings.Contains(err.Error(), line[i:i+piece]) {
			t.Errorf("%v quotes %q", err, line[i:i+piece])
			return
		}
	}
}

// Check decides about every pair as age does.
func TestCheckAsAge(t *testing.T) {
	one, other := keys(t), keys(t)
	for a := range one {
		for b := range other {
			x, errX := Parse(one[a])
			y, errY := Parse(other[b])
			if errX != nil || errY != nil {
				t.Fatal(errX, errY)
			}
			toX, errX := x.Age()
			toY, errY := y.Age()
			if errX != nil || errY != nil {
				t.Fatal(errX, errY)
			}
			_, err := age.Encrypt(io.Discard, toX, toY)
			if got := Check([]Recipient{x, y}); (got == nil) != (err == nil) {
				t.Errorf("%s and %s: %v, age says %v", a, b, got, err)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	r := func(f string) Recipient { return Recipient{Key: "age1" + f, Fingerprint: f} }
	var many []Recipient
	for i := range Most + 1 {
		many = append(many, r(string(rune('a'+i))))
	}
	for _, c := range []struct {
		list []Recipient
		want string
	}{
		{nil, ""},
		{many[:Most], ""},
		{many, "at most"},
		{[]Recipient{r("a"), r("b"), {Key: "age1a", Fingerprint: "a", Comment: "again"}}, "twice"},
	} {
		err := Check(c.list)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d: %v, want %q", len(c.list), err, c.want)
		}
	}
}

func TestSame(t *testing.T) {
	a, b := Recipient{Fingerprint: "a", Comment: "jane"}, Recipient{Fingerprint: "b"}
	for _, c := range []struct {
		x, y []Recipient
		want bool
	}{
		{nil, nil, true},
		{nil, []Recipient{a}, false},
		{[]Recipient{a}, nil, false},
		{[]Recipient{a, b}, []Recipient{b, a}, true},
		{[]Recipient{a, b}, []Recipient{a}, false},
		{[]Recipient{a}, []Recipient{{Key: "k", Fingerprint: "a", Comment: "jane's"}}, true},
		{[]Recipient{a}, []Recipient{b}, false},
	} {
		if Same(c.x, c.y) != c.want {
			t.Errorf("%v and %v", c.x, c.y)
		}
	}
}

// FuzzParse holds that whatever is taken can be sealed to and stays what it is, and that no error repeats what it was given.
func FuzzParse(f *testing.F) {
	for _, key := range keys(f) {
		f.Add(key + " jane@laptop")
	}
	f.Add("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ==")
	f.Add("AGE-SECRET-KEY-1QQQQ")
	f.Add(`command="x" ssh-ed25519 AAAA`)
	f.Fuzz(func(t *testing.T, line string) {
		r, err := Parse(line)
		if err != nil {
			quotes(t, line, err)
			return
		}
		again, err := Parse(r.Key + " " + r.Comment)
		if err != nil || again != r {
			t.Errorf("again: %v %v, first %v", err, again, r)
		}
		to, err := r.Age()
		if err != nil {
			t.Fatal(err)
		}
		var sealed bytes.Buffer
		w, err := age.Encrypt(&sealed, to)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil || sealed.Len() == 0 {
			t.Error(err)
		}
	})
}

// The keys that are known to be of no use are those to which age itself cannot seal, in each way in which they can be written.
func TestWeakAsAge(t *testing.T) {
	if n := len(weakNative()); n != 14 {
		t.Errorf("%d keys of age", n)
	}
	for key := range weakNative() {
		to, err := (Recipient{Key: key}).Age()
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		if _, err := to.Wrap(make([]byte, 16)); err == nil {
			t.Errorf("age seals to %s", key)
		}
	}
	sealed := 0
	for point := range weakEdwards() {
		for _, sign := range []byte{0, 0x80} {
			point[31] = point[31]&0x7f | sign
			line := wire("ssh-ed25519", point[:])
			if _, err := Parse(line); err == nil {
				t.Errorf("%x is taken", point)
			}
			to, err := (Recipient{Key: line}).Age()
			if err != nil {
				continue // no point at all in this way
			}
			sealed++
			if _, err := to.Wrap(make([]byte, 16)); err == nil {
				t.Errorf("age seals to %x", point)
			}
		}
	}
	if sealed < 8 {
		t.Errorf("only %d points", sealed)
	}
}
