package credential

import (
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// FindCertificate reads the one client certificate in a text: a certificate in PEM form, which may stand behind a private key, or a
// kubeconfig, of which nothing else is looked at. Of several in a kubeconfig it is that of the current context. Errors never quote
// the content.
func FindCertificate(data []byte) (Certificate, error) {
	for rest := data; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			return ParseCertificate(append(pem.EncodeToMemory(block), after...))
		}
		rest = after
	}
	k, err := ParseKubeconfig(data)
	if err != nil {
		return Certificate{}, errors.New("neither a certificate in PEM form nor a kubeconfig")
	}
	users := k.config.AuthInfos
	if c := k.config.Contexts[k.config.CurrentContext]; c != nil && users[c.AuthInfo] != nil && len(users[c.AuthInfo].ClientCertificateData) > 0 {
		return ParseCertificate(users[c.AuthInfo].ClientCertificateData)
	}
	var found []Certificate
	elsewhere := ""
	for _, name := range slices.Sorted(maps.Keys(users)) {
		u := users[name]
		if len(u.ClientCertificateData) == 0 {
			if u.ClientCertificate != "" {
				elsewhere = u.ClientCertificate
			}
			continue
		}
		c, err := ParseCertificate(u.ClientCertificateData)
		if err != nil {
			return Certificate{}, fmt.Errorf("user entry %q: %w", name, err)
		}
		if !slices.ContainsFunc(found, func(other Certificate) bool { return other.CredentialID == c.CredentialID }) {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return Certificate{}, fmt.Errorf("a kubeconfig with %d client certificates, and none of them is the current context's", len(found))
	case elsewhere != "":
		return Certificate{}, fmt.Errorf("a kubeconfig that refers to a certificate in another file, %q: give that file", elsewhere)
	}
	return Certificate{}, errors.New("a kubeconfig without a client certificate")
}
