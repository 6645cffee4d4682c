package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"
)

// Kinds of recipients that are measured.
const (
	ofAge = "age1"
	ofSSH = "ssh-ed25519"
)

const mostToSeal = 0.3 // milliseconds of CPU

// sealed measures what it costs that a private key is sealed to its owner: alone, and in an apply beside one whose keys are not.
func (b *bench) sealed(ctx context.Context, r *result) error {
	r.About = fmt.Sprintf("Sealing alone, from the line in the users file to the text in the kubeconfig, is `BenchmarkSeal` of `internal/credential`, with the\n"+
		"CPU time of its thread. An apply is of %d users into an empty directory, each with recipients of their own, in %d rounds,\n"+
		"kube-controller-manager with `%s`.", b.users, b.rounds, strings.Join(raisedLimit, " "))
	if err := b.sealAlone(ctx, r); err != nil {
		return err
	}
	p, err := b.startPlane(ctx, raisedLimit...)
	if err != nil {
		return err
	}
	defer p.Stop()
	warm, err := b.apply(b.temp, "warm-up", b.users/2, "ECDSA-P256")
	if err != nil {
		return err
	}
	if _, err := b.run(ctx, p, &result{}, 0, warm); err != nil {
		return err
	}
	kinds := []string{"", ofAge, ofSSH}
	names := map[string]string{"": provisionName, ofAge: provisionName + ", sealed to " + ofAge, ofSSH: provisionName + ", sealed to " + ofSSH}
	for round := range b.rounds {
		for i := range kinds { // each is first, second, third in turn
			kind := kinds[(i+round)%len(kinds)]
			c, err := b.apply(b.temp, fmt.Sprintf("sealed-%d", round), b.users, "ECDSA-P256")
			if err != nil {
				return err
			}
			c.name = names[kind]
			if err := sealUsers(c.dir, kind); err != nil {
				return err
			}
			if _, err := b.run(ctx, p, r, round+1, c); err != nil {
				return err
			}
		}
	}
	r.compare(fmt.Sprintf("Apply of %d users", b.users), b.users, names[""], names[ofAge], names[ofSSH])
	return nil
}

// sealUsers gives each user of a users file a recipient of their own of a kind; "": none.
func sealUsers(dir, kind string) error {
	if kind == "" {
		return nil
	}
	path := filepath.Join(dir, "users.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		b.WriteString(line)
		if !strings.HasPrefix(line, "  - name: ") {
			continue
		}
		to, err := newRecipient(kind)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "    recipients: [%q]\n", to)
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// newRecipient is a public key that nobody else has.
func newRecipient(kind string) (string, error) {
	if kind == ofAge {
		identity, err := age.GenerateX25519Identity()
		if err != nil {
			return "", err
		}
		return identity.Recipient().String(), nil
	}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), nil
}

var cpuOfSeal = regexp.MustCompile(`(?m)^BenchmarkSeal/(\S+)\s.*\s([0-9.]+) cpu-ns/op`)

// sealAlone measures one seal, on one core.
func (b *bench) sealAlone(ctx context.Context, r *result) error {
	const times = "20"
	c := exec.CommandContext(ctx, "go", "test", "./internal/credential", "-run", "^$", "-bench", "Seal", "-cpu", "1", "-benchtime", "200ms", "-count", times)
	c.Dir = "../.."
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	found := map[string][]float64{}
	for _, m := range cpuOfSeal.FindAllStringSubmatch(string(out), -1) {
		ns, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return err
		}
		found[m[1]] = append(found[m[1]], ns/1e6)
	}
	t := r.table("Sealing one key, "+times+" times 0.2 s", "sealed to", "CPU ms")
	for _, kind := range []string{ofAge, ofSSH} {
		if len(found[kind]) == 0 {
			return fmt.Errorf("%s has no figure for %s\n%s", c, kind, out)
		}
		slices.Sort(found[kind])
		t.row(kind, spread(found[kind], thousandths))
		r.atMost(fmt.Sprintf("sealing to %s: at most %.1f ms of CPU a user", kind, mostToSeal), median(found[kind]), mostToSeal, "%.3f ms")
	}
	return nil
}
