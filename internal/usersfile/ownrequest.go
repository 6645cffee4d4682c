package usersfile

import (
	"strconv"
	"strings"

	"provision/internal/hint"
)

// OwnRequest is a request for a certificate that its owner has made, with a key that nobody else has.
type OwnRequest struct {
	Pos          Pos    // where the users file has it
	PEM          []byte // CERTIFICATE REQUEST
	KeyHash      string // hex SHA-256 of the public key
	KeyAlgorithm KeyAlgorithm
}

// JudgeRequest decides whether a text is a request for exactly this user and these groups. Its error is for a person, and quotes
// nothing but names.
type JudgeRequest func(data []byte, user string, groups []string) (OwnRequest, error)

// maxRequest is the most that is read of a request, in bytes. One for as many groups as a certificate may have is smaller.
const maxRequest = 256 << 10

// ownRequest reads the request of a user whose certificate is to have these groups, or nil: the text itself, or a file below the
// folder of the users file.
func (r *reader) ownRequest(v value, who CertificateSubject) *OwnRequest {
	if !v.given() {
		return nil
	}
	text, ok := r.filled(v)
	if !ok {
		return nil
	}
	data, what := []byte(text), "the request"
	if !strings.Contains(text, "-----BEGIN") {
		if data, ok = r.beside(v, maxRequest); !ok {
			return nil
		}
		what = printable(text)
	} else if len(text) > maxRequest {
		r.add(v, "the request is too long")
		return nil
	}
	if who.User == "" { // that is a mistake already
		return nil
	}
	own, err := r.judge(data, who.User, who.Organizations())
	if err != nil {
		r.add(v, what+" "+err.Error()+"; what makes it right, at their end: "+who.Command())
		return nil
	}
	if first, ok := r.seen.keys[own.KeyHash]; ok {
		r.add(v, what+" is for the key of the request at "+first.String()+": no key is used twice; what makes it right, at their end: "+who.Command())
		return nil
	}
	own.Pos = r.at(v)
	r.seen.keys[own.KeyHash] = own.Pos
	return &own
}

// Command is how somebody makes a key of their own and the request for a certificate with this subject.
func (s CertificateSubject) Command() string {
	command := []string{"provision request --name " + hint.ShellWord(s.User)}
	for _, g := range s.Groups {
		command = append(command, "--group "+hint.ShellWord(g))
	}
	if s.Generation > 0 {
		command = append(command, "--set "+s.Set, "--generation "+strconv.Itoa(s.Generation))
	}
	if isReserved(s.User, asUser) {
		command = append(command, "--allow-reserved "+hint.ShellWord(s.User))
	}
	for _, g := range s.Groups {
		if isReserved(g, inCertificate) {
			command = append(command, "--allow-reserved "+hint.ShellWord(g))
		}
	}
	return strings.Join(command, " ")
}
