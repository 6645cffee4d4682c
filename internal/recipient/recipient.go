// Package recipient reads those to whom a private key can be sealed: public keys of age and of SSH, by the rules of age.
//
// It opens no file. Its errors quote nothing of what it was given: a private key may stand there by mistake.
package recipient

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/tag"
)

const (
	// maxLine is the longest line that is read; a post-quantum key takes 2,000 bytes, and age and sshd read no longer ones.
	maxLine = 8 << 10
	// maxComment is the longest comment: it is shown, and kept in the ledger.
	maxComment = 120
	// Most is how many recipients one user can have: each makes the kubeconfig and the ledger larger.
	Most = 16
)

// Recipient is a public key to which a private key can be sealed. Two are the same if their Fingerprint is.
type Recipient struct {
	// Key is the public key as age takes it, without a comment. It is empty where only the rest is known.
	Key string `json:"key,omitempty"`
	// Fingerprint identifies the key: for SSH it is what ssh-keygen -l shows, for age the key itself or, where that is too long
	// for people, its beginning and its SHA-256.
	Fingerprint string `json:"fingerprint"`
	// Comment says whose key it is, by the word of whoever wrote it; "": nothing.
	Comment string `json:"comment,omitempty"`
}

// String returns what a person compares: the fingerprint, and the comment in brackets. It is one line: what somebody has written
// into a kubeconfig or a ledger was checked by nobody.
func (r Recipient) String() string {
	text := r.Fingerprint
	if r.Comment != "" {
		text += " (" + r.Comment + ")"
	}
	if checkPrintable(text) != nil {
		return strconv.Quote(text)
	}
	return text
}

// Public returns the recipient without the key itself: what is enough to recognize it.
func (r Recipient) Public() Recipient {
	return Recipient{Fingerprint: r.Fingerprint, Comment: r.Comment}
}

// Parse reads a recipient from one line: a public key, and perhaps a comment behind it. All that age would refuse when it seals is an
// error here.
func Parse(line string) (Recipient, error) {
	line = strings.TrimSpace(line)
	if err := checkLine(line); err != nil {
		return Recipient{}, err
	}
	kind, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	r := Recipient{Key: kind}
	isSSH := strings.HasPrefix(kind, "ssh-")
	if isSSH {
		key, comment, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
		r.Key, rest = kind+" "+key, comment
	}
	r.Comment = strings.TrimSpace(rest)
	if err := checkComment(r.Comment); err != nil {
		return Recipient{}, err
	}
	to, err := r.Age()
	if err != nil {
		return Recipient{}, err
	}
	if !r.usable(to) {
		return Recipient{}, errors.New("the key cannot be used: nothing can be sealed to it")
	}
	r.Fingerprint = fingerprint(r.Key)
	return r, nil
}

// checkLine refuses what is no public key at all, or none that age takes.
func checkLine(line string) error {
	upper := strings.ToUpper(line)
	kind, _, _ := strings.Cut(line, " ")
	switch {
	case line == "":
		return errors.New("must not be empty")
	case strings.Contains(upper, "PRIVATE KEY") || strings.Contains(upper, "AGE-SECRET-KEY-") || strings.HasPrefix(upper, "AGE-PLUGIN-"):
		return errors.New("is a private key: take it out of the file, consider it known to everybody who has read that, and give a public key")
	case strings.ContainsAny(line, "\r\n"):
		return errors.New("must be one line with one public key")
	case len(line) > maxLine:
		return fmt.Errorf("is too long: a public key takes at most %d bytes", maxLine)
	case !utf8.ValidString(line):
		return errors.New("is not UTF-8")
	case strings.HasPrefix(line, "github:"):
		return errors.New("age has no github: recipients: give the public key itself")
	case strings.HasPrefix(kind, "sk-"):
		return errors.New("an SSH key on a security key (sk-...) can only sign, and opens nothing: " +
			"give an ssh-ed25519, ssh-rsa, age1... or age1tag1... key")
	case strings.HasPrefix(kind, "ecdsa-"):
		return errors.New("an ECDSA SSH key cannot be used with age: give an ssh-ed25519, ssh-rsa or age1... key")
	case strings.Contains(kind, "-cert-v01@"):
		return errors.New("is an SSH certificate: give the public key that it was made for")
	case kind == "ssh-ed25519" || kind == "ssh-rsa" || strings.HasPrefix(kind, "age1"):
		return nil
	case strings.HasPrefix(kind, "ssh-"):
		return errors.New("an SSH key of this kind cannot be used with age: give an ssh-ed25519, ssh-rsa or age1... key")
	case strings.Contains(line, "ssh-ed25519 ") || strings.Contains(line, "ssh-rsa "):
		return errors.New("must begin with ssh-ed25519 or ssh-rsa: take the options before it away")
	}
	return errors.New("must be a public key of age or SSH: age1..., ssh-ed25519 or ssh-rsa")
}

// checkComment refuses what a screen would not show as it is.
func checkComment(comment string) error {
	if len(comment) > maxComment {
		return fmt.Errorf("the comment is too long: it has at most %d bytes", maxComment)
	}
	return checkPrintable(comment)
}

func checkPrintable(text string) error {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return errors.New("the comment has a character that cannot be printed")
	}
	return nil
}

// Age returns the recipient as the library of age has it. It needs Key.
func (r Recipient) Age() (age.Recipient, error) {
	var to age.Recipient
	var err error
	switch {
	case strings.HasPrefix(r.Key, "ssh-"):
		if err := checkSSH(r.Key); err != nil {
			return nil, err
		}
		to, err = agessh.ParseRecipient(r.Key)
		if err != nil && strings.HasPrefix(r.Key, "ssh-rsa ") {
			return nil, errors.New("the ssh-rsa key cannot be used: it must have 2048 bits or more, and be whole")
		}
		if _, ed := to.(*agessh.Ed25519Recipient); ed && err == nil {
			wire, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Key, "ssh-ed25519 ")) // checkSSH has done it
			to = edwards{wire}
		}
	case strings.HasPrefix(r.Key, "age1tag1"), strings.HasPrefix(r.Key, "age1tagpq1"):
		to, err = tag.ParseRecipient(r.Key)
	case strings.HasPrefix(r.Key, "age1pq1"):
		to, err = age.ParseHybridRecipient(r.Key)
	case strings.HasPrefix(r.Key, "age1") && strings.Count(r.Key, "1") > 1:
		return nil, errors.New("to seal to this key takes a plugin of age, and provision runs no plugin: give an age1..., age1tag1... or SSH key")
	default:
		to, err = age.ParseX25519Recipient(r.Key)
	}
	if err != nil { // which quotes the key
		return nil, errors.New("the key is not whole, or has a typing error")
	}
	return to, nil
}

// checkSSH checks that an SSH public key is of the kind that is said before it. The library takes more than that: where the key
// cannot be read, it looks for another one further on.
func checkSSH(line string) error {
	kind, key, _ := strings.Cut(line, " ")
	wire, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(wire) < 4 {
		return errors.New("the key is not whole, or has a typing error")
	}
	n := binary.BigEndian.Uint32(wire)
	if uint64(n)+4 > uint64(len(wire)) || string(wire[4:4+n]) != kind {
		return fmt.Errorf("says %s, and the key is not whole or of another kind", kind)
	}
	return nil
}

// fingerprint returns the fingerprint of a key that is sound.
func fingerprint(key string) string {
	hash := func(data []byte) string {
		sum := sha256.Sum256(data)
		return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
	}
	if _, wire, isSSH := strings.Cut(key, " "); isSSH {
		data, _ := base64.StdEncoding.DecodeString(wire) // checkSSH has done it
		return hash(data)
	}
	const readable = 80
	if len(key) <= readable {
		return key
	}
	return key[:strings.LastIndexByte(key, '1')+1] + "... " + hash([]byte(key))
}

// postQuantum reports whether a sealed key stays closed to a quantum computer.
func (r Recipient) postQuantum() bool {
	return strings.HasPrefix(r.Key, "age1pq1") || strings.HasPrefix(r.Key, "age1tagpq1")
}

// Check says what is wrong with recipients together, or nil: age does not seal to post-quantum and to other keys at once.
func Check(list []Recipient) error {
	if len(list) > Most {
		return fmt.Errorf("must be at most %d keys", Most)
	}
	for i, r := range list {
		if slices.ContainsFunc(list[:i], func(other Recipient) bool { return other.Fingerprint == r.Fingerprint }) {
			return errors.New("has one key twice")
		}
		if r.postQuantum() != list[0].postQuantum() {
			return errors.New("mixes post-quantum keys (age1pq1..., age1tagpq1...) with others, " +
				"and what is sealed to one of the others is open to a quantum computer: give keys of one kind")
		}
	}
	return nil
}

// Same reports whether two lists have the same keys, in whatever order and whatever their comments are.
func Same(a, b []Recipient) bool {
	added, removed := Difference(a, b)
	return len(added)+len(removed) == 0
}

// Difference returns the recipients that only b has, and those that only a has.
func Difference(a, b []Recipient) (added, removed []Recipient) {
	return without(b, a), without(a, b)
}

// without are the recipients of a list that are not in the other.
func without(list, others []Recipient) []Recipient {
	var left []Recipient
	for _, r := range list {
		if !slices.ContainsFunc(others, func(other Recipient) bool { return other.Fingerprint == r.Fingerprint }) {
			left = append(left, r)
		}
	}
	return left
}
