package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"provision/internal/credential"
	"provision/internal/plan"
)

// credentialID is the id of a certificate as audit logs show it, or its hexadecimal digits alone.
var credentialID = regexp.MustCompile(`^(?i:X509SHA256=)?([0-9a-fA-F]{64})$`)

// stolen reads what --certificate names: an id, or a file, of which only the certificate is read.
func stolen(value string) (plan.Stolen, error) {
	if id := credentialID.FindStringSubmatch(value); id != nil {
		return plan.Stolen{CredentialID: "X509SHA256=" + strings.ToLower(id[1])}, nil
	}
	if err := checkOwnFile(value); err != nil {
		return plan.Stolen{}, fmt.Errorf("--certificate: %w", err)
	}
	f, err := os.Open(value)
	if err != nil {
		return plan.Stolen{}, fmt.Errorf("--certificate: %w (an id has 64 hexadecimal digits)", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxOwnFile))
	if err != nil {
		return plan.Stolen{}, fmt.Errorf("--certificate: %w", err)
	}
	c, err := credential.FindCertificate(data)
	if err != nil {
		return plan.Stolen{}, fmt.Errorf("--certificate %s: %w", value, err)
	}
	return plan.Stolen{
		CredentialID: c.CredentialID, Leaf: c.Leaf, Further: c.Further,
		Certificate: &plan.Certificate{
			User: c.User, Groups: c.Groups, KeyHash: c.KeyHash, CredentialID: c.CredentialID, Serial: c.Serial, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		},
	}, nil
}
