package view

import (
	"strings"
	"time"

	"provision/internal/cabundle"
	"provision/internal/credential"
	"provision/internal/hint"
	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// Inspection is what a kubeconfig says, as of Now.
type Inspection struct {
	File    string
	Entries []credential.Inspected
	Now     time.Time
}

// Print writes it for people or as a document. Neither has anything secret of the file.
func (i Inspection) Print(s Streams, format string) error {
	if format != "text" {
		return printDocument(s.Out, format, i.document())
	}
	p := s.out()
	for n, e := range i.Entries {
		if n > 0 {
			p.gap()
		}
		p.line(0, "", p.bold(i.File)+": "+inspectedWords(e))
		var rows table
		for _, row := range i.entryRows(e) {
			rows.add("  "+row[0], row[1])
		}
		rows.write(p)
	}
	return nil
}

// inspectedWords names an entry.
func inspectedWords(e credential.Inspected) string {
	if e.Context == "" {
		return "user entry " + hint.ShellWord(e.UserEntry) + ", to which no context refers"
	}
	words := "context " + hint.ShellWord(e.Context)
	if e.Current {
		words += ", the current one"
	}
	return words
}

// entryRows are the facts of an entry, with their names.
func (i Inspection) entryRows(e credential.Inspected) [][2]string {
	var rows [][2]string
	add := func(name, words string) {
		if words != "" {
			rows = append(rows, [2]string{name, words})
		}
	}
	if c := e.Certificate; c != nil {
		add("user", userWords(c.User, c.Groups))
		add("until", i.lifeWords(*c))
		add("id", c.CredentialID)
		add("public key", string(c.KeyAlgorithm)+", SHA-256 "+c.KeyHash)
	} else {
		add("user", noCertificateWords(e))
	}
	add("private key", inspectedKeyWords(e))
	if len(e.Others) > 0 {
		add("also logs in by", strings.Join(e.Others, ", "))
	}
	if e.Server != "" {
		e.Endpoint.Server = usersfile.WithoutPassword(e.Server)
		add("server", serverWords(e.Endpoint))
	}
	add("proxy", usersfile.WithoutPassword(e.ProxyURL))
	if e.Context != "" {
		for _, words := range inspectedCA(e) {
			add("CA", words)
		}
		add("namespace", e.Namespace)
	}
	if e.Owner != (credential.Owner{}) {
		add("made by", "provision, set "+e.Owner.Set+", cluster "+e.Owner.Cluster)
	}
	return rows
}

// lifeWords says from when until when a certificate lives.
func (i Inspection) lifeWords(c credential.Certificate) string {
	words := timeWords(c.NotAfter)
	switch {
	case !i.Now.Before(c.NotAfter):
		words += ", which has passed"
	case i.Now.Before(c.NotBefore):
		words += ", from " + timeWords(c.NotBefore) + " on"
	}
	return words
}

func noCertificateWords(e credential.Inspected) string {
	switch {
	case e.Unreadable != nil:
		return "not known: " + e.Unreadable.Error()
	case e.CertificateFile != "":
		return "not known: the certificate is in the file " + e.CertificateFile + ", which was not opened"
	}
	return "not known: the file has no client certificate"
}

func inspectedKeyWords(e credential.Inspected) string {
	switch e.Key {
	case credential.KeyHere:
		return "in the file: whoever reads it can log in"
	case credential.KeySealed:
		to := each(e.SealedTo, recipient.Recipient.String)
		if len(to) == 0 {
			return "sealed to its owner"
		}
		return "sealed to " + strings.Join(to, ", ")
	case credential.KeyElsewhere:
		return "in another file, " + e.KeyFile + ", which was not opened"
	case credential.KeyNone:
	}
	return "none"
}

// inspectedCA says by what the server's certificate is checked.
func inspectedCA(e credential.Inspected) []string {
	switch {
	case e.InsecureSkipTLSVerify:
		return []string{"not checked (insecure-skip-tls-verify)"}
	case e.CAFile != "":
		return []string{"in the file " + e.CAFile + ", which was not opened"}
	case e.Server == "":
		return nil
	}
	words := caWords(e.Endpoint)
	if len(words) == 0 {
		return []string{"not readable"}
	}
	return words
}

// inspectionDoc is a kubeconfig for programs.
type inspectionDoc struct {
	FormatVersion string         `json:"formatVersion"`
	Kind          string         `json:"kind"` // Inspection
	Time          time.Time      `json:"time"` // when it was made, in UTC, to the second
	File          string         `json:"file"`
	Entries       []inspectedDoc `json:"entries"`
}

type inspectedDoc struct {
	Context      string   `json:"context"` // "": no context refers to the user entry
	Current      bool     `json:"current"`
	UserEntry    string   `json:"userEntry"`
	User         string   `json:"user"` // what follows is of the certificate; "": the file has none that can be read
	Groups       []string `json:"groups"`
	NotBefore    string   `json:"notBefore,omitempty"`
	NotAfter     string   `json:"notAfter,omitempty"`
	CredentialID string   `json:"credentialID,omitempty"`
	KeyHash      string   `json:"keyHash,omitempty"` // SHA-256 of the public key
	KeyAlgorithm string   `json:"keyAlgorithm,omitempty"`
	Key          string   `json:"key"` // where the private key is: here, sealed, elsewhere or none
	KeyFile      string   `json:"keyFile,omitempty"`
	OtherLogins  []string `json:"otherLogins"` // exec, auth-provider, token, tokenFile, password
	Cluster      string   `json:"cluster"`     // the name of the cluster entry
	Server       string   `json:"server"`
	ProxyURL     string   `json:"proxyURL,omitempty"` // without its password
	SkipsVerify  bool     `json:"insecureSkipTLSVerify"`
	CAs          []string `json:"caFingerprints"` // SHA-256
	CAFile       string   `json:"caFile,omitempty"`
	Namespace    string   `json:"namespace"`
	Set          string   `json:"set"` // of what provision has written
	ClusterUID   string   `json:"clusterUID"`
}

func (i Inspection) document() inspectionDoc {
	d := inspectionDoc{FormatVersion: formatVersion, Kind: "Inspection", Time: i.Now.UTC().Truncate(time.Second), File: i.File, Entries: []inspectedDoc{}}
	for _, e := range i.Entries {
		one := inspectedDoc{
			Context: e.Context, Current: e.Current, UserEntry: e.UserEntry, Groups: []string{}, Key: string(e.Key), KeyFile: e.KeyFile,
			OtherLogins: append([]string{}, e.Others...), Cluster: e.Name, Server: usersfile.WithoutPassword(e.Server), ProxyURL: usersfile.WithoutPassword(e.ProxyURL),
			SkipsVerify: e.InsecureSkipTLSVerify, CAs: append([]string{}, cabundle.Fingerprints(e.CertificateAuthorityData)...), CAFile: e.CAFile,
			Namespace: e.Namespace, Set: e.Owner.Set, ClusterUID: e.Owner.Cluster,
		}
		if c := e.Certificate; c != nil {
			one.User, one.Groups = c.User, append(one.Groups, c.Groups...)
			one.NotBefore, one.NotAfter = c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339)
			one.CredentialID, one.KeyHash, one.KeyAlgorithm = c.CredentialID, c.KeyHash, string(c.KeyAlgorithm)
		}
		d.Entries = append(d.Entries, one)
	}
	return d
}
