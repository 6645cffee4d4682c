package accept

import (
	"fmt"
	"strings"
)

// Code is why something in a received file is refused.
type Code string

// The reasons there are.
const (
	NotReadable    Code = "NotReadable"    // it is no kubeconfig that can be read; Detail says why
	RunsProgram    Code = "RunsProgram"    // kubectl would run a program for it
	OtherLogin     Code = "OtherLogin"     // a credential that is no client certificate
	NamesFile      Code = "NamesFile"      // it names a file on the machine of whoever reads it
	Proxied        Code = "Proxied"        // requests would go through a machine of the sender's choice
	Unverified     Code = "Unverified"     // the server would not have to prove who it is
	ActsAs         Code = "ActsAs"         // requests would be those of somebody else
	UnknownField   Code = "UnknownField"   // none of the fields that are taken
	TwiceThere     Code = "TwiceThere"     // a name or a field that is there twice
	Missing        Code = "Missing"        // a field, or an object that another names, is not there
	NotUsed        Code = "NotUsed"        // an object that no context names
	Malformed      Code = "Malformed"      // a value that is not what it must be; Detail says why
	NotHTTPS       Code = "NotHTTPS"       // a server without TLS
	Unprintable    Code = "Unprintable"    // a name with characters that cannot be seen, or that steer a terminal
	Ended          Code = "Ended"          // the certificate has ended; Detail is when
	KeyOfAnother   Code = "KeyOfAnother"   // the private key is not that of the certificate
	MarkOfAnother  Code = "MarkOfAnother"  // the mark names another user than the certificate
	TwoKeys        Code = "TwoKeys"        // more than one private key, or places of one
	TooManyClients Code = "TooManyClients" // more contexts than anybody is sent
)

// Refusal is one thing in a received file for which the file is not accepted.
type Refusal struct {
	Object string // kind and quoted name of the entry; "": the file as a whole
	Field  string // as the file calls it; "": the entry as a whole
	Code   Code
	Detail string // in words, for some codes; never a value of the file but a name
	Line   int    // of the file, from 1; 0: not known
}

// Refusals are all that is wrong with a received file, in its order. There is at least one.
type Refusals []Refusal

// Error lists codes and places, for a program: package view says them in words.
func (l Refusals) Error() string {
	var all []string
	for _, r := range l {
		all = append(all, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", r.Object, r.Field, r.Code, r.Detail)), " "))
	}
	return strings.Join(all, "; ")
}
