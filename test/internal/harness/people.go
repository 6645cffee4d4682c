package harness

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"filippo.io/age/plugin"
	"golang.org/x/crypto/ssh"
)

// Plain is the kind of people whose private key is in their kubeconfig.
const Plain = "plain"

// Sealed and Own are the kinds of people whose private key is not in their kubeconfig, each by what the key is sealed to, or by what
// has made their request.
var (
	Sealed = []string{"age1", "ssh-ed25519", "age1pq1", "ssh-rsa", "age1 beside age1tag1"}
	Own    = []string{"provision ECDSA-P256", "openssl ec", "provision Ed25519", "openssl rsa:2048", "provision ECDSA-P384", "openssl ed25519"}
)

// Person is somebody who gets a kubeconfig, and keeps their secrets in a home of their own.
type Person struct {
	Name string
	Kind string
	Home string

	recipients []string
}

// People makes people of all kinds in turn, a third each of plain, sealed and own, with homes below a folder. Who makes a request
// sends it into the folder requests.
func People(tools Tools, prefix, homes, requests string, n int) ([]*Person, error) {
	var people []*Person
	for i := range n {
		kind := Plain
		switch i % 3 {
		case 1:
			kind = Sealed[i/3%len(Sealed)]
		case 2:
			kind = Own[i/3%len(Own)]
		}
		name := fmt.Sprintf("%s-%03d", prefix, i)
		p, err := tools.NewPerson(name, kind, filepath.Join(homes, name), requests)
		if err != nil {
			return nil, fmt.Errorf("%s (%s): %w", name, kind, err)
		}
		people = append(people, p)
	}
	return people, nil
}

// Tools are the programs with which people make what they keep.
type Tools struct{ Provision, AgeKeygen, OpenSSL string }

// NewPerson makes a person: their home, and in it what opens a key that is sealed to them, or the key that they keep.
func (t Tools) NewPerson(name, kind, home, requests string) (*Person, error) {
	p := &Person{Name: name, Kind: kind, Home: home}
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		return nil, err
	}
	maker, what, own := strings.Cut(kind, " ")
	switch {
	case kind == Plain:
		return p, nil
	case strings.HasPrefix(kind, "ssh-"):
		return p, p.makeSSH(kind)
	case strings.HasPrefix(kind, "age1"):
		return p, p.makeAge(t, kind)
	case own:
		return p, p.Request(t, maker, what, requests)
	}
	return nil, fmt.Errorf("no kind %q", kind)
}

// IsSealed reports whether the person's key is sealed to them, IsOwn whether they made it.
func (p *Person) IsSealed() bool { return p.recipients != nil }

// IsOwn reports whether they made their key.
func (p *Person) IsOwn() bool { return p.Kind != Plain && !p.IsSealed() }

// Identity is the file that opens what is sealed to them.
func (p *Person) Identity() string {
	switch p.Kind {
	case "ssh-ed25519":
		return filepath.Join(p.Home, ".ssh", "id_ed25519")
	case "ssh-rsa":
		return filepath.Join(p.Home, ".ssh", "id_rsa")
	}
	return filepath.Join(p.Home, "identity")
}

// KeyFile is the key that they keep.
func (p *Person) KeyFile() string { return filepath.Join(p.Home, p.Name+".key") }

// Line is their line in the users file, with more fields, each with a comma before it.
func (p *Person) Line(more string) string {
	key := ""
	switch {
	case p.IsSealed():
		key = `, recipients: ["` + strings.Join(p.recipients, `", "`) + `"]`
	case p.IsOwn():
		key = ", request: requests/" + p.Name + ".csr"
	}
	return fmt.Sprintf("  - {name: %s%s%s}\n", p.Name, key, more)
}

// Accept are the flags with which they accept a kubeconfig: none where their SSH key is where ssh has it.
func (p *Person) Accept() []string {
	switch {
	case p.IsOwn():
		return []string{"--key", p.KeyFile()}
	case strings.HasPrefix(p.Kind, "age1"):
		return []string{"-i", p.Identity()}
	}
	return nil
}

// Open opens with the program age what is sealed to them. It is their private key.
func (p *Person) Open(age, sealed string) ([]byte, error) {
	c := exec.Command(age, "-d", "-i", p.Identity())
	c.Stdin = strings.NewReader(sealed)
	key, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s (%s): %s: %w", p.Name, p.Kind, c, err)
	}
	return key, nil
}

// OpensWithOld reports whether an age before 1.3, as Debian 12 has it, opens what is sealed to them.
func (p *Person) OpensWithOld() bool { return p.IsSealed() && p.Kind != "age1pq1" }

func (p *Person) makeSSH(kind string) error {
	var secret any
	var public any
	switch kind {
	case "ssh-rsa":
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return err
		}
		secret, public = key, key.Public()
	default:
		open, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		secret, public = key, open
	}
	block, err := ssh.MarshalPrivateKey(secret, "")
	if err != nil {
		return err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return err
	}
	p.recipients = []string{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + p.Name}
	return os.WriteFile(p.Identity(), pem.EncodeToMemory(block), 0o600)
}

func (p *Person) makeAge(t Tools, kind string) error {
	flags := []string{"-o", p.Identity()}
	if kind == "age1pq1" {
		flags = append(flags, "-pq")
	}
	if out, err := exec.Command(t.AgeKeygen, flags...).CombinedOutput(); err != nil {
		return fmt.Errorf("age-keygen: %w\n%s", err, out)
	}
	public, err := exec.Command(t.AgeKeygen, "-y", p.Identity()).Output()
	if err != nil {
		return fmt.Errorf("age-keygen -y: %w", err)
	}
	p.recipients = []string{strings.TrimSpace(string(public))}
	if strings.HasSuffix(kind, "age1tag1") {
		tag, err := TagRecipient()
		p.recipients = append(p.recipients, tag)
		return err
	}
	return nil
}

// TagRecipient is the public key of a new key as it is on a hardware token. Only a plugin of age, which asks the token, opens what is
// sealed to one, and this has none.
func TagRecipient() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	point, err := key.PublicKey.Bytes() // uncompressed: 4, x, y
	if err != nil {
		return "", err
	}
	const size = 32
	return plugin.EncodeRecipient("tag", append([]byte{2 + point[2*size]&1}, point[1:1+size]...)), nil
}

// Request makes a new key and the request for it, which is sent. The key before is kept beside it.
func (p *Person) Request(t Tools, maker, what, requests string) error {
	dir, err := os.MkdirTemp(p.Home, "key-")
	if err != nil {
		return err
	}
	made := filepath.Join(dir, p.Name)
	c := exec.Command(t.Provision, "request", "--name", p.Name, "--key-algorithm", what, "-d", dir)
	if maker == "openssl" {
		new := []string{"-newkey", what}
		if what == "ec" {
			new = append(new, "-pkeyopt", "ec_paramgen_curve:P-256")
		}
		c = exec.Command(t.OpenSSL, append([]string{"req", "-new", "-nodes", "-subj", "/CN=" + p.Name, "-keyout", made + ".key", "-out", made + ".csr"}, new...)...)
	}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	if err := os.Rename(made+".key", p.KeyFile()); err != nil {
		return err
	}
	request, err := os.ReadFile(made + ".csr")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(requests, p.Name+".csr"), request, 0o644)
}
