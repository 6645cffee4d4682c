package e2e_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"

	sealing "filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
)

// identityOf makes a key pair of a person's: what opens in FILE, and the public
// key in FILE.pub.
func identityOf(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) == 2, "identity age|ssh FILE")
	private, public := "", ""
	switch args[0] {
	case "age":
		made, err := sealing.GenerateX25519Identity()
		ts.Check(err)
		private, public = made.String()+"\n", made.Recipient().String()
	case "ssh":
		open, secret, err := ed25519.GenerateKey(rand.Reader)
		ts.Check(err)
		block, err := ssh.MarshalPrivateKey(secret, "")
		ts.Check(err)
		key, err := ssh.NewPublicKey(open)
		ts.Check(err)
		private, public = string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(key))
	default:
		ts.Fatalf("identity: %s is neither age nor ssh", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(private), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]+".pub"), []byte(public), 0o644))
}

// unseal is a program that opens what was sealed, on standard input, with the
// identity in a file: with age itself where that is installed.
func unseal() {
	path, err := exec.LookPath("age")
	if err == nil {
		c := exec.Command(path, "-d", "-i", os.Args[1])
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		err = c.Run()
	} else {
		err = unsealed(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "unseal:", err)
		os.Exit(1)
	}
}

func unsealed(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var key sealing.Identity
	if block, _ := pem.Decode(data); block != nil {
		key, err = agessh.ParseIdentity(data)
	} else {
		var keys []sealing.Identity
		f, _ := os.Open(file)
		if keys, err = sealing.ParseIdentities(f); err == nil {
			key = keys[0]
		}
	}
	if err != nil {
		return err
	}
	plain, err := sealing.Decrypt(armor.NewReader(os.Stdin), key)
	if err != nil {
		return err
	}
	_, err = io.Copy(os.Stdout, plain)
	return err
}
