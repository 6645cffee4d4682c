package credential

import (
	"maps"
	"slices"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/recipient"
	"provision/internal/usersfile"
)

// KeyPlace says where the private key of an entry is.
type KeyPlace string

// The places of a private key.
const (
	KeyHere      KeyPlace = "here"      // in the file, for everybody who reads it
	KeySealed    KeyPlace = "sealed"    // in the file, sealed to its owner
	KeyElsewhere KeyPlace = "elsewhere" // in the file that the entry names
	KeyNone      KeyPlace = "none"
)

// Inspected is what a context of any kubeconfig says, or a user entry that no context refers to. It has no secret: neither the key
// nor a token, nor the text that is sealed.
type Inspected struct {
	Context            string // "": no context refers to the user entry
	Current            bool
	UserEntry          string // the name of the user entry
	Namespace          string
	usersfile.Endpoint        // its Name is that of the cluster entry
	CAFile             string // the file with the CA's certificates, where they do not stand in the kubeconfig

	Certificate     *Certificate // nil: there is none in the file, or it cannot be read
	CertificateFile string       // the file that has it, where it is not in the kubeconfig
	Unreadable      error        // why the certificate cannot be read; nil: it can, or there is none

	Key      KeyPlace
	KeyFile  string // where the key is elsewhere
	SealedTo []recipient.Recipient

	Others []string // what else logs in: exec, auth-provider, token, tokenFile, password
	Owner  Owner    // of an entry that provision has written; the zero value: another's
}

// Inspect returns what a kubeconfig says, a context after the other by name, then the user entries that no context refers to. It
// opens no file that the kubeconfig names.
func (k *Kubeconfig) Inspect() []Inspected {
	var list []Inspected
	referred := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(k.config.Contexts)) {
		c := k.config.Contexts[name]
		referred[c.AuthInfo] = true
		one := k.inspectUser(c.AuthInfo)
		one.Context, one.Current, one.Namespace, one.Name = name, name == k.config.CurrentContext, c.Namespace, c.Cluster
		if o := k.config.Clusters[c.Cluster]; o != nil {
			one.Endpoint = endpointOf(c.Cluster, *o)
			if len(o.CertificateAuthorityData) == 0 {
				one.CAFile = o.CertificateAuthority
			}
		}
		list = append(list, one)
	}
	for _, name := range slices.Sorted(maps.Keys(k.config.AuthInfos)) {
		if !referred[name] {
			list = append(list, k.inspectUser(name))
		}
	}
	return list
}

func (k *Kubeconfig) inspectUser(name string) Inspected {
	one := Inspected{UserEntry: name, Key: KeyNone}
	user := k.config.AuthInfos[name]
	if user == nil {
		return one
	}
	one.Owner, _ = k.owner(user.Extensions)
	if len(user.ClientCertificateData) > 0 {
		c, err := ParseCertificate(user.ClientCertificateData)
		if err == nil {
			one.Certificate = &c
		}
		one.Unreadable = err
	} else {
		one.CertificateFile = user.ClientCertificate
	}
	sealed := sealedIn(user.Extensions)
	switch {
	case len(user.ClientKeyData) > 0: // as kubectl reads it
		one.Key = KeyHere
	case sealed.Key != "":
		one.Key, one.KeyFile, one.SealedTo = KeySealed, user.ClientKey, sealed.To
	case user.ClientKey != "":
		one.Key, one.KeyFile = KeyElsewhere, user.ClientKey
	}
	one.Others = otherLogins(user)
	return one
}

// otherLogins names what of a user entry logs in besides a certificate.
func otherLogins(user *clientcmdapi.AuthInfo) []string {
	var list []string
	for _, o := range []struct {
		there bool
		name  string
	}{
		{user.Exec != nil, "exec"}, {user.AuthProvider != nil, "auth-provider"}, {user.Token != "", "token"},
		{user.TokenFile != "", "tokenFile"}, {user.Username != "" || user.Password != "", "password"},
	} {
		if o.there {
			list = append(list, o.name)
		}
	}
	return list
}
