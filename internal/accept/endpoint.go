package accept

import (
	"bytes"
	"strings"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/cabundle"
	"provision/internal/credential"
	"provision/internal/usersfile"
)

// trusts reports whether a cluster entry leads to a server and trusts no other CA for it.
func trusts(have *clientcmdapi.Cluster, e usersfile.Endpoint) bool {
	return sameServer(endpointOf("", have), e) && have.TLSServerName == e.TLSServerName && !have.InsecureSkipTLSVerify && have.CertificateAuthority == "" &&
		cabundle.Equal(have.CertificateAuthorityData, e.CertificateAuthorityData)
}

func sameServer(a, b usersfile.Endpoint) bool {
	return strings.EqualFold(strings.TrimRight(a.Server, "/"), strings.TrimRight(b.Server, "/"))
}

// endpointOf reads a cluster entry of the person's kubeconfig.
func endpointOf(name string, c *clientcmdapi.Cluster) usersfile.Endpoint {
	return usersfile.Endpoint{
		Name: name, Server: c.Server, CertificateAuthorityData: bytes.Clone(c.CertificateAuthorityData), TLSServerName: c.TLSServerName,
		ProxyURL: c.ProxyURL, InsecureSkipTLSVerify: c.InsecureSkipTLSVerify, DisableCompression: c.DisableCompression,
	}
}

func clusterOf(e Entry) *clientcmdapi.Cluster {
	return &clientcmdapi.Cluster{
		Server: e.Server, CertificateAuthorityData: e.CertificateAuthorityData, TLSServerName: e.TLSServerName, DisableCompression: e.DisableCompression,
		Extensions: extension(e.Owner),
	}
}

func userOf(e Entry) *clientcmdapi.AuthInfo {
	return &clientcmdapi.AuthInfo{ClientCertificateData: e.Certificate, ClientKeyData: e.Key, Extensions: extension(e.Owner)}
}

// login returns the entry of a change as kubectl finds it once the person's file is config, to log in with. Whatever the person has
// added to their cluster, such as a proxy, holds.
func (m Mine) login(config *clientcmdapi.Config, c Change) credential.Entry {
	user := config.AuthInfos[c.User]
	at, _ := m.cluster(config, c.Cluster)
	return credential.Entry{
		Owner: c.owner, Context: c.Context, User: c.User, Endpoint: endpointOf(c.Cluster, at),
		Certificate: user.ClientCertificateData, Key: user.ClientKeyData,
	}
}

// logins is login for each of the changes.
func (m Mine) logins(config *clientcmdapi.Config, changes []Change) []credential.Entry {
	var list []credential.Entry
	for _, c := range changes {
		list = append(list, m.login(config, c))
	}
	return list
}
