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

// Kinds are all kinds of people, a third each of plain, sealed and own.
func Kinds(i int) string {
	switch i % 3 {
	case 1:
		return Sealed[i/3%len(Sealed)]
	case 2:
		return Own[i/3%len(Own)]
	}
	return Plain
}

// People makes people, whose kinds kind tells by their number, with homes below a folder. Requests are sent into the folder requests.
func People(tools Tools, prefix, homes, requests string, n int, kind func(int) string) ([]*Person, error) {
	var people []*Person
	for i := range n {
		name := fmt.Sprintf("%s-%03d", prefix, i)
		p, err := tools.NewPerson(name, kind(i), filepath.Join(homes, name), requests)
		if err != nil {
			return nil, fmt.Errorf("%s (%s): %w", name, kind(i), err)
		}
		people = append(people, p)
	}
	return people, nil
}

// Tools are the programs with which people make and open what they keep. Where OpenSSL is empty, provision makes all requests.
type Tools struct{ Provision, Age, AgeKeygen, OpenSSL string }

// FindTools finds the tools. Those of age are built into a folder, from the module that the product uses, which is at root: they know
// every kind of key.
func FindTools(root, folder string) (Tools, error) {
	build := exec.Command("go", "build", "-o", folder, "filippo.io/age/cmd/age", "filippo.io/age/cmd/age-keygen")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return Tools{}, fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	provision, err := Binary()
	if err != nil {
		return Tools{}, err
	}
	openssl, _ := exec.LookPath("openssl")
	return Tools{provision, filepath.Join(folder, "age"), filepath.Join(folder, "age-keygen"), openssl}, nil
}

// NewPerson makes a person: their home, and in it what opens a key that is sealed to them, or the key that they keep.
func (t Tools) NewPerson(name, kind, home, requests string) (*Person, error) {
	p := &Person{Name: name, Kind: kind, Home: home}
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		return nil, err
	}
	switch {
	case kind == Plain:
		return p, nil
	case strings.HasPrefix(kind, "ssh-"):
		return p, p.makeSSH(kind)
	case strings.HasPrefix(kind, "age1"):
		return p, p.makeAge(t, kind)
	}
	return p, p.Request(t, requests)
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

// Request makes a new key and the request for it, which is sent. The keys before are kept.
func (p *Person) Request(t Tools, requests string) error {
	maker, what, _ := strings.Cut(p.Kind, " ")
	dir, err := os.MkdirTemp(p.Home, "key-")
	if err != nil {
		return err
	}
	made := filepath.Join(dir, p.Name)
	c := exec.Command(t.Provision, "request", "--name", p.Name, "-d", dir)
	switch {
	case maker == "provision":
		c.Args = append(c.Args, "--key-algorithm", what)
	case t.OpenSSL != "":
		new := []string{"-newkey", what}
		if what == "ec" {
			new = append(new, "-pkeyopt", "ec_paramgen_curve:P-256")
		}
		c = exec.Command(t.OpenSSL, append([]string{"req", "-new", "-nodes", "-subj", "/CN=" + p.Name, "-keyout", made + ".key", "-out", made + ".csr"}, new...)...)
	}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	key, err := os.ReadFile(made + ".key")
	if err == nil {
		err = os.WriteFile(p.KeyFile(), key, 0o600)
	}
	if err != nil {
		return err
	}
	request, err := os.ReadFile(made + ".csr")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(requests, p.Name+".csr"), request, 0o644)
}
