package credential

import (
	"maps"
	"slices"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"provision/internal/usersfile"
)

// Entry is what a kubeconfig says for one user on one cluster. Put names the user entry like the context, user@cluster, so
// that kubeconfigs can be merged without one user entry hiding another; people rename contexts.
type Entry struct {
	Owner              Owner
	Context            string // the name of the context; "" in one that was read, if no context refers to the user entry
	User               string // the name of the user entry; Put ignores it
	Namespace          string
	usersfile.Endpoint        // its Name is that of the cluster entry
	Certificate        []byte // PEM
	Key                []byte // PEM, secret; none where the key is not here
	KeyFile            string // where the key is not here: the name of the file beside the kubeconfig in which its owner has it
	Sealed             Sealed // the key that is not here, as its owner can open it; none where it never was here
}

// NotHere reports whether the entry is one whose private key is with its owner alone: sealed, or never ours. It then has no key,
// and names the one file that the owner's can be in.
func (e Entry) NotHere() bool {
	return len(e.Key) == 0 && e.KeyFile == usersfile.KeyFileName(e.Owner.User) && (e.Sealed.Key == "" || e.Sealed.whole())
}

// clusterOf returns an endpoint as a kubeconfig has it, without its name.
func clusterOf(e usersfile.Endpoint) clientcmdapi.Cluster {
	return clientcmdapi.Cluster{
		Server:                   e.Server,
		CertificateAuthorityData: e.CertificateAuthorityData,
		TLSServerName:            e.TLSServerName,
		ProxyURL:                 e.ProxyURL,
		InsecureSkipTLSVerify:    e.InsecureSkipTLSVerify,
		DisableCompression:       e.DisableCompression,
	}
}

// endpointOf is the inverse of clusterOf.
func endpointOf(name string, c clientcmdapi.Cluster) usersfile.Endpoint {
	return usersfile.Endpoint{
		Name:                     name,
		Server:                   c.Server,
		CertificateAuthorityData: c.CertificateAuthorityData,
		TLSServerName:            c.TLSServerName,
		ProxyURL:                 c.ProxyURL,
		InsecureSkipTLSVerify:    c.InsecureSkipTLSVerify,
		DisableCompression:       c.DisableCompression,
	}
}

// user returns the user entry, without its owner.
func (e Entry) user() clientcmdapi.AuthInfo {
	return clientcmdapi.AuthInfo{ClientCertificateData: e.Certificate, ClientKeyData: e.Key, ClientKey: e.KeyFile}
}

// context returns the context, without its owner.
func (e Entry) context() clientcmdapi.Context {
	return clientcmdapi.Context{Cluster: e.Name, AuthInfo: e.Context, Namespace: e.Namespace}
}

// Entry returns our entry of a user for a cluster (by UID), if the file has one. Of several, as when somebody copied one, it is
// the first by name that has a context. Parts that the file lacks are empty.
func (k *Kubeconfig) Entry(cluster, user string) (Entry, bool) {
	var found Entry
	ok := false
	for _, e := range k.Entries(cluster) {
		if e.Owner.User == user && (!ok || found.Context == "" && e.Context != "") {
			found, ok = e, true
		}
	}
	return found, ok
}

// Entries returns all our entries for a cluster (by UID), of whatever set and user, sorted by the name of their user entry: a
// merged file has those of several users.
func (k *Kubeconfig) Entries(cluster string) []Entry {
	return k.entries(func(o Owner) bool { return o.Cluster == cluster })
}

// OtherClusters returns our entries of a user for all clusters but one (by UID), sorted by the name of their user entry.
func (k *Kubeconfig) OtherClusters(cluster, user string) []Entry {
	return k.entries(func(o Owner) bool { return o.Cluster != cluster && o.User == user })
}

// entries returns our entries of the owners that count, sorted by the name of their user entry.
func (k *Kubeconfig) entries(counts func(Owner) bool) []Entry {
	var list []Entry
	for _, name := range slices.Sorted(maps.Keys(k.config.AuthInfos)) {
		if owner, ours := k.owner(k.config.AuthInfos[name].Extensions); ours && counts(owner) {
			list = append(list, k.entry(name, owner))
		}
	}
	return list
}

// Unmarked returns the entries that name no owner and have a certificate for a user, sorted by the name of their user entry. A
// tool leaves that of ours which drops the extensions of a file that it rewrites; others are not ours. Their Owner has the
// user alone.
func (k *Kubeconfig) Unmarked(user string) []Entry {
	var list []Entry
	for _, name := range slices.Sorted(maps.Keys(k.config.AuthInfos)) {
		o := k.config.AuthInfos[name]
		if _, ours := k.owner(o.Extensions); ours || len(o.ClientCertificateData) == 0 {
			continue
		}
		if c, err := ParseCertificate(o.ClientCertificateData); err == nil && c.User == user {
			list = append(list, k.entry(name, Owner{User: user}))
		}
	}
	return list
}

// entry reads the entry that a user entry, by name, belongs to, as kubectl does: through the context that refers to it.
func (k *Kubeconfig) entry(name string, owner Owner) Entry {
	user := k.config.AuthInfos[name]
	e := Entry{Owner: owner, Context: k.contextOf(name), User: name, Certificate: user.ClientCertificateData, Key: user.ClientKeyData}
	if len(e.Key) == 0 { // as kubectl reads it
		e.KeyFile, e.Sealed = user.ClientKey, sealedIn(user.Extensions)
	}
	c := k.config.Contexts[e.Context]
	if c == nil {
		return e
	}
	e.Namespace, e.Name = c.Namespace, c.Cluster
	if o := k.config.Clusters[c.Cluster]; o != nil {
		e.Endpoint = endpointOf(c.Cluster, *o)
	}
	return e
}

// contextOf returns the name of the context that refers to a user entry, or "". Of several, ours goes before those that people
// made beside it, then the context of the same name, then the current one.
func (k *Kubeconfig) contextOf(user string) string {
	mine, ours := k.owner(k.config.AuthInfos[user].Extensions)
	rank := func(name string) int {
		rank := 0
		if owner, ok := k.owner(k.config.Contexts[name].Extensions); ok && ours && owner.Cluster == mine.Cluster && owner.User == mine.User {
			rank += 4
		}
		if name == user {
			rank += 2
		}
		if name == k.config.CurrentContext {
			rank++
		}
		return rank
	}
	found := ""
	for _, name := range slices.Sorted(maps.Keys(k.config.Contexts)) {
		if k.config.Contexts[name].AuthInfo == user && (found == "" || rank(name) > rank(found)) {
			found = name
		}
	}
	return found
}
